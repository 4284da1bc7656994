#include "support/check.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

#include "os/clock.h"
#include "os/private.h"
#include "os/random.h"
#include "support/world.h"

static void test_clocks_of_the_system(void **state)
{
    (void)state;
    uint64_t before = clock_now(&clock_system);
    assert_true(clock_now(&clock_system) >= before);
    assert_true(clock_wall(&clock_system) > 1735689600000); /* 2025 */
}

static void test_zone(void **state)
{
    static const struct {
        const char *label, *zone;
        uint64_t wall;
        int minutes;
    } rows[] = {
        { "UTC", "UTC0", 1772366400000, 0 },
        { "east", "XST-5:30", 1772366400000, 330 },
        { "west", "XST8", 1772366400000, -480 },
        { "winter", "CET-1CEST,M3.5.0,M10.5.0/3", 1772366400000, 60 },
        { "summer", "CET-1CEST,M3.5.0,M10.5.0/3", 1782993600000, 120 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        setenv("TZ", rows[i].zone, 1);
        tzset();
        check_row(rows[i].label, clock_zone_minutes(rows[i].wall) == rows[i].minutes);
    }
    unsetenv("TZ");
    tzset();
}

static void test_random(void **state)
{
    (void)state;
    unsigned char a[32] = { 0 }, b[32] = { 0 };
    struct err err = { 0 };
    struct world world;

    assert_true(random_fill(&dice_system, a, sizeof a, &err));
    assert_true(random_fill(&dice_system, b, sizeof b, &err));
    assert_memory_not_equal(a, b, sizeof a);

    world_begin(&world, 1);
    assert_false(random_fill(&world.dice, a, sizeof a, &err));
    assert_true(world_end(&world));
    assert_int_equal(err.kind, ERR_INTERNAL);
}

static rlim_t core_limit(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    return limit.rlim_cur;
}

static void test_private_process(void **state)
{
    (void)state;
    struct private_before before;
    struct rlimit one = { 1, 1 };

    setrlimit(RLIMIT_CORE, &one);
    umask(022);
    private_process(&before);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
        assert_int_equal(core_limit(), 0);
        assert_int_equal(umask(077), 077);

        private_lend(&before);
        assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
        assert_int_equal(core_limit(), 1);
        assert_int_equal(umask(022), 022);
        private_again();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clocks_of_the_system),
        cmocka_unit_test(test_zone),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_private_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
