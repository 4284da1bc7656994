#include "bench.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account/password.h"
#include "base/alloc.h"
#include "intake/local.h"
#include "know/knowledge.h"
#include "queue/store_int.h"

static const struct config_part *const parts[] = { &listen_part, &user_part, &local_part, NULL };

#define ACCOUNTS "[account live]\naddress = me@live.example\nserver = smtp.live.example:587\n"

/* -- a store whose commits can be made to fail -- */

static struct {
    struct store_type type;
    const struct store_type *real;
    bool fails;
    unsigned commits;
} frail;

static bool frail_commit(struct store *store, struct err *err)
{
    if (!frail.fails) {
        frail.commits++;
        return frail.real->commit(store, err);
    }
    frail.real->abort(store);
    return err_found(err, ERR_IO, "disk:full", "the disk is full");
}

unsigned bench_commits(void)
{
    return frail.commits;
}

void bench_break(struct bench *bench, bool broken)
{
    (void)bench;
    frail.fails = broken;
}

/* -- its life -- */

static void note(struct log *log, struct span line)
{
    struct bench *bench = log->of;

    buf_add_span(&bench->logged, line);
}

struct bench *bench_begin(void)
{
    const struct knowledge_text little = { "little.ini", SPAN("[provider little]\nname = Little\n") };
    struct bench *bench = NEW(bench);
    struct store_opened opened = { 0 };

    assert_non_null(bench);
    bench->dir = scratch_new();
    world_init(&bench->world);
    bench->world.now = 1000000;
    bench->world.wall = 1795389300000;
    bench->logged = (struct buf)BUF(1 << 20);
    bench->log = (struct log){
        .most = LOG_AT_DEBUG, .clock = &bench->world.clock, .write = note, .of = bench,
    };
    assert_true(loop_new(&bench->loop, NULL));
    assert_true(store_memory_open(&bench->store, NULL));
    frail.real = bench->store->type;
    frail.type = *bench->store->type;
    frail.type.commit = frail_commit;
    frail.fails = false;
    frail.commits = 0;
    bench->store->type = &frail.type;
    const struct queue_options options = { .clock = &bench->world.clock, .in_line = true };
    assert_true(queue_open(bench->store, &opened, &options, &bench->queue, NULL));
    assert_true(queue_port_new(bench->queue, NULL, NULL, NULL, &bench->port, NULL));
    assert_true(know_new(&little, 1, &bench->know, NULL));
    bench->plan = (struct gateway_world){
        .loop = bench->loop,
        .queue = bench->queue,
        .port = bench->port,
        .clock = &bench->world.clock,
        .dice = &dice_system,
        .disk = &disk_system,
        .log = &bench->log,
        .hostname = "mail.house.example",
        .state = scratch_path(bench->dir, "state"),
        .activation = &bench->sockets,
    };
    return bench;
}

void bench_end(struct bench **at)
{
    struct bench *bench = *at;

    gateway_free(bench->gateway);
    activation_close(&bench->sockets);
    config_free(bench->config);
    knowledge_free(bench->know);
    queue_port_free(bench->port);
    queue_free(bench->queue);
    store_rows_done(&bench->rows);
    loop_free(bench->loop);
    buf_done(&bench->logged);
    scratch_free(&bench->dir);
    mem_free(bench);
}

/* -- its configuration -- */

/* The user's, made once: it is slow on purpose. */
static const char *user_section(void)
{
    static char section[1000];
    HELD(buf) hash = BUF(PASSWORD_HASH_MAX), scram = BUF(PASSWORD_SCRAM_MAX);
    struct password_scram keys;

    if (*section)
        return section;
    OWN(secret) password = secret_new(SPAN(BENCH_PASSWORD));
    assert_true(password_hash(password, &hash, NULL));
    assert_true(password_scram(password, &dice_system, &keys, NULL));
    password_scram_write(&keys, &scram);
    snprintf(section, sizeof section, "[user scanner]\npassword = %s\nscram_sha_256 = %s\n", buf_text(&hash),
             buf_text(&scram));
    return section;
}

