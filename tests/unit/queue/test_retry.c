#include "support/check.h"

#include "base/own.h"
#include "queue/retry.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };
#define DAY (24ull * HOUR)

static const struct retry_policy usual = RETRY_USUAL;

/* A random number in the middle: neither earlier nor later. */
static uint64_t middle(uint64_t wait)
{
    return wait / 4;
}

static void test_next(void **state)
{
    static const struct {
        const char *label;
        struct retry_case case_;
        uint64_t want; /* after now; 0: given up */
    } cases[] = {
        { "after the first", { .now = DAY, .created = DAY, .tries = 1 }, MINUTE },
        { "it doubles", { .now = DAY, .created = DAY, .tries = 2 }, 2 * MINUTE },
        { "and doubles", { .now = DAY, .created = DAY, .tries = 5 }, 16 * MINUTE },
        { "up to an hour", { .now = DAY, .created = DAY, .tries = 7 }, HOUR },
        { "however often", { .now = DAY, .created = DAY, .tries = UINT32_MAX }, HOUR },
        { "no try counted", { .now = DAY, .created = DAY, .tries = 0 }, MINUTE },
        { "the provider's word first", { .now = DAY, .created = DAY, .tries = 7, .hint_ms = 5 * MINUTE }, 5 * MINUTE },
        { "a day of it", { .now = DAY, .created = DAY, .tries = 1, .hint_ms = DAY }, DAY },
        { "the last at the end of its time", { .now = 6 * DAY - 5 * MINUTE, .created = DAY, .tries = 9 }, 5 * MINUTE },
        { "a hint beyond it", { .now = 6 * DAY - HOUR, .created = DAY, .tries = 9, .hint_ms = DAY }, HOUR },
        { "given up", { .now = 6 * DAY, .created = DAY, .tries = 9 }, 0 },
        { "long after", { .now = 60 * DAY, .created = DAY, .tries = 1 }, 0 },
        { "parked for a day", { .now = 6 * DAY, .created = DAY, .stood_ms = DAY, .tries = 9 }, HOUR },
        { "parked all the time", { .now = 60 * DAY, .created = DAY, .stood_ms = 59 * DAY, .tries = 9 }, HOUR },
        { "parked for longer than it is there", { .now = 2 * DAY, .created = DAY, .stood_ms = 9 * DAY, .tries = 1 }, MINUTE },
        { "created in the future", { .now = DAY, .created = 9 * DAY, .tries = 1 }, MINUTE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct retry_case case_ = cases[i].case_;
        case_.random = case_.hint_ms ? 0 : middle(cases[i].want);
        uint64_t next = retry_next(&usual, &case_);
        check_row(cases[i].label, next == (cases[i].want ? case_.now + cases[i].want : 0));
    }
}

static void test_by_chance(void **state)
{
    struct retry_case case_ = { .now = DAY, .created = DAY, .tries = 4 };
    uint64_t least = UINT64_MAX, most = 0;

    (void)state;
    for (case_.random = 0; case_.random < 1000 * 1000; case_.random += 997) {
        uint64_t wait = retry_next(&usual, &case_) - case_.now;
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    assert_in_range(least, 6 * MINUTE, 6 * MINUTE + 2000);
    assert_in_range(most, 10 * MINUTE - 2000, 10 * MINUTE);
    case_.hint_ms = 8 * MINUTE;
    for (case_.random = 0; case_.random < 1000 * 1000; case_.random += 997)
        assert_in_range(retry_next(&usual, &case_) - case_.now, 8 * MINUTE, 10 * MINUTE); /* never before it */
}

/* From the first try to the last: each later than the one before, and all within the time there is. */
static void test_a_whole_life(void **state)
{
    struct retry_case case_ = { .now = DAY, .created = DAY };
    unsigned tries = 0;

    (void)state;
    for (;;) {
        case_.tries = ++tries;
        case_.random = tries * 2654435761u;
        uint64_t next = retry_next(&usual, &case_);
        if (!next)
            break;
        assert_true(next > case_.now);
        case_.now = next;
    }
    assert_int_equal(case_.now, 6 * DAY);
    assert_in_range(tries, 100, 170);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_by_chance),
        cmocka_unit_test(test_a_whole_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
