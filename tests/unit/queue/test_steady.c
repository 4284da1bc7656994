#include "support/check.h"

#include "base/own.h"
#include "queue/steady.h"

enum { HOUR = 3600 * 1000 };
static const uint64_t march = 1772366400000; /* 2026-03-01 */

static void test_over_a_restart(void **state)
{
    static const struct {
        const char *label;
        uint64_t wall, saved;
        int64_t saved_ahead;
        uint64_t want;
    } cases[] = {
        { "the first life goes by the wall", 1772366400000, 0, 0, 1772366400000 },
        { "an hour off", 1772366400000 + HOUR, 1772366400000, 0, 1772366400000 + HOUR },
        { "the wall was set back", 1772366400000 - HOUR, 1772366400000, 0, 1772366400000 },
        { "no clock at boot: 1970", 5000, 1772366400000, 0, 1772366400000 },
        { "it was an hour ahead of us, and is", 1772366400000 + 2ll * HOUR, 1772366400000, HOUR, 1772366400000 + HOUR },
        { "it was far behind, and is", 60000, 1772366400000, 50000 - 1772366400000, 1772366400000 + 10000 },
        { "it was 1970, and now is not", 1772366400000 + 2ll * HOUR, 1772366400000, 50000 - 1772366400000, 1772366400000 },
        { "it began in 1970; the wall was set right since", 1772366400000 + HOUR, 90000,
          1772366400000 - 90000, 90000 + HOUR },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct steady steady = steady_begin(777, cases[i].wall, cases[i].saved, cases[i].saved_ahead);
        check_row(cases[i].label, steady_now(&steady, 777) == cases[i].want);
        check_row(cases[i].label, steady_now(&steady, 1777) == cases[i].want + 1000);
    }
}

static void test_ahead(void **state)
{
    (void)state;
    struct steady steady = steady_begin(1000, march, 0, 0);

    assert_int_equal(steady_ahead(&steady, 2000, march + 1000), 0);
    assert_int_equal(steady_ahead(&steady, 2000, march + 1000 + HOUR), HOUR);
    assert_int_equal(steady_ahead(&steady, 2000, march + 1000 - HOUR), -HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over_a_restart),
        cmocka_unit_test(test_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
