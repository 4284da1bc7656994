#include "support/check.h"

#include "relay/attempt.h"

#include "mail/envelope.h"

enum { NOW = 1000000000, DAY = 86400000 };

static const struct cause causes[] = {
    { .id = "parks", .scope = SCOPE_ACCOUNT, .retry = RETRY_AFTER_FIX },
    { .id = "quota", .scope = SCOPE_ACCOUNT, .retry = RETRY_LATER },
    { .id = "line", .scope = SCOPE_CONNECTION, .retry = RETRY_LATER },
    { .id = "certificate", .scope = SCOPE_CONNECTION, .retry = RETRY_AFTER_FIX },
    { .id = "nobody", .scope = SCOPE_RECIPIENT, .retry = RETRY_NEVER },
    { .id = "grey", .scope = SCOPE_RECIPIENT, .retry = RETRY_LATER },
    { .id = "more", .scope = SCOPE_RECIPIENT, .retry = RETRY_NOW },
    { .id = "big", .scope = SCOPE_MESSAGE, .retry = RETRY_NEVER },
    { .id = "owner", .scope = SCOPE_SENDER, .retry = RETRY_AFTER_FIX },
};

static const struct {
    const char *label;
    enum smtp_fate fate;
    const char *cause; /* NULL: no rule knows it */
    bool guess;
    enum stage stage;
    bool line_up;
    uint64_t age_ms, wait_ms;
    unsigned notify;
    bool silent, wishes_passed, late, late_tells;
    unsigned told;
    /* what is wanted */
    enum store_state state;
    uint64_t least, most; /* next - NOW; both 0: not looked at */
    unsigned reports;
    enum attempt_lane lane;
} cases[] = {
    { .label = "taken", .fate = SMTP_FATE_TAKEN, .stage = STAGE_END, .state = STORE_DELIVERED },
    { .label = "nobody there", .fate = SMTP_FATE_REFUSED, .cause = "nobody", .stage = STAGE_RCPT, .line_up = true,
      .state = STORE_FAILED, .reports = REPORT_FAILURE },
    { .label = "nobody there, and nobody wants to know", .fate = SMTP_FATE_REFUSED, .cause = "nobody",
      .notify = NOTIFY_NEVER, .state = STORE_FAILED },
    { .label = "only success is told", .fate = SMTP_FATE_REFUSED, .cause = "nobody", .notify = NOTIFY_SUCCESS,
      .state = STORE_FAILED },
    { .label = "the last word", .fate = SMTP_FATE_TAKEN, .stage = STAGE_END, .notify = NOTIFY_SUCCESS | NOTIFY_FAILURE,
      .state = STORE_DELIVERED, .reports = REPORT_RELAYED },
    { .label = "the server has the last word", .fate = SMTP_FATE_TAKEN, .stage = STAGE_END, .notify = NOTIFY_SUCCESS,
      .wishes_passed = true, .state = STORE_DELIVERED },
    { .label = "an answering machine needs no last word", .fate = SMTP_FATE_TAKEN, .notify = NOTIFY_SUCCESS,
      .silent = true, .state = STORE_DELIVERED },
    { .label = "a report that fails", .fate = SMTP_FATE_REFUSED, .cause = "nobody", .notify = NOTIFY_NEVER, .silent = true,
      .state = STORE_FAILED, .reports = REPORT_FAILURE },
    { .label = "four hours old", .fate = SMTP_FATE_LATER, .cause = "grey", .age_ms = DAY / 6, .notify = NOTIFY_DELAY,
      .state = STORE_DEFERRED, .reports = REPORT_DELAY },
    { .label = "not yet", .fate = SMTP_FATE_LATER, .cause = "grey", .age_ms = DAY / 6 - 1, .notify = NOTIFY_DELAY,
      .state = STORE_DEFERRED },
    { .label = "nobody asked", .fate = SMTP_FATE_LATER, .cause = "grey", .age_ms = DAY, .notify = NOTIFY_FAILURE,
      .state = STORE_DEFERRED },
    { .label = "told already", .fate = SMTP_FATE_LATER, .cause = "grey", .age_ms = DAY, .notify = NOTIFY_DELAY,
      .told = REPORT_DELAY, .state = STORE_DEFERRED },
    { .label = "an old one, and the quota is used up", .fate = SMTP_FATE_REFUSED, .cause = "quota", .age_ms = DAY,
      .notify = NOTIFY_DELAY, .state = STORE_DEFERRED, .reports = REPORT_DELAY, .lane = LANE_BLOCKED },
    { .label = "too late to try again", .fate = SMTP_FATE_LATER, .cause = "grey", .late = true, .state = STORE_FAILED,
      .reports = REPORT_FAILURE },
    { .label = "late, and told of", .fate = SMTP_FATE_LATER, .cause = "grey", .late = true, .late_tells = true,
      .state = STORE_DEFERRED, .reports = REPORT_DELAY },
    { .label = "late, and nobody wants to know", .fate = SMTP_FATE_LATER, .cause = "grey", .late = true,
      .late_tells = true, .notify = NOTIFY_NEVER, .state = STORE_DEFERRED },
    { .label = "greylisted", .fate = SMTP_FATE_LATER, .cause = "grey", .stage = STAGE_RCPT, .line_up = true,
      .wait_ms = 300000, .state = STORE_DEFERRED, .least = 300000, .most = 375000 },
    { .label = "greylisted for five days", .fate = SMTP_FATE_LATER, .cause = "grey", .age_ms = 5ull * DAY,
      .state = STORE_FAILED, .reports = REPORT_FAILURE },
    { .label = "too many at once", .fate = SMTP_FATE_LATER, .cause = "more", .state = STORE_DEFERRED,
      .least = 1000, .most = 1250 },
    { .label = "a refusal that passes", .fate = SMTP_FATE_REFUSED, .cause = "quota", .wait_ms = DAY, .line_up = true,
      .stage = STAGE_MAIL, .state = STORE_DEFERRED, .least = DAY, .most = DAY, .lane = LANE_BLOCKED },
    { .label = "a quota never bounces", .fate = SMTP_FATE_REFUSED, .cause = "quota", .age_ms = 9ull * DAY,
      .state = STORE_DEFERRED, .lane = LANE_BLOCKED },
    { .label = "a lost sign-in parks", .fate = SMTP_FATE_REFUSED, .cause = "parks", .age_ms = 9ull * DAY,
      .state = STORE_QUEUED, .lane = LANE_PARKED },
    { .label = "a bad certificate parks", .fate = SMTP_FATE_LATER, .cause = "certificate", .stage = STAGE_TLS,
      .state = STORE_QUEUED, .lane = LANE_PARKED },
    { .label = "a broken line", .fate = SMTP_FATE_LATER, .cause = "line", .stage = STAGE_CONNECT,
      .state = STORE_DEFERRED, .least = 11250, .most = 15000, .lane = LANE_WAITS },
    { .label = "a line broken for five days", .fate = SMTP_FATE_LATER, .cause = "line", .stage = STAGE_CONNECT,
      .age_ms = 5ull * DAY, .state = STORE_FAILED, .reports = REPORT_FAILURE, .lane = LANE_WAITS },
    { .label = "a server that stumbles over one message", .fate = SMTP_FATE_LATER, .cause = "line",
      .stage = STAGE_END, .line_up = true, .state = STORE_DEFERRED, .least = 45000, .most = 75000 },
    { .label = "too big", .fate = SMTP_FATE_REFUSED, .cause = "big", .state = STORE_FAILED,
      .reports = REPORT_FAILURE },
    { .label = "not one's own sender", .fate = SMTP_FATE_REFUSED, .cause = "owner", .state = STORE_FAILED,
      .reports = REPORT_FAILURE },
    { .label = "a 4xx that a guess calls final", .fate = SMTP_FATE_LATER, .cause = "nobody", .guess = true,
      .state = STORE_DEFERRED },
    { .label = "a 4xx in the words of a final one", .fate = SMTP_FATE_LATER, .cause = "nobody", .stage = STAGE_RCPT,
      .line_up = true, .state = STORE_DEFERRED },
    { .label = "the same, for five days", .fate = SMTP_FATE_LATER, .cause = "nobody", .stage = STAGE_RCPT,
      .line_up = true, .age_ms = 5ull * DAY, .state = STORE_FAILED, .reports = REPORT_FAILURE },
    { .label = "what can't be put together here", .fate = SMTP_FATE_LATER, .cause = "big", .stage = STAGE_LOCAL,
      .state = STORE_FAILED, .reports = REPORT_FAILURE },
    { .label = "a 5xx that a guess calls passing", .fate = SMTP_FATE_REFUSED, .cause = "grey", .guess = true,
      .state = STORE_FAILED, .reports = REPORT_FAILURE },
    { .label = "a guess at a sign-in that was refused for good", .fate = SMTP_FATE_REFUSED, .cause = "parks", .guess = true,
      .stage = STAGE_AUTH, .state = STORE_QUEUED, .lane = LANE_PARKED },
    { .label = "a guess that it is a pause", .fate = SMTP_FATE_REFUSED, .cause = "quota", .guess = true, .stage = STAGE_AUTH,
      .state = STORE_DEFERRED, .lane = LANE_BLOCKED },
    { .label = "a guess at a sign-in that is refused for now", .fate = SMTP_FATE_LATER, .cause = "parks", .guess = true,
      .stage = STAGE_AUTH, .state = STORE_DEFERRED, .lane = LANE_BLOCKED },
    { .label = "an unknown word to a recipient", .fate = SMTP_FATE_REFUSED, .stage = STAGE_RCPT, .line_up = true,
      .state = STORE_FAILED, .reports = REPORT_FAILURE },
    { .label = "an unknown word at the greeting", .fate = SMTP_FATE_LATER, .stage = STAGE_GREETING,
      .state = STORE_DEFERRED, .lane = LANE_WAITS },
    { .label = "an unknown outcome", .fate = SMTP_FATE_UNKNOWN, .stage = STAGE_END, .state = STORE_UNKNOWN,
      .least = 45000, .most = 75000, .lane = LANE_WAITS },
    { .label = "an unknown outcome at the end of its time: it may have arrived", .fate = SMTP_FATE_UNKNOWN,
      .stage = STAGE_END, .age_ms = 5ull * DAY, .state = STORE_UNKNOWN, .reports = REPORT_FAILURE, .lane = LANE_WAITS },
};

