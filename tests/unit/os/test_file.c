#include "support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/file.h"
#include "support/scratch.h"
#include "support/world.h"

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_read_within_a_limit(void **state)
{
    static const struct {
        const char *label;
        size_t most;
        enum err_kind kind;
    } rows[] = {
        { "more than enough", 100, ERR_NONE },
        { "exactly as long", 11, ERR_NONE },
        { "one too few", 10, ERR_LIMIT },
        { "nothing allowed", 0, ERR_LIMIT },
    };

    (void)state;
    SCRATCH(dir);
    const char *path = scratch_file(dir, "it", "hello world", 0644);
    for (size_t i = 0; i < COUNT(rows); i++) {
        HELD(buf) out = BUF(100);
        struct err err = { 0 };
        bool ok = file_read(&disk_system, path, rows[i].most, FILE_ANY, &out, &err);
        check_row(rows[i].label, ok == (rows[i].kind == ERR_NONE) && err.kind == rows[i].kind);
        check_bytes(rows[i].label, buf_span(&out), ok ? SPAN("hello world") : SPAN(""));
    }
}

/* What the kernel makes up while it is read, or what grows meanwhile. */
static void test_read_more_than_it_said(void **state)
{
    (void)state;
    HELD(buf) out = BUF(64 * 1024), little = BUF(64 * 1024);
    struct err err = { 0 };

    assert_true(file_read(&disk_system, "/proc/self/status", 64 * 1024, FILE_ANY, &out, &err));
    assert_true(out.len > 100);
    assert_false(file_read(&disk_system, "/proc/self/status", 100, FILE_ANY, &little, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
}

static void test_read_regular_files_only(void **state)
{
    (void)state;
    SCRATCH(dir);
    HELD(buf) out = BUF(100);
    struct err err = { 0 };

    assert_int_equal(mkfifo(scratch_path(dir, "pipe"), 0600), 0);
    assert_false(file_read(&disk_system, scratch_path(dir, "pipe"), 9, FILE_ANY, &out, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(file_read(&disk_system, scratch_root(dir), 9, FILE_ANY, &out, &err));
    assert_int_equal(err.sys, EISDIR);
    assert_false(file_read(&disk_system, "/dev/zero", 9, FILE_ANY, &out, &err));
    assert_false(file_read(&disk_system, scratch_path(dir, "none\033[2J"), 9, FILE_ANY, &out, &err));
    assert_int_equal(err.sys, ENOENT);
    assert_null(strchr(err.text, '\033'));
}

static void test_trust(void **state)
{
    static const struct {
        const char *label;
        mode_t mode;
        enum file_trust trust;
        bool ok;
    } rows[] = {
        { "configuration anybody may read", 0644, FILE_TRUSTED, true },
        { "configuration the group may write", 0664, FILE_TRUSTED, false },
        { "configuration anybody may write", 0646, FILE_TRUSTED, false },
        { "a message anybody may write", 0666, FILE_ANY, true },
        { "a secret of ours alone", 0600, FILE_SECRET, true },
        { "a secret that can't be changed", 0400, FILE_SECRET, true },
        { "a secret the group may read", 0640, FILE_SECRET, false },
        { "a secret others may read", 0604, FILE_SECRET, false },
    };

    (void)state;
    SCRATCH(dir);
    for (size_t i = 0; i < COUNT(rows); i++) {
        HELD(buf) out = BUF(100);
        struct err err = { 0 };
        const char *path = scratch_file(dir, "it", "x", rows[i].mode);
        check_row(rows[i].label,
                  file_read(&disk_system, path, 9, rows[i].trust, &out, &err) == rows[i].ok);
        if (!rows[i].ok) {
            check_row(rows[i].label, strstr(err.text, "chmod"));
            assert_string_equal(err.fact, rows[i].trust == FILE_SECRET ? "secret:unreadable"
                                                                       : "config:untrusted-mode");
        }
    }
}

static void test_trust_nobody_elses(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    SCRATCH(dir);
    HELD(buf) out = BUF(100);
    struct err err = { 0 };
    const char *path = scratch_file(dir, "it", "x", 0600);

    assert_int_equal(chown(path, 12345, 0), 0);
    assert_false(file_read(&disk_system, path, 9, FILE_TRUSTED, &out, &err));
    assert_non_null(strstr(err.text, "uid 12345"));
}

static void test_write(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct err err = { 0 };
    const char *path = scratch_path(dir, "it");

    assert_true(file_write(&disk_system, path, SPAN("one"), FILE_MADE(0600), &err));
    assert_string_equal(scratch_text(path), "one");
    assert_int_equal(mode_of(path), 0600);
    assert_true(file_write(&disk_system, path, SPAN(""), FILE_MADE(0640), &err));
    assert_string_equal(scratch_text(path), "");
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(scratch_count(scratch_root(dir)), 1);

    assert_false(file_write_new(&disk_system, path, SPAN("two"), FILE_MADE(0600), &err));
    assert_int_equal(err.kind, ERR_CREATE);
    assert_int_equal(err.sys, EEXIST);
    assert_string_equal(scratch_text(path), "");

    assert_true(file_remove(&disk_system, path, &err));
    assert_false(file_remove(&disk_system, path, &err));
    assert_int_equal(err.sys, ENOENT);

    assert_false(file_write(&disk_system, scratch_path(dir, "no/such"), SPAN("x"), FILE_MADE(0600), &err));
    assert_int_equal(err.kind, ERR_CREATE);
}

/* What a symbolic link points at is not ours to change. */
static void test_write_replaces_a_link(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct err err = { 0 };
    const char *target = scratch_file(dir, "target", "theirs", 0644), *link = scratch_path(dir, "link");

    assert_int_equal(symlink(target, link), 0);
    assert_true(file_write(&disk_system, link, SPAN("ours"), FILE_MADE(0600), &err));
    assert_string_equal(scratch_text(target), "theirs");
    assert_string_equal(scratch_text(link), "ours");
    assert_int_equal(symlink(scratch_path(dir, "nowhere"), scratch_path(dir, "dangling")), 0);
    assert_false(file_write_new(&disk_system, scratch_path(dir, "dangling"), SPAN("x"), FILE_MADE(0600),
                                &err));
    assert_null(scratch_text(scratch_path(dir, "nowhere")));
}

static void test_short_moves(void **state)
{
    (void)state;
    SCRATCH(dir);
    HELD(buf) out = BUF(100);
    struct err err = { 0 };
    struct world world;
    const char *path = scratch_path(dir, "it");

    world_init(&world);
    world.short_moves = true;
    assert_true(file_write(&world.disk, path, SPAN("byte by byte"), FILE_MADE(0600), &err));
    assert_true(file_read(&world.disk, path, 100, FILE_SECRET, &out, &err));
    assert_string_equal(buf_text(&out), "byte by byte");
}

/* After a power cut the old text is there or the new one: the bytes are on the disk before the name is,
 * and the name before the call returns. */
static void test_synced_in_order(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct err err = { 0 };
    struct world world;

    world_init(&world);
    assert_true(file_write(&world.disk, scratch_path(dir, "it"), SPAN("x"), FILE_MADE(0600), &err));
    assert_string_equal(world.calls, "owsNos");
    world_init(&world);
    assert_true(file_write_new(&world.disk, scratch_path(dir, "new"), SPAN("x"), FILE_MADE(0600), &err));
    assert_string_equal(world.calls, "owsLKos");
    world_init(&world);
    assert_true(file_remove(&world.disk, scratch_path(dir, "new"), &err));
    assert_string_equal(world.calls, "Kos");
}

/* Let the 1st thing fail, then the 2nd, ...: the old text or the new one stands there, whole, and
 * nothing else. */
static void torture_write(int sys)
{
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct err err = { 0 };
        struct world world;
        const char *path = scratch_file(dir, "it", "old", 0600);

        world_begin(&world, n);
        world.sys = sys;
        bool ok = file_write(&world.disk, path, SPAN("new text"), FILE_MADE(0600), &err);
        bool failed = world_end(&world);
        assert_int_equal(world_leaks(&world), 0);
        const char *text = scratch_text(path);
        assert_true(strcmp(text, "new text") == 0 || (!ok && strcmp(text, "old") == 0));
        assert_int_equal(scratch_count(scratch_root(dir)), 1);
        if (!failed) {
            assert_true(ok && n > 8);
            return;
        }
        assert_true(ok || err.kind != ERR_NONE);
        if (!ok && err.kind != ERR_MEMORY && sys == ENOSPC && err.sys == ENOSPC)
            assert_string_equal(err.fact, "disk:full");
    }
}

static void test_torture_write(void **state)
{
    (void)state;
    torture_write(ENOSPC);
    torture_write(EIO);
}

static void test_torture_write_new(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct err err = { 0 };
        struct world world;
        const char *path = scratch_path(dir, "it");

        world_begin(&world, n);
        bool ok = file_write_new(&world.disk, path, SPAN("text"), FILE_MADE(0600), &err);
        bool failed = world_end(&world);
        assert_int_equal(world_leaks(&world), 0);
        const char *text = scratch_text(path);
        assert_true(!text || strcmp(text, "text") == 0);
        assert_true(!ok || text);
        /* The name beside it stays only where taking it away was what failed. */
        assert_in_range(scratch_count(scratch_root(dir)), text != NULL, ok && failed ? 2 : 1);
        if (!failed)
            return;
        assert_true(ok || err.kind != ERR_NONE);
    }
}

static void test_torture_read(void **state)
{
    (void)state;
    SCRATCH(dir);
    const char *path = scratch_file(dir, "it", "text", 0600);

    for (unsigned n = 1;; n++) {
        struct buf out = BUF(100);
        struct err err = { 0 };
        struct world world;

        world_begin(&world, n);
        world.sys = EIO;
        bool ok = file_read(&world.disk, path, 100, FILE_SECRET, &out, &err);
        bool failed = world_end(&world);
        assert_true(ok ? span_is(buf_span(&out), "text") : out.len == 0 && err.kind != ERR_NONE);
        buf_done(&out);
        assert_int_equal(world_leaks(&world), 0);
        if (!failed) {
            assert_true(ok);
            return;
        }
    }
}

/* A real disk that really is full: a file system of 64 KB, in a mount space of our own. */
static void test_a_full_disk(void **state)
{
    (void)state;
    SCRATCH(dir);
    char room[128 * 1024];
    struct err err = { 0 };

    memset(room, 'x', sizeof room);
    if (geteuid() != 0 || mount("outpost-test", scratch_root(dir), "tmpfs", 0, "size=64k") < 0)
        skip(); /* only root may mount, and not in every container */
    const char *path = scratch_file(dir, "it", "old", 0600);
    bool ok = file_write(&disk_system, path, (struct span){ room, sizeof room }, FILE_MADE(0600), &err);
    bool kept = strcmp(scratch_text(path), "old") == 0 && scratch_count(scratch_root(dir)) == 1;
    assert_int_equal(umount2(scratch_root(dir), MNT_DETACH), 0);
    assert_false(ok);
    assert_true(kept);
    assert_int_equal(err.kind, ERR_IO);
    assert_string_equal(err.fact, "disk:full");
}

static void test_make_dirs(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct err err = { 0 };

    assert_true(file_make_dirs(&disk_system, scratch_path(dir, "a/b/c"), 0700, &err));
    assert_int_equal(mode_of(scratch_path(dir, "a/b")), 0700);
    assert_true(file_make_dirs(&disk_system, scratch_path(dir, "a/b/c/"), 0700, &err)); /* again */
    scratch_file(dir, "file", "x", 0644);
    assert_false(file_make_dirs(&disk_system, scratch_path(dir, "file/a"), 0700, &err));
    assert_int_equal(err.kind, ERR_CREATE);
    assert_false(file_make_dirs(&disk_system, scratch_path(dir, "file"), 0700, &err));
    assert_int_equal(chmod(scratch_path(dir, "a"), 0777), 0);
    assert_false(file_make_dirs(&disk_system, scratch_path(dir, "a"), 0700, &err));
    assert_string_equal(err.fact, "config:untrusted-mode");
}

static void test_nameless(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 3; n++) { /* 1: no O_TMPFILE on this file system */
        SCRATCH(dir);
        struct err err = { 0 };
        struct world world;
        int fd = -1;

        world_init(&world);
        world.until = n;
        bool ok = file_open_nameless(&world.disk, scratch_root(dir), &fd, &err);
        assert_int_equal(ok, n < 2 || !world.failed);
        assert_int_equal(scratch_count(scratch_root(dir)), 0);
        if (!ok)
            continue;
        assert_int_equal(write(fd, "x", 1), 1);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        close(fd);
    }
}

static void test_read_at_a_place(void **state)
{
    static const struct {
        const char *what;
        uint64_t at;
        size_t room;
        const char *there;
    } rows[] = {
        { "the front", 0, 3, "abc" },      { "on from there", 3, 3, "def" }, { "up to the end", 4, 100, "efgh" },
        { "at the end", 8, 100, "" },      { "behind it", 900, 100, "" },    { "no room", 0, 0, "" },
    };
    const char *path;
    char room[100];
    size_t len;
    struct err err = { 0 };

    (void)state;
    SCRATCH(dir);
    path = scratch_file(dir, "it", "abcdefgh", 0600);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(rows[i].what, file_read_at(fd, rows[i].at, room, rows[i].room, &len, &err) &&
                                    len == strlen(rows[i].there) && memcmp(room, rows[i].there, len) == 0);
    close(fd);
    assert_false(file_read_at(-1, 0, room, sizeof room, &len, &err));
    assert_int_equal(err.kind, ERR_IO);
}

static void test_list(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct file_names names;
    struct err err = { 0 };

    scratch_file(dir, "b.conf", "", 0600);
    scratch_file(dir, "a.conf", "", 0600);
    scratch_file(dir, "a.conf~", "", 0600);
    scratch_file(dir, ".hidden.conf", "", 0600);
    scratch_file(dir, ".conf", "", 0600);
    assert_true(file_list(scratch_root(dir), ".conf", &names, &err));
    assert_int_equal(names.count, 2);
    assert_string_equal(names.at[0], "a.conf");
    assert_string_equal(names.at[1], "b.conf");
    file_names_done(&names);
    assert_true(file_list(scratch_path(dir, "none"), ".conf", &names, &err));
    assert_int_equal(names.count, 0);
    file_names_done(&names);
    assert_false(file_list(scratch_path(dir, "a.conf"), ".conf", &names, &err));
    assert_int_equal(err.sys, ENOTDIR);
    assert_int_equal(chmod(scratch_root(dir), 0777), 0);
    assert_false(file_list(scratch_root(dir), ".conf", &names, &err));
    assert_string_equal(err.fact, "config:untrusted-mode");
    assert_non_null(strstr(err.text, "chmod go-w"));
    assert_int_equal(chmod(scratch_root(dir), 0700), 0);
}

static void test_paths(void **state)
{
    static const struct {
        const char *path, *directory;
    } rows[] = { { "/etc/x", "/etc" }, { "/x", "/" }, { "x", "." }, { "a/b/c", "a/b" } };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *directory = file_directory_of(rows[i].path);
        check_row(rows[i].path, strcmp(directory, rows[i].directory) == 0);
        mem_free(directory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_within_a_limit),
        cmocka_unit_test(test_read_more_than_it_said),
        cmocka_unit_test(test_read_regular_files_only),
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_trust_nobody_elses),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_replaces_a_link),
        cmocka_unit_test(test_short_moves),
        cmocka_unit_test(test_synced_in_order),
        cmocka_unit_test(test_torture_write),
        cmocka_unit_test(test_torture_write_new),
        cmocka_unit_test(test_torture_read),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_make_dirs),
        cmocka_unit_test(test_nameless),
        cmocka_unit_test(test_read_at_a_place),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
