/* How much of a day is used, and until when. */
#include "support/check.h"

#include "relay/today.h"

enum { HOUR = 60 * 60 * 1000, DAY_MS = 24 * HOUR };

static void test_today(void **state)
{
    static const uint64_t now = 100 * (uint64_t)DAY_MS;
    static const struct {
        const char *label;
        struct profile_limits limits;
        size_t messages, recipients; /* an hour ago */
        uint64_t blocked_until;
        struct relay_today today; /* until: 1 stands for some time within a day */
    } cases[] = {
        { "no limit", { 0 }, 5, 1, 0, { 5, 0, true, 0 } },
        { "some of it", { .messages_per_day = 10 }, 5, 1, 0, { 5, 10, false, 0 } },
        { "all of it", { .messages_per_day = 5 }, 5, 1, 0, { 5, 5, false, 1 } },
        { "more than now", { .messages_per_day = 3 }, 5, 1, 0, { 5, 3, false, 1 } },
        { "recipients", { .recipients_per_day = 10 }, 2, 4, 0, { 8, 10, true, 0 } },
        { "all recipients", { .recipients_per_day = 8 }, 2, 4, 0, { 8, 8, true, 1 } },
        { "messages are told, recipients are used up", { .messages_per_day = 10, .recipients_per_day = 8 }, 2, 4, 0,
          { 2, 10, false, 1 } },
        { "the hour passes", { .messages_per_hour = 5, .messages_per_day = 50 }, 5, 1, 0, { 5, 50, false, 0 } },
        { "the provider takes no more", { .messages_per_day = 50 }, 5, 1, now + 2 * HOUR, { 5, 50, false, 1 } },
        { "it did not until now", { .messages_per_day = 50 }, 5, 1, now, { 5, 50, false, 0 } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct account account = { .limits = cases[i].limits };
        const struct limit_allowed allowed = relay_allowed(&account);
        const struct relay_today *want = &cases[i].today;
        struct limit limit = { 0 };
        struct relay_today today;

        for (size_t k = 0; k < cases[i].messages; k++)
            limit_take(&limit, cases[i].recipients, now - HOUR / 2);
        if (cases[i].blocked_until)
            limit_block(&limit, cases[i].blocked_until);
        relay_today(&limit, &allowed, now, &today);
        if (!cases[i].limits.messages_per_day && !cases[i].limits.recipients_per_day)
            today.sent = want->sent; /* of no limit nobody asks */
        check_row(cases[i].label, today.sent == want->sent && today.limit == want->limit);
        check_row(cases[i].label, today.counts_recipients == want->counts_recipients);
        check_row(cases[i].label, want->until ? today.until > now && today.until <= now + DAY_MS : !today.until);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_today) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
