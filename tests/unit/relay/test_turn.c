#include "support/check.h"

#include "relay/turn.h"

enum { LARGE = 7, OTHER_LARGE = 8, SMALL = 100 };

static void test_so_many_pass(void **state)
{
    struct turn turn = { 0 };

    (void)state;
    assert_int_equal(turn_need(&turn), 1);
    turn_taken(&turn, SMALL); /* nobody waits: nobody is passed */
    turn_refused(&turn, LARGE, 40);
    for (unsigned i = 0; i < TURN_PASSES; i++) {
        assert_false(turn_is_up(&turn) || turn_is_anothers(&turn, SMALL));
        assert_int_equal(turn_need(&turn), 1);
        turn_taken(&turn, SMALL + i);
    }
    assert_true(turn_is_up(&turn) && turn_is_anothers(&turn, SMALL));
    assert_false(turn_is_anothers(&turn, LARGE));
    assert_int_equal(turn_need(&turn), 40);
    turn_taken(&turn, LARGE);
    assert_false(turn_is_up(&turn) || turn_is_anothers(&turn, SMALL));
}

/* One after another: the second waits for the first's turn, and then for its own. */
static void test_two_wait(void **state)
{
    struct turn turn = { 0 };

    (void)state;
    turn_refused(&turn, LARGE, 40);
    turn_refused(&turn, OTHER_LARGE, 60);
    for (unsigned i = 0; i < TURN_PASSES; i++)
        turn_taken(&turn, SMALL);
    turn_refused(&turn, LARGE, 30); /* some of it was removed meanwhile */
    assert_true(turn_is_anothers(&turn, OTHER_LARGE));
    assert_int_equal(turn_need(&turn), 30);
    turn_taken(&turn, LARGE);
    turn_refused(&turn, OTHER_LARGE, 60);
    assert_int_equal(turn_need(&turn), 1);
    for (unsigned i = 0; i < TURN_PASSES; i++)
        turn_taken(&turn, SMALL);
    assert_int_equal(turn_need(&turn), 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_so_many_pass), cmocka_unit_test(test_two_wait) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
