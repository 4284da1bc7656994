#include "support/check.h"

#include "base/own.h"
#include "gateway/crowd.h"

/* So many come and go, twice: how often is it told? */
static void test_told_when_it_has_gone(void **state)
{
    static const struct {
        const char *label;
        size_t stay, come;
        unsigned told;
    } rows[] = {
        { "nobody", 0, 0, 0 },
        { "a few", 0, CROWD_LEAST - 1, 0 },
        { "a crowd", 0, CROWD_LEAST, 2 },
        { "a large one, in three steps", 0, 10000, 6 },
        { "a crowd, among many that stay", 1000, CROWD_LEAST, 0 },
        { "a large one, among some that stay", 1000, 10000, 2 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct crowd crowd = { 0 };
        unsigned told = 0;
        for (size_t n = 0; n < rows[i].stay; n++)
            crowd_came(&crowd);
        for (int again = 0; again < 2; again++) {
            for (size_t n = 0; n < rows[i].come; n++)
                crowd_came(&crowd);
            for (size_t n = 0; n < rows[i].come; n++)
                told += crowd_left(&crowd);
        }
        check_row(rows[i].label, told == rows[i].told && crowd.here == rows[i].stay);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_told_when_it_has_gone) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
