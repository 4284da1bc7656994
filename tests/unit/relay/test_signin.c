#include "support/check.h"

#include "base/own.h"
#include "relay/signin.h"

#define NO_MORE SIGNIN_OVER
#define FRESH   SIGNIN_FRESH_TOKEN
#define USER    SIGNIN_NEXT_USER

/* Refused again and again for the same cause: what is tried. */
static void test_runs(void **state)
{
    static const struct {
        const char *label, *cause;
        enum stage stage;
        uint16_t reply;
        unsigned tries; /* on each connection */
        size_t users;
        enum signin_step want[5];
    } cases[] = {
        { "one text for a token and for a name", "oauth_wrong_user", STAGE_AUTH, 535, 1, 8,
          { FRESH, USER, USER, NO_MORE } },
        { "few names", "oauth_wrong_user", STAGE_AUTH, 535, 1, 2, { FRESH, USER, NO_MORE } },
        { "one name", "oauth_refresh_token_expired", STAGE_AUTH, 535, 1, 1, { FRESH, NO_MORE } },
        { "nobody knows why", NULL, STAGE_AUTH, 535, 1, 2, { FRESH, USER, NO_MORE } },
        { "two mechanisms a connection", "auth_bad_credentials", STAGE_AUTH, 535, 2, 8,
          { FRESH, NO_MORE } },
        { "a token about to expire", "oauth_refresh_token_expired", STAGE_AUTH, 501, 1, 1,
          { FRESH, NO_MORE } },
        { "switched off", "auth_smtp_disabled_mailbox", STAGE_AUTH, 535, 1, 8, { NO_MORE } },
        { "against a policy", "auth_blocked_by_policy", STAGE_AUTH, 535, 1, 8, { NO_MORE } },
        { "not now", "server_busy_temporary", STAGE_AUTH, 454, 1, 8, { NO_MORE } },
        { "not now, in words nobody knows", NULL, STAGE_AUTH, 454, 1, 8, { NO_MORE } },
        { "the line broke", NULL, STAGE_AUTH, 0, 1, 8, { NO_MORE } },
        { "before signing in", NULL, STAGE_EHLO, 550, 0, 8, { NO_MORE } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct signin_run run = { 0 };
        struct evidence evidence = { .stage = cases[i].stage };
        evidence.err.reply = cases[i].reply;
        for (size_t k = 0;; k++) {
            check_row(cases[i].label, k < COUNT(cases[i].want));
            enum signin_step step = signin_run_refused(&run, &evidence, cases[i].cause, cases[i].tries,
                                                       cases[i].users);
            check_row(cases[i].label, step == cases[i].want[k]);
            if (step == NO_MORE)
                break;
        }
        check_row(cases[i].label, run.tries <= SIGNIN_TRIES_MAX && run.user < cases[i].users);
    }
}

static void test_nothing_fresh(void **state)
{
    struct signin_run run = { 0 };
    struct evidence evidence = { .stage = STAGE_AUTH };

    (void)state;
    evidence.err.reply = 535;
    assert_int_equal(signin_run_refused(&run, &evidence, NULL, 1, 2), FRESH);
    assert_int_equal(signin_run_stale(&run, 2), USER);
    assert_int_equal(run.user, 1);
    assert_int_equal(signin_run_stale(&run, 2), NO_MORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_nothing_fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
