/* A file of this version is brought to the next, one that is made up for this test; killed at every step of the way it is
 * the old one or the new one, whole. The tables of versions stand in for the program's own. */
#include "support/check.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schemas.h"
#include "stage.h"
#include "vfs.h"

/* What queue/sqlite_schema.c goes by; the archive's own is not linked when these are there. */
const char *sqlite_schemas[8];
size_t sqlite_schemas_count;

static size_t own; /* versions that this program has */

enum { STEPS = 30 };

static void versions(size_t count)
{
    for (size_t i = 0; i < schemas_count; i++)
        sqlite_schemas[i] = schemas[i];
    sqlite_schemas_count = count;
}

static bool open_it(struct stage *stage, struct err *err)
{
    return stage_open_sqlite(stage, NULL, err);
}

/* A number that a query gives; -1 where it is none. */
static int ask(struct scratch *scratch, const char *text)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int number = -1;

    assert_int_equal(sqlite3_open_v2(scratch_path(scratch, "state/queue.db"), &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

static void fill(struct stage *stage, struct scratch *scratch)
{
    versions(own);
    stage_open(stage, scratch);
    for (unsigned step = 0; step < STEPS; step++) {
        play_batch(&stage->sqlite, 5, step, NULL);
        play_batch(&stage->memory, 5, step, NULL);
    }
    store_free(GIVE(stage->sqlite.store));
}

static void test_brought_to_the_next(void **state)
{
    (void)state;
    SCRATCH(scratch);
    struct stage stage;
    struct err err = { 0 };

    fill(&stage, scratch);
    versions(own + 1);
    assert_true(open_it(&stage, &err));
    stage_reborn(&stage, stage_time(STEPS));
    stage_compare(&stage, stage_time(STEPS), "migrated", 5, STEPS);
    store_free(GIVE(stage.sqlite.store));
    assert_int_equal(ask(scratch, "SELECT count(*) FROM more") > 0, true);

    versions(own); /* the old program does not touch it */
    assert_false(open_it(&stage, &err));
    assert_string_equal(err.fact, "store:newer");
    assert_int_equal(ask(scratch, "PRAGMA user_version"), (int)own + 1);
    stage_close(&stage);
}

/* False: it came to its end before the nth. */
static bool killed_at(unsigned nth, enum vfs_how how)
{
    SCRATCH(scratch);
    struct stage stage;
    struct err err = { 0 };
    int status;

    fill(&stage, scratch);
    pid_t pid = fork();
    if (pid == 0) {
        versions(own + 1);
        vfs_plan(VFS_CHANGES, how, nth, nth);
        _exit(open_it(&stage, &err) ? 0 : 2);
    }
    assert_true(waitpid(pid, &status, 0) == pid);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    assert_true(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));

    int version = ask(scratch, "PRAGMA user_version");
    assert_int_equal(version == (int)own + 1, ask(scratch, "SELECT count(*) FROM more") > 0);
    assert_true(version == (int)own || version == (int)own + 1);
    versions(own + 1);
    assert_true(open_it(&stage, &err));
    stage_reborn(&stage, stage_time(STEPS));
    stage_compare(&stage, stage_time(STEPS), "killed while it was migrated", 5, nth);
    stage_close(&stage);
    return killed;
}

static void test_killed_on_the_way(void **state)
{
    (void)state;
    for (unsigned nth = 1; killed_at(nth, VFS_KILLS); nth++)
        ;
    for (unsigned nth = 1; killed_at(nth, VFS_LOSES_POWER); nth += 2)
        ;
}

static void test_a_migration_that_fails(void **state)
{
    static const struct {
        unsigned what;
        enum vfs_how how;
    } cases[] = { { VFS_WRITE, VFS_FAILS }, { VFS_WRITE, VFS_IS_FULL }, { VFS_SYNC, VFS_FAILS } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (unsigned nth = 1;; nth++) {
            SCRATCH(scratch);
            struct stage stage;
            struct err err = { 0 };
            fill(&stage, scratch);
            versions(own + 1);
            vfs_plan(cases[i].what, cases[i].how, nth, nth);
            bool ok = open_it(&stage, &err), happened = vfs_happened();
            vfs_plan(0, VFS_FAILS, 0, 0);
            assert_true(ok || (err.kind == ERR_IO && err.fact));
            store_free(GIVE(stage.sqlite.store));
            assert_true(open_it(&stage, &err));
            stage_reborn(&stage, stage_time(STEPS));
            stage_compare(&stage, stage_time(STEPS), "failed while it was migrated", 5, nth);
            stage_close(&stage);
            if (!happened)
                break;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brought_to_the_next),
        cmocka_unit_test(test_killed_on_the_way),
        cmocka_unit_test(test_a_migration_that_fails),
    };

    own = schemas_count - 1;
    vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
