#include "support/check.h"

#include "relay/notify_health.h"

static void test_told(void **state)
{
    static const struct {
        const char *label;
        struct health_report report;
        const char *event, *about, *subject, *text; /* event NULL: nothing to tell; text: a part */
    } rows[] = {
        { "all is well", { .health = HEALTH_GOOD }, NULL, NULL, NULL, NULL },
        { "a password: nobody knows", { .health = HEALTH_UNKNOWN }, NULL, NULL, NULL, NULL },
        { "far off", { .health = HEALTH_ENDS, .until = 1777593600000 }, NULL, NULL, NULL, NULL },
        { "it ends", { .health = HEALTH_ENDING, .until = 1777593600000, .because = "the client secret expires" },
          "signin-ends", "2026-05-01", "outpost: the sign-in of live ends on 2026-05-01",
          "works until 2026-05-01: the client secret expires.\n" },
        { "later on the same day", { .health = HEALTH_ENDING, .until = 1777593600000 + 3600000 }, "signin-ends",
          "2026-05-01", "outpost: the sign-in of live ends on 2026-05-01", "works until 2026-05-01.\n" },
        { "it is lost", { .health = HEALTH_LOST, .fact = "oauth:invalid-grant", .because = "withdrawn" },
          "signin-lost", "oauth:invalid-grant", "outpost: live cannot send: a person must sign in",
          "lost its sign-in: withdrawn.\n" },
        { "it never was", { .health = HEALTH_LOST }, "signin-lost", "", "outpost: live cannot send: a person must sign in",
          "outpost account login live\n" },
    };

    (void)state;
    OWN(account) live = NULL;
    struct err err;
    assert_true(account_new(SPAN("live"), &live, &err));
    assert_true(account_set(live, "address", SPAN("me@live.com"), &err));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct notify_health h;
        bool told = notify_health(live, &rows[i].report, &h);
        check_row(rows[i].label, told == (rows[i].event != NULL));
        if (!told)
            continue;
        check_bytes(rows[i].label, span_of(h.notice.event), span_of(rows[i].event));
        check_bytes(rows[i].label, span_of(h.notice.account), SPAN("live"));
        check_bytes(rows[i].label, span_of(h.notice.about), span_of(rows[i].about));
        check_bytes(rows[i].label, span_of(h.notice.subject), span_of(rows[i].subject));
        check_row(rows[i].label, strstr(h.notice.text, rows[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
