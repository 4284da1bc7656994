/* The log of changes gathers what is written to it. What it took and could not pass on later, at an occasion that SQLite
 * need not take for the end of the transaction, must never be committed to. */
#include "support/check.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/sql_log.h"
#include "vfs.h"

enum { FRAME = 100 };

struct opened {
    struct sql_log *log;
    sqlite3_file *file;
    char beside[64], path[80];
};

static void open_it(struct opened *opened)
{
    opened->log = sql_log_new();
    assert_non_null(opened->log);
    sqlite3_vfs *vfs = sqlite3_vfs_find(sql_log_name(opened->log));
    assert_non_null(vfs);
    snprintf(opened->beside, sizeof opened->beside, "/tmp/outpost-test-log.%ld", (long)getpid());
    snprintf(opened->path, sizeof opened->path, "%s-wal", opened->beside);
    int fd = open(opened->beside, O_CREAT | O_RDWR, 0600); /* whose mode it gets */
    assert_true(fd >= 0 && close(fd) == 0);
    opened->file = calloc(1, (size_t)vfs->szOsFile);
    int flags = SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    assert_int_equal(vfs->xOpen(vfs, opened->path, opened->file, flags, &flags), SQLITE_OK);
}

static void close_it(struct opened *opened)
{
    assert_int_equal(opened->file->pMethods->xClose(opened->file), SQLITE_OK);
    free(opened->file);
    sql_log_free(opened->log);
    unlink(opened->path);
    unlink(opened->beside);
}

static int look(sqlite3_file *file, sqlite3_int64 at, char *frame)
{
    return file->pMethods->xRead(file, frame, FRAME, at);
}

static const struct {
    const char *label;
    enum vfs_how how;
    int code;
} cases[] = {
    { "the disk fails", VFS_FAILS, SQLITE_IOERR },
    { "the disk is full", VFS_IS_FULL, SQLITE_FULL },
};

static void test_lost_before_a_look(void **state)
{
    static const char first[FRAME] = "first", second[FRAME] = "second";

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct opened opened;
        char frame[FRAME];
        open_it(&opened);
        sqlite3_file *file = opened.file;
        const sqlite3_io_methods *methods = file->pMethods;

        check_row(cases[i].label, methods->xWrite(file, first, FRAME, 0) == SQLITE_OK);
        check_row(cases[i].label, methods->xSync(file, SQLITE_SYNC_NORMAL) == SQLITE_OK);
        check_row(cases[i].label, methods->xWrite(file, second, FRAME, FRAME) == SQLITE_OK);
        vfs_plan(VFS_WRITE, cases[i].how, 1, 0);
        check_row(cases[i].label, (look(file, FRAME, frame) & 0xff) == cases[i].code);
        check_row(cases[i].label, vfs_happened());
        vfs_plan(0, cases[i].how, 0, 0);

        /* The disk is well again, and knows nothing of the second. */
        check_row(cases[i].label, look(file, 0, frame) == SQLITE_OK && !memcmp(frame, first, FRAME));
        check_row(cases[i].label, (look(file, FRAME, frame) & 0xff) == cases[i].code);
        check_row(cases[i].label, (methods->xWrite(file, first, FRAME, 2 * FRAME) & 0xff) == cases[i].code);
        check_row(cases[i].label, (methods->xWrite(file, first, FRAME, 0) & 0xff) == cases[i].code);
        check_row(cases[i].label, (methods->xSync(file, SQLITE_SYNC_NORMAL) & 0xff) == cases[i].code);
        close_it(&opened);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_before_a_look),
    };

    vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
