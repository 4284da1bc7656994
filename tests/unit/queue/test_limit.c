#include "support/check.h"

#include "base/own.h"
#include "queue/limit.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, QUARTER = 15 * MINUTE };
#define DAY (24ull * HOUR)

static const struct limit_allowed outlook = { .most = { [LIMIT_MINUTE] = 30, [LIMIT_RECIPIENTS] = 10000 } };
static const uint64_t begin = 20000 * DAY + 17 * SECOND + 300;

/* Sends as fast as it may, and notes when. */
static size_t send_all(struct limit *limit, const struct limit_allowed *allowed, size_t recipients, uint64_t now,
                       uint64_t *times, size_t count)
{
    for (size_t i = 0; i < count;) {
        struct limit_answer answer = limit_ask(limit, allowed, recipients, now);
        if (answer.yes) {
            limit_take(limit, recipients, now);
            times[i++] = now;
        } else {
            assert_true(answer.free_at > now);
            now = answer.free_at;
        }
    }
    return count;
}

static void test_no_minute_holds_more(void **state)
{
    struct limit limit = { 0 };
    uint64_t times[200];

    (void)state;
    send_all(&limit, &outlook, 1, begin, times, COUNT(times));
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(times[i], begin); /* at once as long as it may */
    for (size_t i = 30; i < COUNT(times); i++)
        assert_true(times[i] - times[i - 30] >= MINUTE);
    assert_true(times[199] < begin + 7 * (MINUTE + SECOND)); /* and not much slower than it might */
}

static void test_which_limit_and_when(void **state)
{
    static const struct {
        const char *label;
        uint64_t most[LIMIT_WINDOWS];
        size_t messages, recipients; /* taken at `begin` */
        size_t next;                 /* recipients of the one asked about */
        uint64_t after;
        bool yes;
        enum limit_kind by;
        uint64_t free_after; /* at most; and more than the window */
    } cases[] = {
        { "no limits", { 0 }, 1000, 100, 1000, 0, true, 0, 0 },
        { "the last one", { 30 }, 29, 1, 1, 0, true, 0, 0 },
        { "one more", { 30 }, 30, 1, 1, 0, false, LIMIT_MINUTE, MINUTE + SECOND },
        { "a minute later", { 30 }, 30, 1, 1, MINUTE + SECOND, true, 0, 0 },
        { "the hour", { 30, 30 }, 30, 1, 1, 2 * MINUTE, false, LIMIT_HOUR, HOUR + MINUTE },
        { "the day", { 0, 0, 30 }, 30, 1, 1, 2 * HOUR, false, LIMIT_DAY, DAY + QUARTER },
        { "the longest is told", { 30, 30, 30 }, 30, 1, 1, 0, false, LIMIT_DAY, DAY + QUARTER },
        { "recipients", { 0, 0, 0, 100 }, 9, 10, 10, 0, true, 0, 0 },
        { "recipients, too many", { 0, 0, 0, 100 }, 9, 10, 11, 0, false, LIMIT_RECIPIENTS, DAY + QUARTER },
        { "more than a day allows", { 0, 0, 0, 100 }, 0, 0, 101, 0, true, 0, 0 },
        { "more, but not today", { 0, 0, 0, 100 }, 1, 1, 101, 0, false, LIMIT_RECIPIENTS, DAY + QUARTER },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct limit limit = { 0 };
        struct limit_allowed allowed;
        memcpy(allowed.most, cases[i].most, sizeof allowed.most);
        for (size_t k = 0; k < cases[i].messages; k++)
            limit_take(&limit, cases[i].recipients, begin);
        struct limit_answer answer = limit_ask(&limit, &allowed, cases[i].next, begin + cases[i].after);
        check_row(cases[i].label, answer.yes == cases[i].yes);
        if (answer.yes)
            continue;
        check_row(cases[i].label, answer.by == cases[i].by);
        check_row(cases[i].label, answer.free_at <= begin + cases[i].free_after);
        check_row(cases[i].label, !limit_ask(&limit, &allowed, cases[i].next, answer.free_at - 1).yes);
        check_row(cases[i].label, limit_ask(&limit, &allowed, cases[i].next, answer.free_at).yes);
    }
}