static bool load(struct bench *bench, const char *text, struct config **ret_config)
{
    HELD(buf) whole = BUF(1 << 16);

    buf_addf(&whole, "%s%s%s", ACCOUNTS, user_section(), text);
    const struct place place = {
        .scope = PLACE_GIVEN,
        .config = (char *)(uintptr_t)scratch_file(bench->dir, "outpost.conf", buf_text(&whole), 0600),
        .drop_in = (char *)(uintptr_t)scratch_path(bench->dir, "outpost.conf.d"),
    };
    bench->err = (struct err){ 0 };
    return config_load(&place, &disk_system, parts, ret_config, &bench->err) &&
           config_fill(*ret_config, bench->know, &bench->err);
}

struct gateway_view bench_listener(const struct bench *bench, const char *name)
{
    struct gateway_view view = { 0 };

    return gateway_find(bench->gateway, name, &view) ? view : (struct gateway_view){ 0 };
}

uint16_t bench_port(const struct bench *bench, const char *listener)
{
    return bench_listener(bench, listener).port;
}

void bench_hand_over(struct bench *bench, const char *name)
{
    const struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct activation_socket *socket_of = &bench->sockets.sockets[bench->sockets.count++];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof any) == 0 && listen(fd, 100) == 0);
    *socket_of = (struct activation_socket){ .fd = fd };
    snprintf(socket_of->name, sizeof socket_of->name, "%s", name);
}

/* A socket for each listener that has none. */
static void hand_over(struct bench *bench, const struct config *config)
{
    const struct listen_settings *one;

    for (size_t at = 0; (one = config_next(config, &listen_part, &at));)
        if (strncmp(one->address, "unix:", 5) != 0 && !(bench->gateway && bench_port(bench, one->name)))
            bench_hand_over(bench, one->name);
}

static bool wants_tls(const struct config *config)
{
    const struct listen_settings *one;

    for (size_t at = 0; (one = config_next(config, &listen_part, &at));)
        if (one->security != GATEWAY_NONE)
            return true;
    return false;
}

/* Certificates are made once: RSA's takes its time. */
static void bring_certificates(struct bench *bench, bool before)
{
    static const char *const names[] = { "state/tls.pem", "state/tls-rsa.pem" };
    static char *kept[COUNT(names)];

    for (size_t i = 0; i < COUNT(names); i++) {
        const char *there = scratch_text(scratch_path(bench->dir, names[i]));
        if (before && kept[i] && !there) {
            mkdir(scratch_path(bench->dir, "state"), 0700);
            scratch_file(bench->dir, names[i], kept[i], 0600);
        } else if (!before && !kept[i] && there)
            kept[i] = strdup(there);
    }
}

bool bench_open(struct bench *bench, const char *text)
{
    if (!load(bench, text, &bench->config))
        return false;
    hand_over(bench, bench->config);
    if (wants_tls(bench->config))
        bring_certificates(bench, true);
    if (!gateway_open(&bench->plan, bench->config, &bench->gateway, &bench->err))
        return false;
    bring_certificates(bench, false);
    return true;
}

struct bench *bench_with(const char *text)
{
    struct bench *bench = bench_begin();

    if (!bench_open(bench, text))
        fail_msg("%s", bench->err.text);
    return bench;
}

bool bench_reload(struct bench *bench, const char *text, struct config **ret_config)
{
    if (!load(bench, text, ret_config))
        return false;
    hand_over(bench, *ret_config);
    return gateway_reload(bench->gateway, *ret_config, &bench->err);
}

/* -- callers -- */

void bench_turn(void *who)
{
    struct bench *bench = who;

    while (queue_turn(bench->queue))
        ;
}

void bench_settle(struct bench *bench)
{
    for (unsigned turns = 0; turns < 20; turns++) {
        loop_turn(bench->loop);
        bench_turn(bench);
    }
}

void bench_run_out(struct bench *bench, const struct caller *caller)
{
    struct pollfd waits = { caller->fd, POLLRDHUP, 0 };

    for (unsigned turns = 0; turns < 100 && !waits.revents; turns++) {
        bench_settle(bench);
        poll(&waits, 1, 2);
    }
    bench_settle(bench);
}

