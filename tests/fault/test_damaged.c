/* A file that is damaged, somebody else's, or in other hands: nothing of it runs, nothing crashes, it is told what is
 * wrong, and what is whole can still be had. */
#include "support/check.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "stage.h"
#include "support/alloc_fails.h"
#include "vfs.h"

static struct store *open_at(struct scratch *scratch, unsigned reserve, struct err *err)
{
    struct sqlite_options options = { .directory = scratch_path(scratch, "state"), .disk = &disk_system,
                                      .reserve_percent = reserve };
    struct store_opened opened;
    struct store *store = NULL;

    return store_sqlite_open(&options, &store, &opened, err) ? store : NULL;
}

static struct store *open_well(struct scratch *scratch)
{
    struct err err = { 0 };
    struct store *store = open_at(scratch, 0, &err);

    if (!store)
        fail_msg("%s", err.text);
    return store;
}

static void refused(struct scratch *scratch, const char *label, const char *fact)
{
    struct err err = { 0 };
    size_t alive = alloc_alive();
    struct store *store = open_at(scratch, 0, &err);

    check_row(label, !store);
    if (!err.fact || strcmp(err.fact, fact) != 0)
        fail_msg("%s: %s (%s)", label, err.fact ? err.fact : "no fact", err.text);
    check_row(label, alloc_alive() == alive);
}

static const char *file(struct scratch *scratch)
{
    return scratch_path(scratch, "state/queue.db");
}

static void begin(struct store *store)
{
    struct err err = { 0 };
    assert_true(store_begin(store, &err) && store_job_begin(store, &err));
}

static void end(struct store *store)
{
    struct err err = { 0 };
    assert_true(store_job_end(store, true, &err) && store_commit(store, &err));
}

/* Message i says "number i." over and over. */
static void fill(struct store *store, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        struct err err = { 0 };
        OWN(envelope) envelope = envelope_new();
        HELD(buf) body = BUF(1 << 16);
        struct store_accepted accepted;
        while (body.len + 20 < size)
            buf_addf(&body, "number %04zu.\r\n", i);
        assert_true(envelope_add(envelope, SPAN("you@example.org"), &err));
        struct store_order order = { .account = "live", .submitter = "me", .envelope = envelope, .last = buf_span(&body) };
        begin(store);
        assert_true(store_accept(store, &order, 1000 + i, &accepted, &err));
        end(store);
    }
}

/* Changes a byte of the file; returns what stood there. */
static char poke(const char *path, off_t at, char byte)
{
    int fd = open(path, O_RDWR);
    char was = 0;

    assert_true(fd >= 0 && pread(fd, &was, 1, at) == 1 && pwrite(fd, &byte, 1, at) == 1);
    close(fd);
    return was;
}

/* Where these bytes stand in the file, after `from`. */
static off_t find(const char *path, const char *text, off_t from)
{
    int fd = open(path, O_RDONLY);
    struct stat st;

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char *all = malloc((size_t)st.st_size);
    assert_true(pread(fd, all, (size_t)st.st_size, 0) == st.st_size);
    char *at = memmem(all + from, (size_t)(st.st_size - from), text, strlen(text));
    off_t where = at ? at - all : -1;
    free(all);
    close(fd);
    return where;
}

static void test_in_other_hands(void **state)
{
    (void)state;
    SCRATCH(scratch);
    struct store *store = open_well(scratch);

    refused(scratch, "it is open", "store:locked");
    fill(store, 1, 100); /* and the first has it still */
    store_free(store);
    store_free(open_well(scratch));
}

enum { USER_VERSION_AT = 60, APPLICATION_AT = 68 };