static void test_blocked_by_the_provider(void **state)
{
    struct limit limit = { 0 };
    struct limit_answer answer;

    (void)state;
    limit_block(&limit, begin + HOUR);
    answer = limit_ask(&limit, &outlook, 1, begin);
    assert_false(answer.yes);
    assert_int_equal(answer.by, LIMIT_BLOCKED);
    assert_int_equal(answer.free_at, begin + HOUR);
    assert_true(limit_ask(&limit, &outlook, 1, begin + HOUR).yes);
    limit_block(&limit, begin + 2 * HOUR);
    limit_block(&limit, 0);
    assert_true(limit_ask(&limit, &outlook, 1, begin + HOUR).yes);
}

static void test_given_back(void **state)
{
    struct limit limit = { 0 };

    (void)state;
    for (int i = 0; i < 30; i++)
        limit_take(&limit, 2, begin + (i >= 20 ? 5 * SECOND : 0));
    for (int i = 0; i < 12; i++)
        limit_give_back(&limit, 2, begin, begin + 6 * SECOND);
    assert_int_equal(limit_used(&limit, LIMIT_MINUTE, begin + 6 * SECOND), 18);
    assert_int_equal(limit_used(&limit, LIMIT_RECIPIENTS, begin + 6 * SECOND), 36);
    assert_int_equal(limit_used(&limit, LIMIT_MINUTE, begin + 62 * SECOND), 10); /* the later ones are all there */
    limit_give_back(&limit, 2, begin, begin + 62 * SECOND); /* no minute has this one */
    assert_int_equal(limit_used(&limit, LIMIT_MINUTE, begin + 62 * SECOND), 10);
    limit_give_back(&limit, 1000, begin, begin + 62 * SECOND); /* more than there was */
    assert_int_equal(limit_used(&limit, LIMIT_RECIPIENTS, begin + 62 * SECOND), 0);
}

static void test_a_clock_that_jumps(void **state)
{
    (void)state;
    for (int years = -40; years <= 40; years += 80) {
        struct limit limit = { 0 };
        uint64_t there = begin + (uint64_t)((int64_t)years * 365 * (int64_t)DAY);
        for (int i = 0; i < 30; i++)
            limit_take(&limit, 1, begin);
        limit_block(&limit, begin + HOUR);
        if (years > 0) {
            assert_true(limit_ask(&limit, &outlook, 1, there).yes);
            continue;
        }
        /* Back: nothing is refilled by it, and nothing blocked for longer than it would have been. */
        struct limit_answer answer = limit_ask(&limit, &outlook, 1, there);
        assert_false(answer.yes);
        assert_int_equal(answer.free_at, there + HOUR);
        assert_int_equal(limit_used(&limit, LIMIT_MINUTE, there), 30);
        assert_int_equal(limit_used(&limit, LIMIT_MINUTE, there + MINUTE + SECOND), 0);
        assert_true(limit_ask(&limit, &outlook, 1, there + HOUR).yes);
    }
}

static void test_kept_over_a_restart(void **state)
{
    struct limit limit = { 0 }, read = { 0 };
    HELD(buf) text = BUF(4096);

    (void)state;
    limit_write(&limit, &text);
    limit_read(buf_span(&text), &read);
    assert_memory_equal(&limit, &read, sizeof limit);
    for (uint64_t i = 0; i < 5000; i++)
        limit_take(&limit, i % 7, begin + i * 40 * SECOND);
    limit_block(&limit, begin + 9 * DAY);
    buf_clear(&text);
    limit_write(&limit, &text);
    assert_true(text.len < 3000);
    limit_read(buf_span(&text), &read);
    assert_memory_equal(&limit, &read, sizeof limit);

    static const char *const bad[] = {
        "", "limit", "limit 2 0 0 | 0 | 0 | 0 | 0", "limit 1 0 0", "limit 1 0 0 | 0 | 0 | 0", "limit 1 0 0 | 0 | 0 | 0 | 0 ",
        "limit 1 0 0 | 0 | 0 | 0 | 0 x", "limit 1 0 0 | 0 99999999999 | 0 | 0 | 0", "limit 1 -1 0 | 0 | 0 | 0 | 0",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        memset(&read, 1, sizeof read);
        limit_read(span_of(bad[i]), &read);
        check_row(bad[i], memcmp(&read, &(struct limit){ 0 }, sizeof read) == 0);
    }
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(limit_word(LIMIT_MINUTE), "messages_per_minute");
    assert_string_equal(limit_word(LIMIT_BLOCKED), "blocked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_minute_holds_more),
        cmocka_unit_test(test_which_limit_and_when),
        cmocka_unit_test(test_blocked_by_the_provider),
        cmocka_unit_test(test_given_back),
        cmocka_unit_test(test_a_clock_that_jumps),
        cmocka_unit_test(test_kept_over_a_restart),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