static const struct cause *cause_of(const char *id)
{
    for (size_t i = 0; i < COUNT(causes); i++)
        if (strcmp(causes[i].id, id) == 0)
            return &causes[i];
    fail_msg("no cause %s", id);
    return NULL;
}

static void test_meanings(void **state)
{
    static const struct attempt_policy policy = ATTEMPT_USUAL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct verdict verdict = { .guess = cases[i].guess, .wait_ms = cases[i].wait_ms };
        if (cases[i].cause) {
            verdict.cause = cause_of(cases[i].cause);
            verdict.scope = verdict.cause->scope;
            verdict.retry = verdict.cause->retry;
        }
        for (uint64_t random = 0; random < 100000; random += 9973) {
            const struct attempt attempt = {
                .fate = cases[i].fate, .verdict = cases[i].cause ? &verdict : NULL, .stage = cases[i].stage,
                .line_up = cases[i].line_up, .now = NOW, .created = NOW - cases[i].age_ms, .tries = 1,
                .line_breaks = 1, .random = random, .notify = cases[i].notify,
                .silent = cases[i].silent, .wishes_passed = cases[i].wishes_passed, .told = cases[i].told,
                .deadline = cases[i].late ? NOW : 0, .deadline_tells = cases[i].late_tells,
            };
            const struct meaning got = attempt_mean(&policy, &attempt);
            check_row(cases[i].label, got.state == cases[i].state);
            check_row(cases[i].label, got.reports == cases[i].reports);
            check_row(cases[i].label, got.lane == cases[i].lane);
            check_row(cases[i].label, !cases[i].most || (got.next >= NOW + cases[i].least &&
                                                         got.next <= NOW + cases[i].most));
            check_row(cases[i].label, got.state != STORE_DEFERRED || got.next > NOW);
            check_row(cases[i].label, got.lane == LANE_GOES_ON || got.lane == LANE_PARKED || got.until > NOW);
        }
    }
}

