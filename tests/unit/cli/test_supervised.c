/* What systemd is told, with a library made up. */
#include "support/check.h"

#include <stdlib.h>

#include "base/buf.h"
#include "cli/supervised.h"
#include "os/module.h"
#include "os/systemd.h"
#include "support/world.h"

static struct {
    bool absent;
    uint64_t watchdog;
    struct buf heard;
    struct loop *stop_after_two;
    unsigned lives;
} systemd = { .heard = BUF(1000) };

static bool hear(const char *state)
{
    buf_addf(&systemd.heard, "%s;", state);
    systemd.lives += strcmp(state, "WATCHDOG=1") == 0;
    if (systemd.stop_after_two && systemd.lives == 2)
        loop_stop(systemd.stop_after_two);
    return true;
}

static uint64_t watchdog(void)
{
    return systemd.watchdog;
}

static uint64_t now(void)
{
    return 77;
}

bool module_load(const char *file, const char *face, const void **ret_face, struct err *err)
{
    static const struct systemd_face faked = { .notify = hear, .watchdog = watchdog, .now = now };

    assert_string_equal(file, SYSTEMD_MODULE);
    assert_string_equal(face, SYSTEMD_SYMBOL);
    *ret_face = &faked;
    return !systemd.absent || err_set(err, ERR_INTERNAL, "%s can't be loaded", file);
}

static struct loop *loop;

static int begin(void **state)
{
    (void)state;
    systemd.absent = false;
    systemd.watchdog = 0;
    systemd.stop_after_two = NULL;
    systemd.lives = 0;
    buf_clear(&systemd.heard);
    setenv("NOTIFY_SOCKET", "/nowhere", 1);
    return loop_new(&loop, NULL) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    buf_done(&systemd.heard);
    loop_free(loop);
    return 0;
}

static void test_nobody_waits(void **state)
{
    (void)state;
    struct supervised *supervised = NULL;

    unsetenv("NOTIFY_SOCKET");
    systemd.absent = true; /* it is not even looked for */
    assert_true(supervised_new(loop, &supervised, NULL));
    assert_null(supervised);
    supervised_ready(supervised);
    supervised_reloading(supervised);
    supervised_stopping(supervised);
    supervised_free(supervised);
    assert_string_equal(buf_text(&systemd.heard), "");
}

static void test_a_life(void **state)
{
    (void)state;
    struct supervised *supervised = NULL;

    assert_true(supervised_new(loop, &supervised, NULL));
    supervised_ready(supervised);
    supervised_reloading(supervised);
    supervised_ready(supervised);
    supervised_stopping(supervised);
    loop_run(loop); /* nothing is set that would ring */
    supervised_free(supervised);
    assert_string_equal(buf_text(&systemd.heard),
                        "READY=1;RELOADING=1\nMONOTONIC_USEC=77;READY=1;STOPPING=1;");
}

static void test_signs_of_life(void **state)
{
    (void)state;
    struct supervised *supervised = NULL;

    systemd.watchdog = 2000;
    systemd.stop_after_two = loop;
    assert_true(supervised_new(loop, &supervised, NULL));
    supervised_ready(supervised);
    loop_run(loop);
    supervised_free(supervised);
    assert_string_equal(buf_text(&systemd.heard), "READY=1;WATCHDOG=1;WATCHDOG=1;");
}

/* He would wait in vain. */
static void test_cannot_be_told(void **state)
{
    (void)state;
    struct supervised *supervised = NULL;
    struct err err = { 0 };

    systemd.absent = true;
    assert_false(supervised_new(loop, &supervised, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "systemd wants to hear when outpost is ready: outpost-systemd.so can't be loaded"));
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct world world;
        struct supervised *supervised = NULL;
        struct err err = { 0 };

        world_begin(&world, n);
        bool good = supervised_new(loop, &supervised, &err);
        if (good)
            supervised_reloading(supervised);
        supervised_free(supervised);
        bool failed = world_end(&world);
        loop_turn(loop);
        assert_true(good || err.kind == ERR_MEMORY);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nobody_waits, begin, end),
        cmocka_unit_test_setup_teardown(test_a_life, begin, end),
        cmocka_unit_test_setup_teardown(test_signs_of_life, begin, end),
        cmocka_unit_test_setup_teardown(test_cannot_be_told, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