static void test_not_ours(void **state)
{
    (void)state;
    SCRATCH(scratch);

    store_free(open_well(scratch));
    char was = poke(file(scratch), USER_VERSION_AT + 3, 99);
    refused(scratch, "a newer one's", "store:newer");
    struct stat log;
    assert_true(stat(scratch_path(scratch, "state/queue.db-wal"), &log) || log.st_size == 0); /* nothing was written */
    poke(file(scratch), USER_VERSION_AT + 3, was);
    was = poke(file(scratch), APPLICATION_AT, 'X');
    refused(scratch, "another program's", "store:foreign");
    poke(file(scratch), APPLICATION_AT, was);
    poke(file(scratch), 0, 'X');
    refused(scratch, "no database", "store:damaged");
    poke(file(scratch), 0, 'S');
    store_free(open_well(scratch));
}

/* Said to the file by somebody who is not us. */
static void tamper(struct scratch *scratch, const char *text)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(file(scratch), &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void test_nothing_in_it_runs(void **state)
{
    static const struct {
        const char *label, *plant, *remove;
    } cases[] = {
        { "a trigger", "CREATE TRIGGER t AFTER INSERT ON message BEGIN DELETE FROM message; END", "DROP TRIGGER t" },
        { "a view", "CREATE VIEW v AS SELECT * FROM message", "DROP VIEW v" },
    };

    (void)state;
    SCRATCH(scratch);
    store_free(open_well(scratch));
    for (size_t i = 0; i < COUNT(cases); i++) {
        tamper(scratch, cases[i].plant);
        refused(scratch, cases[i].label, "store:foreign");
        tamper(scratch, cases[i].remove);
        store_free(open_well(scratch));
    }
}

static size_t claim_all(struct store *store, struct err *err)
{
    struct store_claim all = { .account = "live", .until = 90000, .messages = 100, .recipients = 100, .bytes = 1 << 24 };
    struct store_items items = { 0 };

    begin(store);
    bool ok = store_claim(store, &all, 50000, &items, err);
    size_t count = items.count;
    for (size_t i = 0; i < count; i++)
        assert_true(items.at[i].pieces > 1 || items.at[i].body.len == items.at[i].size);
    if (ok)
        end(store);
    else
        store_abort(store);
    store_items_done(&items);
    return ok ? count : 0;
}

static void test_a_damaged_body_is_that_messages_trouble(void **state)
{
    (void)state;
    SCRATCH(scratch);
    struct store *store = open_well(scratch);
    struct store_story story = { 0 };
    struct store_checking checking = { 0 };
    HELD(buf) out = BUF(1 << 16);
    struct err err = { 0 };

    fill(store, 10, 10000);
    store_free(store);
    off_t at = find(file(scratch), "number 0004.", 0);
    assert_true(at > 0);
    poke(file(scratch), at + 7, '1');

    store = open_well(scratch);
    begin(store);
    assert_false(store_body_read(store, 5, 0, &out, &err));
    assert_string_equal(err.fact, "store:damaged");
    end(store);
    assert_int_equal(claim_all(store, &err), 9); /* the others go on */
    begin(store);
    assert_true(store_show(store, 5, 0, 1, 50000, &story, &err));
    assert_int_equal(story.rows.at[0].state, STORE_HELD);
    assert_true(strlen(story.rows.at[0].held_text) > 10);
    end(store);
    store_story_done(&story);
    while (!checking.end) {
        begin(store);
        assert_true(store_check(store, &checking, 5, 50000, &err));
        end(store);
    }
    assert_int_equal(checking.damaged, 1);
    assert_non_null(strstr(checking.text, "message 5:"));
    store_free(store);
}

/* A check holds it before anybody claims it. */
static void test_checked_after_a_crash(void **state)
{
    (void)state;
    SCRATCH(scratch);
    struct store *store = open_well(scratch);
    struct store_checking checking = { 0 };
    struct err err = { 0 };

    fill(store, 10, 10000);
    store_free(store);
    poke(file(scratch), find(file(scratch), "number 0007.", 0) + 8, 'x');
    store = open_well(scratch);
    while (!checking.end) {
        begin(store);
        assert_true(store_check(store, &checking, 3, 50000, &err));
        end(store);
    }
    assert_int_equal(checking.damaged, 1);
    assert_int_equal(claim_all(store, &err), 9);
    store_free(store);
}

/* Whatever is changed in the file, and wherever: told or not noticed, never a crash, never a wrong body. */
static void test_damaged_anywhere(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        SCRATCH(scratch);
        struct stage stage = { .scratch = scratch };
        struct err err = { 0 };
        struct stat st;
        uint64_t chance = seed * 0x9e3779b97f4a7c15u;

        assert_true(stage_open_sqlite(&stage, NULL, &err));
        for (unsigned step = 0; step < 40; step++)
            play_batch(&stage.sqlite, seed, step, NULL);
        store_free(stage.sqlite.store);
        assert_int_equal(stat(file(scratch), &st), 0);
        for (unsigned i = 0; i < 1 + seed % 40; i++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            poke(file(scratch), (off_t)(100 + (chance >> 20) % (uint64_t)(st.st_size - 100)), (char)(chance >> 56));
        }
        stage.sqlite.lease_count = 0;
        if (!stage_open_sqlite(&stage, NULL, &err)) {
            if (!err.fact)
                fail_msg("seed %u: %s", seed, err.text);
            continue;
        }
        for (unsigned step = 40; step < 70; step++)
            play_batch(&stage.sqlite, seed, step, NULL);
        claim_all(stage.sqlite.store, &err);
        store_free(stage.sqlite.store);
    }
}

