#include "support/check.h"

#include <sys/wait.h>
#include <unistd.h>

#include "os/lock.h"
#include "support/scratch.h"

static bool take(const char *path, struct lock *lock)
{
    struct err err = { 0 };
    bool taken = false;

    if (!lock_try(path, lock, &taken, &err))
        fail_msg("%s", err.text);
    return taken;
}

static void test_one_at_a_time(void **state)
{
    (void)state;
    SCRATCH(dir);
    const char *path = scratch_path(dir, "lock");
    struct lock mine = LOCK_NONE, other = LOCK_NONE;

    assert_true(take(path, &mine));
    assert_false(take(path, &other)); /* the same process is no exception */
    assert_false(lock_held(&other));
    lock_done(&mine);
    assert_false(lock_held(&mine));
    assert_true(take(path, &other));
    lock_done(&other);
    lock_done(&other);
}

static void test_over_processes(void **state)
{
    (void)state;
    SCRATCH(dir);
    const char *path = scratch_path(dir, "lock");
    int ready[2], go[2], status = 0;
    char byte;
    struct lock lock = LOCK_NONE;

    assert_true(pipe(ready) == 0 && pipe(go) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct lock held = LOCK_NONE;
        bool taken = take(path, &held);
        lock_mark(&held, true);
        if (write(ready[1], taken ? "y" : "n", 1) != 1 || read(go[0], &byte, 1) != 1)
            _exit(1);
        _exit(0); /* without letting go: the system does */
    }
    assert_true(read(ready[0], &byte, 1) == 1 && byte == 'y');
    assert_false(take(path, &lock));
    assert_int_equal(write(go[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(take(path, &lock));
    assert_true(lock_marked(&lock)); /* he did not come to the end */
    lock_mark(&lock, false);
    assert_false(lock_marked(&lock));
    lock_done(&lock);
    for (unsigned i = 0; i < 2; i++)
        close(ready[i]), close(go[i]);
}

static void test_a_file_that_was_taken_away(void **state)
{
    (void)state;
    SCRATCH(dir);
    const char *path = scratch_path(dir, "lock");
    struct lock old = LOCK_NONE, new = LOCK_NONE;

    assert_true(take(path, &old));
    assert_int_equal(unlink(path), 0);
    assert_true(take(path, &new)); /* another file: what the old one locked is forgotten */
    assert_false(lock_marked(&new));
    lock_done(&old);
    lock_done(&new);
}

static void test_no_place_for_it(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct lock lock = LOCK_NONE;
    struct err err = { 0 };
    bool taken = false;

    assert_false(lock_try(scratch_path(dir, "nowhere/lock"), &lock, &taken, &err));
    assert_int_equal(err.kind, ERR_CREATE);
    assert_int_equal(symlink("elsewhere", scratch_path(dir, "link")), 0);
    assert_false(lock_try(scratch_path(dir, "link"), &lock, &taken, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_over_processes),
        cmocka_unit_test(test_a_file_that_was_taken_away),
        cmocka_unit_test(test_no_place_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