/* Nobody tried; and its time is over, or somebody is to hear of it. */
static void test_waiting(void **state)
{
    static const struct attempt_policy policy = ATTEMPT_USUAL;
    static const struct {
        const char *label;
        uint64_t age_ms, stood_ms;
        unsigned notify, told;
        bool silent, deadline, tells, unsure;
        enum store_state state;
        unsigned reports;
    } rows[] = {
        { .label = "young", .age_ms = DAY, .state = STORE_QUEUED },
        { .label = "old", .age_ms = 5ull * DAY, .state = STORE_FAILED, .reports = REPORT_FAILURE },
        { .label = "old, and nobody is to hear of it", .age_ms = 5ull * DAY, .notify = NOTIFY_NEVER, .state = STORE_FAILED },
        { .label = "old, and may have arrived", .age_ms = 5ull * DAY, .unsure = true, .state = STORE_UNKNOWN,
          .reports = REPORT_FAILURE },
        { .label = "old, may have arrived, and a person lets it go on", .age_ms = 5ull * DAY, .unsure = true,
          .told = REPORT_FAILURE, .state = STORE_QUEUED },
        { .label = "old, for its account was parked", .age_ms = 5ull * DAY, .stood_ms = 1, .state = STORE_QUEUED },
        { .label = "its deadline", .deadline = true, .state = STORE_FAILED, .reports = REPORT_FAILURE },
        { .label = "its deadline, while its account is parked", .age_ms = DAY, .stood_ms = DAY, .deadline = true,
          .state = STORE_FAILED, .reports = REPORT_FAILURE },
        { .label = "its deadline, and it goes on", .deadline = true, .tells = true, .state = STORE_QUEUED,
          .reports = REPORT_DELAY },
        { .label = "its deadline, which was told of", .deadline = true, .tells = true, .told = REPORT_DELAY,
          .state = STORE_QUEUED },
        { .label = "its deadline, in silence", .deadline = true, .tells = true, .silent = true, .state = STORE_QUEUED },
        { .label = "a delay that is wished for", .age_ms = DAY, .notify = NOTIFY_DELAY, .state = STORE_QUEUED,
          .reports = REPORT_DELAY },
        { .label = "a delay, not yet", .age_ms = DAY, .stood_ms = DAY, .notify = NOTIFY_DELAY, .state = STORE_QUEUED },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct attempt attempt = {
            .now = NOW, .created = NOW - rows[i].age_ms, .stood_ms = rows[i].stood_ms, .notify = rows[i].notify,
            .silent = rows[i].silent, .told = rows[i].told, .deadline = rows[i].deadline ? NOW : 0,
            .deadline_tells = rows[i].tells,
        };
        const struct meaning got = attempt_late(&policy, &attempt, rows[i].unsure);
        check_row(rows[i].label, got.state == rows[i].state && got.reports == rows[i].reports);
    }
}

