/* Everything that can fail does so once, while a queue plays: what failed was told and is not there, what was not told
 * is there, and the queue goes on. Compared with a queue in memory to which only that happened which was told to have.
 *
 * With an argument N every Nth fault is tried; 1 tries all of them. */
#include "support/check.h"

#include <stdlib.h>

#include "stage.h"
#include "support/alloc_fails.h"
#include "vfs.h"

enum { STEPS = 14 };

static unsigned every = 29;

/* Our own memory, while SQLite's player plays. */
static struct {
    unsigned left;
    bool on, happened;
} ours;

static bool ours_fails(void *of)
{
    (void)of;
    if (!ours.on || ours.left == 0 || --ours.left > 0)
        return false;
    return ours.happened = true;
}

static void play(struct stage *stage, const char *what, unsigned nth)
{
    for (unsigned step = 0; step < STEPS; step++) {
        ours.on = true;
        struct played played = play_batch(&stage->sqlite, nth, step, NULL);
        ours.on = false;
        struct played also = play_batch(&stage->memory, nth, step, &played);
        if (memcmp(&played, &also, sizeof played) != 0)
            fail_msg("%s %u, step %u: they don't agree on what could be done", what, nth, step);
    }
}

static void opened_again(struct stage *stage, const char *what, unsigned nth)
{
    struct err err = { 0 };

    store_free(stage->sqlite.store);
    if (!stage_open_sqlite(stage, NULL, &err))
        fail_msg("%s %u: %s", what, nth, err.text);
    stage_reborn(stage, stage_time(STEPS));
    stage_compare(stage, stage_time(STEPS), what, nth, STEPS);
    stage_check(stage->sqlite.store, what, nth);
}

static const struct fault {
    const char *label;
    unsigned what;
    enum vfs_how how;
} faults[] = {
    { "write: EIO", VFS_WRITE, VFS_FAILS },
    { "write: EIO, though it was done", VFS_WRITE, VFS_FAILS_LATE },
    { "write: ENOSPC", VFS_WRITE, VFS_IS_FULL },
    { "write: ENOSPC, and stays so", VFS_WRITE, VFS_STAYS_FULL },
    { "sync: EIO", VFS_SYNC, VFS_FAILS },
    { "sync: EIO, though it was done", VFS_SYNC, VFS_FAILS_LATE },
    { "read: EIO", VFS_READ, VFS_FAILS },
    { "cut: EIO", VFS_CUT, VFS_FAILS },
    { "open: EIO", VFS_OPEN, VFS_FAILS },
    { "memory of SQLite", VFS_MEMORY, VFS_FAILS },
};

/* False: there was no nth. */
static bool fail_nth(const struct fault *fault, unsigned nth)
{
    SCRATCH(scratch);
    struct stage stage;

    stage_open(&stage, scratch);
    vfs_plan(fault->what, fault->how, nth, nth);
    play(&stage, fault->label, nth);
    bool happened = vfs_happened();
    vfs_plan(0, VFS_FAILS, 0, 0);
    stage_compare(&stage, stage_time(STEPS), fault->label, nth, STEPS);
    opened_again(&stage, fault->label, nth);
    stage_close(&stage);
    assert_int_equal(vfs_open_files(), 0);
    return happened;
}

static void test_disk_and_library(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        unsigned step = faults[i].what == VFS_MEMORY ? every * 20 : faults[i].what == VFS_WRITE ? every * 2 : every / 8 + 1;
        for (unsigned nth = 1; fail_nth(&faults[i], nth); nth += step)
            ;
    }
}

static void test_our_memory(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth += every) {
        SCRATCH(scratch);
        struct stage stage;
        stage_open(&stage, scratch);
        ours.left = nth;
        ours.happened = false;
        alloc_fail_when(ours_fails, NULL);
        play(&stage, "our memory", nth);
        alloc_fail_when(NULL, NULL);
        stage_compare(&stage, stage_time(STEPS), "our memory", nth, STEPS);
        opened_again(&stage, "our memory", nth);
        stage_close(&stage);
        if (!ours.happened)
            break;
    }
}

/* Opening fails, or works; and then it works. Nothing of a half-made file is in the way. */
static void test_opening(void **state)
{
    static const struct fault opening[] = {
        { "write", VFS_WRITE, VFS_FAILS }, { "full", VFS_WRITE, VFS_IS_FULL }, { "sync", VFS_SYNC, VFS_FAILS },
        { "read", VFS_READ, VFS_FAILS },   { "open", VFS_OPEN, VFS_FAILS },    { "memory", VFS_MEMORY, VFS_FAILS },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(opening); i++)
        for (unsigned nth = 1;; nth += opening[i].what == VFS_MEMORY ? every / 2 + 1 : 1) {
            SCRATCH(scratch);
            struct stage stage = { .scratch = scratch };
            struct err err = { 0 };
            size_t alive = alloc_alive();
            vfs_plan(opening[i].what, opening[i].how, nth, nth);
            bool ok = stage_open_sqlite(&stage, NULL, &err), happened = vfs_happened();
            vfs_plan(0, VFS_FAILS, 0, 0);
            if (!ok) {
                check_row(opening[i].label, happened && err.kind != ERR_NONE && err.text[0]);
                check_row(opening[i].label, alloc_alive() == alive);
                check_row(opening[i].label, vfs_open_files() == 0);
                check_row(opening[i].label, stage_open_sqlite(&stage, NULL, &err));
            }
            store_free(stage.sqlite.store);
            check_row(opening[i].label, alloc_alive() == alive);
            if (!happened)
                break;
        }
}

static void test_closing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++)
        for (unsigned nth = 1, step = faults[i].what == VFS_MEMORY ? every : every / 8 + 1;; nth += step) {
            SCRATCH(scratch);
            struct stage stage;
            struct err err = { 0 };
            stage_open(&stage, scratch);
            play(&stage, faults[i].label, 7);
            size_t alive = alloc_alive();
            vfs_plan(faults[i].what, faults[i].how, nth, nth);
            store_free(GIVE(stage.sqlite.store));
            bool happened = vfs_happened();
            vfs_plan(0, VFS_FAILS, 0, 0);
            assert_true(alloc_alive() < alive && vfs_open_files() == 0);
            check_row(faults[i].label, stage_open_sqlite(&stage, NULL, &err));
            stage_reborn(&stage, stage_time(STEPS));
            stage_compare(&stage, stage_time(STEPS), faults[i].label, nth, STEPS);
            stage_close(&stage);
            if (!happened)
                break;
        }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disk_and_library),
        cmocka_unit_test(test_our_memory),
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_closing),
    };

    if (argc > 1)
        every = (unsigned)strtoul(argv[1], NULL, 10);
    vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