static void connect_to(struct bench *bench, const char *listener, struct caller *caller)
{
    call(caller, bench->loop, bench_port(bench, listener));
    caller->turn = bench_turn;
    caller->who = bench;
}

void bench_call(struct bench *bench, const char *listener, struct caller *ret_caller)
{
    connect_to(bench, listener, ret_caller);
    await_words(ret_caller, "220 ");
}

void bench_call_as(struct bench *bench, const char *listener, const char *from, struct caller *ret_caller)
{
    char line[200];

    snprintf(line, sizeof line, "PROXY TCP%c %s %s 50000 587\r\n", strchr(from, ':') ? '6' : '4', from,
             strchr(from, ':') ? "fd00::1" : "192.0.2.250");
    connect_to(bench, listener, ret_caller);
    say(ret_caller, line);
    await(ret_caller, ret_caller->heard.len || ret_caller->ended);
}

void bench_greet(struct bench *bench, const char *listener, struct caller *ret_caller)
{
    bench_call(bench, listener, ret_caller);
    ask(ret_caller, "EHLO me\r\n", "\r\n250 ");
}

void bench_enter(struct bench *bench, const char *listener, struct caller *ret_caller)
{
    bench_greet(bench, listener, ret_caller);
    ask(ret_caller, BENCH_SIGN_IN, "235 ");
}

void bench_greet_as(struct bench *bench, const char *listener, const char *from, struct caller *ret_caller)
{
    bench_call_as(bench, listener, from, ret_caller);
    ask(ret_caller, "EHLO me\r\n", "\r\n250 ");
}

void bench_start_tls(struct bench *bench, struct caller *caller)
{
    const struct tls_client_plan plan = { .ca_file = scratch_path(bench->dir, "state/tls.pem") };
    OWN(tls_context) context = NULL;

    ask(caller, "EHLO me\r\n", "250 ");
    ask(caller, "STARTTLS\r\n", "220 ");
    assert_true(tls_client_context(&plan, &context, &bench->err));
    begin_tls(caller, context, "localhost");
    ask(caller, "EHLO me\r\n", "250 ");
}

/* -- what the store has -- */

struct looking {
    struct store_rows rows;
    uint64_t id;
    uint32_t pieces;
    struct buf *body;
};

static bool run_list(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct looking *looking = data;
    const struct store_filter all = { 0 };
    struct store_cursor cursor = { 0 };

    return store_list(store, &all, &cursor, 1000, 200, now, &looking->rows, err);
}

static bool run_body(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct looking *looking = data;

    (void)now;
    for (uint32_t i = 0; i < looking->pieces; i++)
        if (!store_body_read(store, looking->id, i, looking->body, err))
            return false;
    return true;
}

static void was_done(void *data, const struct err *err)
{
    (void)data;
    if (err->kind != ERR_NONE)
        fail_msg("%s", err->text);
}

static void drop(void *data)
{
    (void)data;
}

const struct store_row *bench_look(struct bench *bench, size_t *ret_count)
{
    struct looking looking = { 0 };
    const struct queue_job job = { run_list, was_done, drop, &looking, 0, false, false };

    assert_true(queue_ask(bench->port, &job, NULL, NULL));
    bench_turn(bench);
    store_rows_done(&bench->rows);
    bench->rows = looking.rows;
    *ret_count = bench->rows.count;
    return bench->rows.at;
}

const struct store_row *bench_only(struct bench *bench)
{
    size_t count;
    const struct store_row *row = bench_look(bench, &count);

    assert_int_equal(count, 1);
    return row;
}

struct span bench_body(struct bench *bench, uint64_t id, struct buf *into)
{
    const struct store_row *row = NULL;
    struct looking looking = { .id = id, .body = into };
    const struct queue_job job = { run_body, was_done, drop, &looking, 0, false, false };

    for (size_t i = 0; i < bench->rows.count; i++)
        if (bench->rows.at[i].id == id)
            row = &bench->rows.at[i];
    assert_non_null(row);
    looking.pieces = row->pieces;
    assert_true(queue_ask(bench->port, &job, NULL, NULL));
    bench_turn(bench);
    assert_false(into->full);
    return buf_span(into);
}