static void test_unknown_held(void **state)
{
    struct attempt_policy policy = ATTEMPT_USUAL;
    const struct attempt attempt = { .fate = SMTP_FATE_UNKNOWN, .now = NOW, .created = NOW, .tries = 1 };

    (void)state;
    policy.unknown_held = true;
    const struct meaning got = attempt_mean(&policy, &attempt);
    assert_int_equal(got.state, STORE_UNKNOWN);
    assert_true(got.next == STORE_NEVER);
    assert_int_equal(got.reports, REPORT_FAILURE); /* who is to decide must hear of it */
}

static void test_lines_wait_longer_and_longer(void **state)
{
    static const struct attempt_policy policy = ATTEMPT_USUAL;
    uint64_t last = 0;

    (void)state;
    for (uint32_t breaks = 1; breaks < 40; breaks++) {
        const struct attempt attempt = { .fate = SMTP_FATE_LATER, .stage = STAGE_CONNECT, .now = NOW, .created = NOW,
                                         .tries = 1, .line_breaks = breaks };
        uint64_t wait = attempt_mean(&policy, &attempt).until - NOW;
        assert_true(wait >= last && wait <= policy.line_most_ms);
        last = wait;
    }
    assert_true(last > policy.line_most_ms / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meanings),
        cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_unknown_held),
        cmocka_unit_test(test_lines_wait_longer_and_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
