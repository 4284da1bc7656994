/* What the queue's store costs, without anything around it; bench/queue runs it and prints the table.
 *
 *     bench-queue accept DIR SECONDS SIZE BATCH     messages a second, CPU a message, bytes of the file a message
 *     bench-queue raw DIR SECONDS SIZE              what a file that grows by one write and one fdatasync each would do
 *     bench-queue life DIR COUNT SIZE WINDOW        accept, claim as leaving, settle: messages a second, CPU a message
 *     bench-queue fill DIR COUNT SIZE               a queue of so many, left closed in order
 *     bench-queue today DIR COUNT SIZE              the same, handed in just now: for a daemon
 *     bench-queue start DIR                         how long until it is open, until the first page; memory
 *     bench-queue cost DIR COUNT                    of a claim and its settling, on the queue as it is
 *     bench-queue late DIR COUNT                    of looking for what is late where nothing is, and of taking a hundred
 *
 * One JSON object a line.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "queue/sqlite.h"

static char body[1 << 16];

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void must(bool ok, const struct err *err)
{
    if (ok)
        return;
    fprintf(stderr, "bench-queue: %s\n", err->text);
    exit(1);
}

static uint64_t number(const char *text)
{
    uint64_t n;

    if (!str_to_u64(span_of(text), 0, UINT64_MAX, &n))
        exit(64);
    return n;
}

static struct store *open_store(const char *directory)
{
    struct sqlite_options options = { .directory = directory, .disk = &disk_system, .reserve_percent = 1 };
    struct store_opened opened;
    struct store *store;
    struct err err = { 0 };

    must(store_sqlite_open(&options, &store, &opened, &err), &err);
    return store;
}

static uint64_t file_size(const char *directory)
{
    char path[4096];
    struct stat st;

    snprintf(path, sizeof path, "%s/queue.db", directory);
    return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

static void accept_batch(struct store *store, uint64_t count, size_t size, uint64_t now)
{
    struct err err = { 0 };
    struct envelope *envelope = envelope_new();
    struct store_accepted accepted;

    must(envelope_set_sender(envelope, SPAN("me@live.com"), &err) &&
         envelope_add(envelope, SPAN("somebody@example.org"), &err), &err);
    struct store_order order = { .account = "live", .submitter = "uid:1000", .envelope = envelope,
                                 .message_id = "<20260301120000.12345678@example.org>", .from = "me@live.com",
                                 .last = { body, size } };
    must(store_begin(store, &err), &err);
    for (uint64_t i = 0; i < count; i++) {
        must(store_job_begin(store, &err), &err);
        must(store_accept(store, &order, now, &accepted, &err), &err);
        must(store_job_end(store, true, &err), &err);
    }
    must(store_commit(store, &err) && store_rest(store, &err), &err);
    envelope_free(envelope);
}

static int bench_accept(char **arg)
{
    struct store *store = open_store(arg[0]);
    double seconds = (double)number(arg[1]), begun = now_s(), cpu = cpu_s(), end;
    uint64_t count = 0, size = number(arg[2]), batch = number(arg[3]), before = file_size(arg[0]);

    do {
        accept_batch(store, batch, size, 1000 + count);
        count += batch;
        end = now_s();
    } while (end - begun < seconds);
    cpu = cpu_s() - cpu;
    store_free(store);
    printf("{\"what\":\"accept\",\"size\":%llu,\"batch\":%llu,\"a_second\":%.0f,\"cpu_us\":%.1f,\"disk\":%.0f}\n",
           (unsigned long long)size, (unsigned long long)batch, (double)count / (end - begun),
           cpu * 1e6 / (double)count, (double)(file_size(arg[0]) - before) / (double)count);
    return 0;
}

static int bench_raw(char **arg)
{
    char path[4096];
    double seconds = (double)number(arg[1]), begun = now_s(), cpu = cpu_s(), end;
    uint64_t count = 0, size = number(arg[2]);

    mkdir(arg[0], 0700);
    snprintf(path, sizeof path, "%s/raw", arg[0]);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    do {
        if (write(fd, body, size) != (ssize_t)size || fdatasync(fd) != 0)
            return 1;
        count++;
        end = now_s();
    } while (end - begun < seconds);
    close(fd);
    unlink(path);
    printf("{\"what\":\"raw\",\"size\":%llu,\"a_second\":%.0f,\"cpu_us\":%.1f}\n", (unsigned long long)size,
           (double)count / (end - begun), (cpu_s() - cpu) * 1e6 / (double)count);
    return 0;
}

static uint64_t deliver(struct store *store, size_t window, uint64_t now)
{
    struct err err = { 0 };
    struct store_items items = { 0 };
    struct store_claim claim = { .account = "live", .until = now + 60000, .leaving = true, .messages = window,
                                 .recipients = 1000, .bytes = 1 << 20 };

    must(store_begin(store, &err) && store_job_begin(store, &err) &&
         store_claim(store, &claim, now, &items, &err) && store_job_end(store, true, &err) &&
         store_commit(store, &err), &err);
    must(store_begin(store, &err), &err);
    for (size_t i = 0; i < items.count; i++) {
        const struct store_outcome outcome = { .number = 0, .state = STORE_DELIVERED, .reply = 250,
                                               .text = "2.0.0 OK queued as 4XyZ" };
        struct store_settlement settlement = { items.at[i].id, items.at[i].lease, "live", &outcome, 1, NULL, NULL };
        must(store_job_begin(store, &err) && store_settle(store, &settlement, now, &err) &&
             store_job_end(store, true, &err), &err);
    }
    must(store_commit(store, &err) && store_rest(store, &err), &err);
    uint64_t count = items.count;
    store_items_done(&items);
    return count;
}

static int bench_life(char **arg)
{
    struct store *store = open_store(arg[0]);
    uint64_t count = number(arg[1]), size = number(arg[2]), window = number(arg[3]), done = 0;
    double begun = now_s(), cpu = cpu_s();

    while (done < count) {
        accept_batch(store, window, size, 1000 + done);
        done += deliver(store, window, 1000 + done);
    }
    cpu = cpu_s() - cpu;
    printf("{\"what\":\"life\",\"size\":%llu,\"window\":%llu,\"a_second\":%.0f,\"cpu_us\":%.1f}\n",
           (unsigned long long)size, (unsigned long long)window, (double)done / (now_s() - begun),
           cpu * 1e6 / (double)done);
    store_free(store);
    return 0;
}

static int fill(char **arg, uint64_t from)
{
    struct store *store = open_store(arg[0]);
    uint64_t count = number(arg[1]), size = number(arg[2]);
    double begun = now_s(), cpu = cpu_s();

    for (uint64_t done = 0; done < count; done += 500)
        accept_batch(store, count - done < 500 ? count - done : 500, size, from);
    double seconds = now_s() - begun;
    cpu = cpu_s() - cpu;
    store_free(store);
    printf("{\"what\":\"fill\",\"count\":%llu,\"seconds\":%.1f,\"cpu_us\":%.1f,\"disk\":%.0f}\n", (unsigned long long)count,
           seconds, cpu * 1e6 / (double)count, (double)file_size(arg[0]) / (double)count);
    return 0;
}

static int bench_fill(char **arg)
{
    return fill(arg, 1000);
}

static int bench_today(char **arg)
{
    return fill(arg, (uint64_t)time(NULL) * 1000);
}

static int bench_start(char **arg)
{
    struct err err = { 0 };
    struct store_rows rows = { 0 };
    struct store_cursor cursor = { 0 };
    struct store_filter filter = { 0 };
    struct store_accounts accounts = { 0 };
    struct rusage usage;
    double begun = now_s();
    struct store *store = open_store(arg[0]);
    bool more = true;

    while (more)
        must(store_begin(store, &err) && store_job_begin(store, &err) &&
             store_sweep(store, &(struct store_sweep){ .reborn = true, .most = 500 }, 1000, &more, &err) &&
             store_job_end(store, true, &err) && store_commit(store, &err), &err);
    double open = now_s();
    must(store_begin(store, &err) && store_job_begin(store, &err) &&
         store_list(store, &filter, &cursor, 100, 10, 1000, &rows, &err), &err);
    double page = now_s();
    must(store_accounts(store, NULL, 1000, &accounts, &err) && store_job_end(store, true, &err) &&
         store_commit(store, &err), &err);
    double counted = now_s();
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"what\":\"start\",\"rows\":%zu,\"open_ms\":%.1f,\"page_ms\":%.1f,\"accounts_ms\":%.2f,\"memory_mb\":%.1f}\n",
           rows.count, (open - begun) * 1e3, (page - open) * 1e3, (counted - page) * 1e3,
           (double)usage.ru_maxrss / 1024);
    store_rows_done(&rows);
    store_accounts_done(&accounts);
    store_free(store);
    return 0;
}

static int bench_cost(char **arg)
{
    struct store *store = open_store(arg[0]);
    uint64_t count = number(arg[1]), done = 0, size = 10240;
    double begun = now_s(), cpu = cpu_s();
    struct rusage usage;

    /* As many in as out: the queue keeps its size. */
    while (done < count) {
        accept_batch(store, 32, size, UINT64_C(1) << 40);
        done += deliver(store, 32, UINT64_C(1) << 40);
    }
    cpu = cpu_s() - cpu;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"what\":\"cost\",\"a_second\":%.0f,\"cpu_us\":%.1f,\"memory_mb\":%.1f}\n",
           (double)done / (now_s() - begun), cpu * 1e6 / (double)done, (double)usage.ru_maxrss / 1024);
    store_free(store);
    return 0;
}

