/* Where a message waits: in memory while it is small, in the directory when it is not. */
#include "support/check.h"

#include <unistd.h>

#include "intake/spool.h"
#include "support/scratch.h"
#include "support/world.h"

static const struct {
    const char *label;
    size_t len, step;
    bool large, on_disk;
} sizes[] = {
    { "nothing at all",            0,                   1,           false, false },
    { "a word",                    5,                   5,           false, false },
    { "just less than a piece",    SPOOL_PIECE - 1,     1000,        false, false },
    { "a piece",                   SPOOL_PIECE,         1000,        false, true  },
    { "several, at once",          3 * SPOOL_PIECE + 7, SPOOL_PIECE * 4, false, true },
    { "several, bit by bit",       3 * SPOOL_PIECE + 7, 4096,        false, true  },
    { "small, but others write on", 5,                  5,           true,  true  },
};

/* What stands at `at` of the bytes that are written. */
static char byte_at(size_t at)
{
    return (char)('a' + at % 23);
}

static bool fill(struct spool *spool, size_t len, size_t step, struct err *err)
{
    static char bytes[4 * SPOOL_PIECE];

    for (size_t at = 0; at < len; at += step) {
        size_t some = len - at < step ? len - at : step;
        for (size_t i = 0; i < some; i++)
            bytes[i] = byte_at(at + i);
        if (!spool_add(spool, (struct span){ bytes, some }, err))
            return false;
    }
    return true;
}

static void check_read(const char *label, int fd, size_t len)
{
    static char bytes[4 * SPOOL_PIECE];
    ssize_t got = read(fd, bytes, sizeof bytes);

    check_row(label, got == (ssize_t)len);
    for (size_t i = 0; i < len; i++)
        check_row(label, bytes[i] == byte_at(i));
}

static void test_sizes(void **state)
{
    (void)state;
    SCRATCH(dir);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct world world;
        struct err err = { 0 };
        int fd = -1;
        world_init(&world);
        struct spool spool = spool_begin(&world.disk, scratch_root(dir));
        spool.large = sizes[i].large;
        check_row(sizes[i].label, fill(&spool, sizes[i].len, sizes[i].step, &err));
        check_row(sizes[i].label, spool_give(&spool, &fd, &err));
        check_row(sizes[i].label, spool.size == sizes[i].len);
        check_row(sizes[i].label, (strchr(world.calls, 'o') != NULL) == sizes[i].on_disk);
        check_read(sizes[i].label, fd, sizes[i].len);
        spool_done(&spool);
        world.disk.close(&world.disk, fd);
        check_row(sizes[i].label, scratch_count(scratch_root(dir)) == 0 && world.open_files == 0);
    }
}

/* Where nobody may write, small messages still pass. */
static void test_no_directory(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct spool small = spool_begin(&disk_system, "/nowhere"), large = small;
    int fd = -1;

    assert_true(fill(&small, 100, 100, &err) && spool_give(&small, &fd, &err));
    close(fd);
    assert_false(fill(&large, SPOOL_PIECE, SPOOL_PIECE, &err));
    assert_int_equal(err.kind, ERR_CREATE);
    spool_done(&small);
    spool_done(&large);
}

static void test_everything_fails_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (unsigned n = 1;; n++) {
            SCRATCH(dir);
            struct world world;
            struct err err = { 0 };
            int fd = -1;
            world_begin(&world, n);
            struct spool spool = spool_begin(&world.disk, scratch_root(dir));
            spool.large = sizes[i].large;
            bool ok = fill(&spool, sizes[i].len, sizes[i].step, &err) && spool_give(&spool, &fd, &err);
            spool_done(&spool);
            bool failed = world_end(&world);
            if (fd >= 0)
                world.disk.close(&world.disk, fd);
            check_row(sizes[i].label, ok || (failed && err.kind != ERR_NONE));
            check_row(sizes[i].label, world_leaks(&world) == 0 && scratch_count(scratch_root(dir)) == 0);
            if (!failed)
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_no_directory),
        cmocka_unit_test(test_everything_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