/* A body that was delivered is not to be found in the file any more. */
static void test_deleted_is_gone(void **state)
{
    (void)state;
    SCRATCH(scratch);
    struct err err = { 0 };
    struct store *store = open_well(scratch);
    struct store_claim claim = { .account = "live", .until = 90000, .messages = 1, .recipients = 1, .bytes = 1 };
    struct store_items items = { 0 };

    fill(store, 3, 30000);
    begin(store);
    assert_true(store_claim(store, &claim, 50000, &items, &err));
    const struct store_outcome taken = { .number = 0, .state = STORE_DELIVERED };
    struct store_settlement settlement = { items.at[0].id, items.at[0].lease, "live", &taken, 1, NULL, NULL };
    assert_true(store_settle(store, &settlement, 50000, &err));
    end(store);
    store_items_done(&items);
    store_free(store);
    assert_int_equal(find(file(scratch), "number 0000.", 0), -1);
    assert_true(find(file(scratch), "number 0001.", 0) > 0);
}

static void test_cut_short(void **state)
{
    (void)state;
    for (unsigned part = 1; part < 8; part++) {
        SCRATCH(scratch);
        struct store *store = open_well(scratch);
        struct err err = { 0 };
        struct stat st;

        fill(store, 30, 9000);
        store_free(store);
        assert_int_equal(stat(file(scratch), &st), 0);
        assert_int_equal(truncate(file(scratch), st.st_size * part / 8), 0);
        store = open_at(scratch, 0, &err);
        if (store)
            claim_all(store, &err);
        assert_true(err.fact && strcmp(err.fact, "store:damaged") == 0);
        store_free(store);
    }
}

