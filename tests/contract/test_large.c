/* A large body is taken away by and by, and in the end nothing is left of it in the file. Nor does the log beside the file
 * grow with all that was ever written. */
#include "keepers.h"

#include <sqlite3.h>
#include <sys/stat.h>

enum { PIECES = 300, LOG_MAX = 24 * 1024 * 1024 };

static void open_store(struct scratch *scratch, struct store **ret_store)
{
    struct err err = { 0 };

    for (size_t i = 0; i < keeper_count; i++)
        if (keepers[i].lasts && keepers[i].open(scratch, ret_store, &err))
            return;
    fail_msg("%s", err.text);
}

static int count_in(struct scratch *scratch, const char *question)
{
    sqlite3 *db;
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_open(scratch_path(scratch, "state/queue.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, question, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

/* Accepted and delivered; another, small one stays. */
static void deliver_one(struct store *store)
{
    struct store_body body = { 0 };
    struct store_items items = { 0 };
    HELD(buf) out = BUF(100);

    for (unsigned i = 0; i < PIECES; i++)
        DO(store, store_body_add(store, &body, SPAN("a piece\r\n"), 1, &err));
    uint64_t id = POST(store, 2, .body = &body, .text = "the last\r\n");
    claim(store, 3, 1, &items);
    assert_int_equal(items.count, 1);
    settle(store, &items.at[0], STORE_DELIVERED, 0, 4);
    store_items_done(&items);
    REFUSED(store, "store:gone", store_body_read(store, id, 0, &out, &err));
    POST(store, 5, .text = "stays\r\n");
}

static void test_closing_takes_the_rest_away(void **state)
{
    SCRATCH(scratch);
    struct store *store;
    (void)state;

    open_store(scratch, &store);
    deliver_one(store);
    store_free(store);
    assert_int_equal(count_in(scratch, "SELECT count(*) FROM body"), 1);
    assert_int_equal(count_in(scratch, "SELECT count(*) FROM draft"), 0);
}

static void test_sweeps_take_it_away_in_bounded_lots(void **state)
{
    SCRATCH(scratch);
    const struct store_sweep sweep = { .bodies_before = 1, .most = 500 };
    struct store *store;
    unsigned sweeps = 0;
    bool more;
    (void)state;

    open_store(scratch, &store);
    deliver_one(store);
    do {
        DO(store, store_sweep(store, &sweep, 10, &more, &err));
        sweeps++;
    } while (more);
    assert_in_range(sweeps, 2, 10);
    store_free(store);
    assert_int_equal(count_in(scratch, "SELECT count(*) FROM body"), 1);
    assert_int_equal(count_in(scratch, "SELECT count(*) FROM draft"), 0);
}

static void test_the_log_is_used_again(void **state)
{
    static char piece[STORE_PIECE_MAX];
    SCRATCH(scratch);
    struct store *store;
    struct store_body body = { 0 };
    struct stat log;
    (void)state;

    memset(piece, 'x', sizeof piece);
    open_store(scratch, &store);
    for (size_t written = 0; written < 3 * (size_t)LOG_MAX; written += sizeof piece) {
        DO(store, store_body_add(store, &body, ((struct span){ piece, sizeof piece }), 1, &err));
        assert_true(store_rest(store, NULL));
    }
    assert_int_equal(stat(scratch_path(scratch, "state/queue.db-wal"), &log), 0);
    assert_in_range(log.st_size, 1, LOG_MAX);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closing_takes_the_rest_away),
        cmocka_unit_test(test_sweeps_take_it_away_in_bounded_lots),
        cmocka_unit_test(test_the_log_is_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
