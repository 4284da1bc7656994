/* A queue of which a part can't be read: what can be is carried into a new file, nothing else, and the old one is kept. */
#include "support/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "stage.h"
#include "vfs.h"

enum { STEPS = 60, PAGE = 8192 };

static unsigned every = 7;

static bool mend(struct scratch *scratch, struct sqlite_mended *ret_mended, struct err *err)
{
    struct sqlite_options options = { .directory = scratch_path(scratch, "state"), .disk = &disk_system };

    return store_sqlite_mend(&options, ret_mended, err);
}

static void fill(struct stage *stage, struct scratch *scratch)
{
    stage_open(stage, scratch);
    for (unsigned step = 0; step < STEPS; step++) {
        play_batch(&stage->sqlite, 3, step, NULL);
        play_batch(&stage->memory, 3, step, NULL);
    }
    store_free(GIVE(stage->sqlite.store));
}

static void test_a_whole_one_loses_nothing(void **state)
{
    (void)state;
    SCRATCH(scratch);
    struct stage stage;
    struct sqlite_mended mended;
    struct err err = { 0 };

    fill(&stage, scratch);
    if (!mend(scratch, &mended, &err))
        fail_msg("%s", err.text);
    assert_int_equal(mended.places + mended.held, 0);
    assert_true(mended.messages > 10 && mended.history > 0);
    assert_string_equal(mended.kept, "queue.db.damaged-1");
    assert_int_equal(access(scratch_path(scratch, "state/queue.db.damaged-1"), R_OK), 0);
    assert_true(stage_open_sqlite(&stage, NULL, &err));
    stage_reborn(&stage, stage_time(STEPS));
    stage_compare(&stage, stage_time(STEPS), "mended", 3, STEPS);
    stage_check(stage.sqlite.store, "mended", 0);
    store_free(GIVE(stage.sqlite.store));
    assert_true(mend(scratch, &mended, &err));
    assert_string_equal(mended.kept, "queue.db.damaged-2");
    stage_close(&stage);
}

static void wipe_page(struct scratch *scratch, long page)
{
    static const char zeros[PAGE];
    int fd = open(scratch_path(scratch, "state/queue.db"), O_WRONLY);

    assert_true(fd >= 0 && pwrite(fd, zeros, PAGE, page * PAGE) == PAGE);
    close(fd);
}

static long pages(struct scratch *scratch)
{
    struct stat st;

    assert_int_equal(stat(scratch_path(scratch, "state/queue.db"), &st), 0);
    return st.st_size / PAGE;
}

struct census {
    size_t open, held, history;
};

static struct census count(struct store *store)
{
    struct census census = { 0 };
    struct store_filter filter = { .states = (1u << STORE_STATE_COUNT) - 1 };
    struct store_cursor cursor = { 0 };
    struct err err = { 0 };

    assert_true(store_begin(store, &err) && store_job_begin(store, &err));
    while (!cursor.end) {
        struct store_rows rows = { 0 };
        if (!store_list(store, &filter, &cursor, 50, 10, 9000, &rows, &err))
            fail_msg("%s", err.text);
        for (size_t i = 0; i < rows.count; i++) {
            census.history += rows.at[i].done != 0;
            census.open += rows.at[i].done == 0;
            census.held += rows.at[i].done == 0 && rows.at[i].state == STORE_HELD;
        }
        store_rows_done(&rows);
    }
    assert_true(store_job_end(store, true, &err) && store_commit(store, &err));
    return census;
}

/* Any page gone: most is saved, all that is there is whole or held, and the queue works. */
static void test_any_page_gone(void **state)
{
    (void)state;
    size_t saved = 0, tried = 0, whole = 0;

    for (long page = 1;; page += every) {
        SCRATCH(scratch);
        struct stage stage;
        struct sqlite_mended mended;
        struct err err = { 0 };
        fill(&stage, scratch);
        if (page >= pages(scratch)) {
            stage_close(&stage);
            break;
        }
        struct census before = count(stage.memory.store);
        wipe_page(scratch, page);
        if (!mend(scratch, &mended, &err))
            fail_msg("page %ld: %s", page, err.text);
        if (!stage_open_sqlite(&stage, NULL, &err))
            fail_msg("page %ld: %s", page, err.text);
        play_rebirth(&stage.sqlite, 9000);
        stage_check_but(stage.sqlite.store, "mended", (unsigned)page, mended.held);
        struct census after = count(stage.sqlite.store);
        if (after.open > before.open || after.history > before.history || mended.messages + mended.held > before.open)
            fail_msg("page %ld: more than there was", page);
        for (unsigned step = STEPS; step < STEPS + 20; step++)
            play_batch(&stage.sqlite, 3, step, NULL);
        whole += before.open;
        saved += mended.messages;
        tried++;
        stage_close(&stage);
    }
    assert_true(tried > 2);
    assert_true(saved * 10 > whole * 8); /* one page of many: the others are there */
}

/* A mending that fails leaves the old one where it was. */
static void test_failing_it_leaves_the_old_one(void **state)
{
    static const unsigned what[] = { VFS_WRITE, VFS_SYNC, VFS_READ, VFS_OPEN, VFS_MEMORY };

    (void)state;
    for (size_t i = 0; i < COUNT(what); i++)
        for (unsigned nth = 1;; nth += what[i] == VFS_MEMORY || what[i] == VFS_READ ? every * 5 : every) {
            SCRATCH(scratch);
            struct stage stage;
            struct sqlite_mended mended;
            struct err err = { 0 };
            fill(&stage, scratch);
            vfs_plan(what[i], VFS_FAILS, nth, nth);
            bool ok = mend(scratch, &mended, &err), happened = vfs_happened();
            vfs_plan(0, VFS_FAILS, 0, 0);
            assert_true(ok || err.kind != ERR_NONE);
            assert_int_equal(vfs_open_files(), 0);
            if (!stage_open_sqlite(&stage, NULL, &err))
                fail_msg("%u %u: %s", what[i], nth, err.text);
            if (!ok) {
                stage_reborn(&stage, stage_time(STEPS));
                stage_compare(&stage, stage_time(STEPS), "not mended", 3, nth);
            }
            stage_close(&stage);
            if (!happened)
                break;
        }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_one_loses_nothing),
        cmocka_unit_test(test_any_page_gone),
        cmocka_unit_test(test_failing_it_leaves_the_old_one),
    };

    if (argc > 1)
        every = (unsigned)strtoul(argv[1], NULL, 10);
    vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
