/* The kernel's keys, asked for real; skipped where a sandbox forbids the call. */
#include "support/check.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/kernel_keys.h"

enum { SKIPPED = 77 }; /* Meson's word for it */

static const char name[] = "outpost:test of os/kernel_keys", secret[] = "0123456789";

static long add(void)
{
    return syscall(SYS_add_key, "user", name, secret, sizeof secret - 1, KEY_SPEC_USER_KEYRING);
}

static void test_read(void **state)
{
    char bytes[16] = { 0 };
    long key = add();

    (void)state;
    assert_true(key > 0);
    assert_int_equal(kernel_keys_system.read(&kernel_keys_system, name, bytes, sizeof bytes), 10);
    assert_string_equal(bytes, secret);
    assert_int_equal(kernel_keys_system.read(&kernel_keys_system, name, bytes, 4), 10); /* how long it is */

    syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
    errno = 0;
    assert_int_equal(kernel_keys_system.read(&kernel_keys_system, name, bytes, sizeof bytes), -1);
    assert_true(errno == ENOKEY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
    };
    if (add() < 0) {
        print_message("the kernel keeps no keys for us here (errno %d)\n", errno);
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