/* A look for what is late, given back as it was; how many there were. */
static uint64_t look_for_late(struct store *store, uint64_t give_up_ms, uint64_t now)
{
    const struct store_late late = { .give_up_ms = give_up_ms, .delay_ms = give_up_ms };
    const struct store_claim claim = { .account = "live", .until = now + 60000, .messages = 100, .recipients = 1000,
                                       .late = &late };
    struct store_items items = { 0 };
    struct err err = { 0 };

    must(store_begin(store, &err) && store_job_begin(store, &err) && store_claim(store, &claim, now, &items, &err), &err);
    for (size_t i = 0; i < items.count; i++) {
        const struct store_outcome back = { .state = STORE_QUEUED, .next = now };
        struct store_settlement settlement = { items.at[i].id, items.at[i].lease, "live", &back, 1, NULL, NULL };
        must(store_settle(store, &settlement, now, &err), &err);
    }
    must(store_job_end(store, true, &err) && store_commit(store, &err), &err);
    uint64_t count = items.count;
    store_items_done(&items);
    return count;
}

static int bench_late(char **arg)
{
    struct store *store = open_store(arg[0]);
    uint64_t count = number(arg[1]), now = UINT64_C(1) << 40, taken = 0;
    double cpu = cpu_s();

    for (uint64_t i = 0; i < count; i++)
        taken += look_for_late(store, now - 1, now);
    double looked = cpu_s();
    for (uint64_t i = 0; i < count / 10; i++)
        taken += look_for_late(store, 1, now + i);
    printf("{\"what\":\"late\",\"look_us\":%.1f,\"taken_us\":%.1f}\n", (looked - cpu) * 1e6 / (double)count,
           (cpu_s() - looked) * 1e6 / (double)(taken ? taken : 1));
    store_free(store);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int args;
        int (*run)(char **arg);
    } commands[] = {
        { "accept", 4, bench_accept }, { "raw", 3, bench_raw },     { "life", 4, bench_life },
        { "fill", 3, bench_fill },     { "start", 1, bench_start }, { "cost", 2, bench_cost },
        { "late", 2, bench_late },     { "today", 3, bench_today },
    };

    for (size_t i = 0; i < sizeof body; i++)
        body[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : (char)('!' + i * 7 % 90);
    for (size_t i = 0; i < COUNT(commands); i++)
        if (argc == commands[i].args + 2 && strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argv + 2);
    fprintf(stderr, "usage: see the head of bench/queue_store.c\n");
    return 64;
}
