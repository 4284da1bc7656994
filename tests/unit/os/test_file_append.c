#include "support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

static void test_adds(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct err err = { 0 };
    struct stat st;
    const char *path = scratch_path(dir, "box");

    world_init(&world);
    world.short_moves = true;
    assert_true(file_append(&world.disk, path, SPAN("one\n"), 0600, &err));
    assert_true(file_append(&world.disk, path, SPAN("two\n"), 0644, &err));
    assert_string_equal(scratch_text(path), "one\ntwo\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(scratch_count(scratch_root(dir)), 1); /* no lock is left */
    assert_int_equal(world_leaks(&world), 0);
}

static void test_refused(void **state)
{
    static const struct {
        const char *label;
        enum err_kind kind;
        const char *want;
    } rows[] = {
        { "a link", ERR_CREATE, "adding to" },
        { "a file of two names", ERR_CREATE, "Too many links" },
        { "a directory", ERR_CREATE, "Is a directory" },
        { "a pipe", ERR_CREATE, "adding to" },
        { "no directory", ERR_CREATE, "No such file" },
        { "locked by a file", ERR_LATER, "box.lock" },
        { "locked by a program", ERR_LATER, "adding to" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        struct world world;
        struct err err = { 0 };
        struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        const char *box = scratch_path(dir, "box"), *other = scratch_file(dir, "other", "kept", 0600);
        int held = -1;

        world_init(&world);
        switch (i) {
        case 0: assert_int_equal(symlink(other, box), 0); break;
        case 1: assert_int_equal(link(other, box), 0); break;
        case 2: assert_int_equal(mkdir(box, 0700), 0); break;
        case 3: assert_int_equal(mkfifo(box, 0600), 0); break;
        case 4: box = scratch_path(dir, "nowhere/box"); break;
        case 5: scratch_file(dir, "box.lock", "", 0600); break;
        default:
            held = open(scratch_file(dir, "box", "kept", 0600), O_RDWR);
            assert_int_equal(fcntl(held, F_OFD_SETLK, &whole), 0);
        }
        check_row(rows[i].label, !file_append(&world.disk, box, SPAN("more"), 0600, &err));
        check_row(rows[i].label, err.kind == rows[i].kind);
        if (!strstr(err.text, rows[i].want))
            fail_msg("case \"%s\": %s", rows[i].label, err.text);
        check_row(rows[i].label, strcmp(scratch_text(other), "kept") == 0);
        if (held >= 0)
            check_row(rows[i].label, strcmp(scratch_text(box), "kept") == 0 && close(held) == 0);
        check_row(rows[i].label, i == 5 || !file_exists(scratch_path(dir, "box.lock")));
    }
}

/* Each call fails once: all is there, or nothing of it. */
static void test_torture(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct world world;
        struct err err = { 0 };
        const char *path = scratch_file(dir, "box", "old\n", 0600);

        world_begin(&world, n);
        bool ok = file_append(&world.disk, path, SPAN("new\n"), 0600, &err);
        bool failed = world_end(&world);
        assert_int_equal(world_leaks(&world), 0);
        assert_true(ok || (failed && err.kind != ERR_NONE));
        const char *text = scratch_text(path);
        assert_true(strcmp(text, "old\nnew\n") == 0 || (!ok && strcmp(text, "old\n") == 0));
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adds),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_torture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
