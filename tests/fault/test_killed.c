/* The process is killed, or the power goes, at every operation of the disk in turn while a queue plays: afterwards the
 * file holds what was told to be done, or that and the batch that was under way, whole; nothing else. And where a sync or
 * a write fails and the process is killed right after: exactly what was told.
 *
 * A child plays, and counts in shared memory the batches that were told to be done. The parent plays the same to a
 * queue in memory, up to there, and compares.
 *
 * With an argument N every Nth operation is tried; 1 tries all of them. */
#include "support/check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"
#include "vfs.h"

enum { STEPS = 25 };

static unsigned every = 37;

struct shared { /* with the child */
    unsigned told; /* batches of which the end was told */
    bool opened, over;
    struct played played[STEPS];
};

static struct shared *shared;

static bool ends(enum vfs_how how)
{
    return how == VFS_KILLS || how == VFS_LOSES_POWER;
}

/* Never returns. */
static void child(struct scratch *scratch, unsigned what, enum vfs_how how, unsigned nth)
{
    struct stage stage = { .scratch = scratch };
    struct err err = { 0 };

    if (ends(how))
        vfs_plan(what, how, nth, nth * 7919);
    if (!stage_open_sqlite(&stage, NULL, &err))
        _exit(2);
    if (!ends(how))
        vfs_plan(what, how, nth, nth);
    shared->opened = true;
    for (unsigned step = 0; step < STEPS; step++) {
        shared->played[step] = play_batch(&stage.sqlite, nth, step, NULL);
        shared->told = step + 1;
        if (vfs_happened())
            kill(getpid(), SIGKILL);
    }
    store_free(stage.sqlite.store);
    shared->over = true;
    _exit(0);
}

/* What is there after so many batches, in words. Those told of went as the child says; one more may have. */
static void dump_after(unsigned batches, unsigned seed, struct buf *out)
{
    struct player memory = { 0 };
    struct err err = { 0 };

    assert_true(store_memory_open(&memory.store, &err));
    for (unsigned step = 0; step < batches; step++)
        play_batch(&memory, seed, step, step < shared->told ? &shared->played[step] : NULL);
    play_rebirth(&memory, stage_time(STEPS));
    dump(memory.store, stage_time(STEPS), out);
    store_free(memory.store);
}

static void compare(struct scratch *scratch, const char *label, unsigned nth, bool exactly)
{
    struct stage stage = { .scratch = scratch };
    struct err err = { 0 };
    HELD(buf) is = BUF(8 << 20);
    HELD(buf) told = BUF(8 << 20);
    HELD(buf) and_one = BUF(8 << 20);

    if (!stage_open_sqlite(&stage, NULL, &err))
        fail_msg("%s %u: %s", label, nth, err.text);
    play_rebirth(&stage.sqlite, stage_time(STEPS));
    dump(stage.sqlite.store, stage_time(STEPS), &is);
    dump_after(shared->told, nth, &told);
    if (shared->told < STEPS && !exactly)
        dump_after(shared->told + 1, nth, &and_one);
    long line = stage_differ(&is, &told);
    if (line >= 0 && stage_differ(&is, &and_one) >= 0)
        fail_msg("%s %u, after %u batches:\nfile: %.600s\nwant: %.600s", label, nth, shared->told, buf_text(&is) + line,
                 buf_text(&told) + line);
    stage_check(stage.sqlite.store, label, nth);
    store_free(stage.sqlite.store);
}

/* False: the child came to its end before the nth. */
static bool end_at(const char *label, unsigned what, enum vfs_how how, unsigned nth)
{
    SCRATCH(scratch);
    int status;

    memset(shared, 0, sizeof *shared);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child(scratch, what, how, nth);
    assert_true(waitpid(pid, &status, 0) == pid);
    if (shared->over) {
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return false;
    }
    check_row(label, WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    compare(scratch, label, nth, !ends(how));
    return true;
}

static void test_killed(void **state)
{
    (void)state;
    for (unsigned nth = 1; end_at("killed at", VFS_CHANGES | VFS_OPEN, VFS_KILLS, nth); nth += nth < 30 ? 1 : every)
        ;
}

static void test_power_cut(void **state)
{
    (void)state;
    for (unsigned nth = 1; end_at("power cut at", VFS_CHANGES | VFS_OPEN, VFS_LOSES_POWER, nth); nth += nth < 30 ? 1 : every)
        ;
}

/* Whatever was told of the commit that failed, that it is. */
static void test_failed_and_then_killed(void **state)
{
    static const struct {
        const char *label;
        unsigned what;
        enum vfs_how how;
    } cases[] = {
        { "sync failed", VFS_SYNC, VFS_FAILS },
        { "sync failed, though it was done", VFS_SYNC, VFS_FAILS_LATE },
        { "write failed", VFS_WRITE, VFS_FAILS },
        { "write failed, though it was done", VFS_WRITE, VFS_FAILS_LATE },
        { "disk full", VFS_WRITE | VFS_SYNC, VFS_IS_FULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (unsigned nth = 1; end_at(cases[i].label, cases[i].what, cases[i].how, nth);
             nth += cases[i].what == VFS_SYNC ? every / 12 + 1 : every / 2 + 1)
            ;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_power_cut),
        cmocka_unit_test(test_failed_and_then_killed),
    };

    if (argc > 1)
        every = (unsigned)strtoul(argv[1], NULL, 10);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