static void test_a_reserve_is_kept(void **state)
{
    (void)state;
    SCRATCH(scratch);
    struct err err = { 0 };
    struct store *store = open_well(scratch);
    OWN(envelope) envelope = envelope_new();
    struct store_order order = { .account = "live", .submitter = "me", .envelope = envelope, .last = SPAN("hello") };
    struct store_accepted accepted;
    struct store_body body = { 0 };
    struct store_items items = { 0 };
    struct store_claim claim = { .account = "live", .until = 9000, .messages = 1, .recipients = 1, .bytes = 100 };
    const uint32_t who[] = { 0 };

    fill(store, 1, 100);
    store_free(store);
    store = open_at(scratch, 100, &err); /* all of the disk is to be kept free */
    assert_non_null(store);
    assert_true(envelope_add(envelope, SPAN("you@example.org"), &err));
    begin(store);
    assert_false(store_accept(store, &order, 1000, &accepted, &err));
    assert_string_equal(err.fact, "disk:reserve");
    assert_true(store_job_end(store, false, &err) && store_commit(store, &err));
    begin(store);
    assert_false(store_body_add(store, &body, SPAN("x"), 1000, &err));
    assert_true(store_job_end(store, false, &err) && store_commit(store, &err));

    begin(store); /* what is there is sent, and a failure told of */
    assert_true(store_claim(store, &claim, 2000, &items, &err));
    assert_int_equal(items.count, 1);
    const struct store_outcome failed = { .number = 0, .state = STORE_FAILED, .reports = REPORT_FAILURE };
    struct store_settlement settlement = { items.at[0].id, items.at[0].lease, "live", &failed, 1, NULL, NULL };
    assert_true(store_settle(store, &settlement, 2000, &err));
    order.tells = &(struct store_told){ .id = items.at[0].id, .kinds = REPORT_FAILURE, .recipients = who, .count = 1 };
    assert_true(store_accept(store, &order, 2000, &accepted, &err));
    end(store);
    store_items_done(&items);
    store_free(store);
}

static mode_t mode_of(struct scratch *scratch, const char *name)
{
    struct stat st;

    assert_int_equal(lstat(scratch_path(scratch, name), &st), 0);
    return st.st_mode & 07777;
}

static void test_ours_alone(void **state)
{
    (void)state;
    SCRATCH(scratch);
    struct err err = { 0 };
    mode_t before = umask(0);
    struct store *store = open_well(scratch);

    fill(store, 1, 100);
    assert_int_equal(mode_of(scratch, "state"), 0700);
    assert_int_equal(mode_of(scratch, "state/queue.db"), 0600);
    assert_int_equal(mode_of(scratch, "state/queue.db-wal"), 0600);
    assert_int_equal(access(scratch_path(scratch, "state/queue.db-shm"), F_OK), -1);
    store_free(store);
    umask(before);

    assert_int_equal(chmod(scratch_path(scratch, "state"), 0770), 0);
    assert_null(open_at(scratch, 0, &err));
    assert_string_equal(err.fact, "config:untrusted-mode");
    assert_int_equal(chmod(scratch_path(scratch, "state"), 0700), 0);
    assert_int_equal(rename(file(scratch), scratch_path(scratch, "elsewhere")), 0);
    assert_int_equal(symlink(scratch_path(scratch, "elsewhere"), file(scratch)), 0);
    assert_null(open_at(scratch, 0, &err)); /* a link is not followed */
}

/* After a crash the next start tells so, and finds everything; after a goodbye it does not. */
static void test_tells_a_crash(void **state)
{
    (void)state;
    SCRATCH(scratch);
    struct sqlite_options options = { .directory = scratch_path(scratch, "state"), .disk = &disk_system };
    struct store_opened opened;
    struct store *store = NULL;
    struct err err = { 0 };

    assert_true(store_sqlite_open(&options, &store, &opened, &err));
    assert_true(!opened.crashed && opened.time == 0);
    begin(store);
    assert_true(store_time_put(store, 123456, -77, &err));
    end(store);
    store_free(store);
    assert_true(store_sqlite_open(&options, &store, &opened, &err));
    assert_true(!opened.crashed && opened.time == 123456 && opened.wall == -77);
    store_free(store);
    tamper(scratch, "UPDATE meta SET value = 0 WHERE name = 'clean'");
    assert_true(store_sqlite_open(&options, &store, &opened, &err));
    assert_true(opened.crashed);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_other_hands),
        cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_nothing_in_it_runs),
        cmocka_unit_test(test_a_damaged_body_is_that_messages_trouble),
        cmocka_unit_test(test_checked_after_a_crash),
        cmocka_unit_test(test_damaged_anywhere),
        cmocka_unit_test(test_deleted_is_gone),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_a_reserve_is_kept),
        cmocka_unit_test(test_ours_alone),
        cmocka_unit_test(test_tells_a_crash),
    };
    vfs_install(); /* which syncs nothing: faster */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
