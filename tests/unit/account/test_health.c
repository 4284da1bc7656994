#include "support/check.h"

#include "account/health.h"
#include "oauth_case.h"

#define DAY  (UINT64_C(24) * 60 * 60 * 1000)
#define WALL UINT64_C(1700000000000)

struct facts {
    bool no_grant, application, no_refresh, smtp_refused, https_refused, has_https;
    uint64_t succeeded, refresh_expires, proof_expires; /* days from now, negative as such; 0: not */
};

static const struct {
    const char *label;
    const char *keys[6];
    struct facts facts;
    enum health health;
    int64_t until; /* days from now; 0: none */
    const char *because;
} rows[] = {
    { "a password", { "address=me@mailbox.org", "server=smtp.mailbox.org" }, { .no_grant = true }, HEALTH_UNKNOWN, 0, "" },
    { "nobody signed in", { "address=me@live.com", "client_id=a" }, { .no_grant = true }, HEALTH_LOST, 0, "nobody" },
    { "used today", { "address=me@live.com", "client_id=a" }, { 0 }, HEALTH_ENDS, 90, "not used for 90 days" },
    { "in testing at Google", { "address=me@gmail.com", "client_id=a", "auth=oauth" }, { .refresh_expires = 6 },
      HEALTH_ENDING, 6, "the provider ends" },
    { "for long at Google", { "address=me@gmail.com", "client_id=a", "auth=oauth" }, { 0 }, HEALTH_ENDS, 180, "180 days" },
    { "a certificate, first of all", { "address=me@live.com", "client_id=a" }, { .proof_expires = 30 }, HEALTH_ENDS, 30,
      "certificate" },
    { "an application", { "address=me@x.com", "provider=microsoft365", "client_id=a", "tenant=x.com", "auth=oauth" },
      { .application = true, .no_refresh = true }, HEALTH_GOOD, 0, "" },
    { "an application's certificate", { "address=me@x.com", "provider=microsoft365", "client_id=a", "auth=oauth" },
      { .application = true, .no_refresh = true, .proof_expires = 3 }, HEALTH_ENDING, 3, "certificate" },
    { "nothing to renew it with", { "address=me@yandex.com", "client_id=a", "auth=oauth" }, { .no_refresh = true },
      HEALTH_ENDING, 1, "nothing to renew" },
    { "no end is known", { "address=me@yandex.com", "client_id=a", "auth=oauth" }, { 0 }, HEALTH_GOOD, 0, "" },
    { "refused", { "address=me@live.com", "client_id=a" }, { .smtp_refused = true }, HEALTH_LOST, 0, "has ended" },
    { "refused, but there is another way out", { "address=me@live.com", "client_id=a" },
      { .smtp_refused = true, .has_https = true }, HEALTH_ENDS, 90, "" },
    { "refused, and no other way is wanted", { "address=me@live.com", "client_id=a", "transport=smtp" },
      { .smtp_refused = true, .has_https = true }, HEALTH_LOST, 0, "" },
    { "the other way is not wanted", { "address=me@live.com", "client_id=a" }, { .https_refused = true }, HEALTH_ENDS, 90, "" },
    { "the only way is refused", { "address=me@live.com", "client_id=a", "transport=graph" }, { .https_refused = true },
      HEALTH_LOST, 0, "" },
    { "it has run out", { "address=me@live.com", "client_id=a" }, { .succeeded = 91 }, HEALTH_LOST, -1, "run out" },
    { "it soon will", { "address=me@live.com", "client_id=a" }, { .succeeded = 85 }, HEALTH_ENDING, 5, "90 days" },
};

static struct grant *grant_of(const struct account *account, const struct facts *facts)
{
    HELD(oauth_way) way = way_of(account);
    HELD(oauth_tokens) tokens = { .access = secret_new(SPAN("A")), .life_ms = DAY };
    struct grant *grant = NULL;
    struct err why;

    assert_true(grant_new(account, &way, &grant, NULL));
    if (!facts->no_refresh)
        tokens.refresh = secret_new(SPAN("R"));
    grant_take(grant, CREDENTIAL_SMTP, &tokens, WALL);
    err_found(&why, ERR_SIGNIN, "oauth:invalid-grant", "x");
    if (facts->smtp_refused)
        assert_true(grant_refused(grant, CREDENTIAL_SMTP, &why, WALL - DAY, NULL));
    if (facts->https_refused)
        assert_true(grant_refused(grant, CREDENTIAL_HTTPS, &why, WALL - DAY, NULL));
    if (facts->has_https)
        grant->tokens[CREDENTIAL_HTTPS].access = secret_new(SPAN("B"));
    grant->succeeded = WALL - facts->succeeded * DAY;
    grant->refresh_expires = facts->refresh_expires ? WALL + facts->refresh_expires * DAY : 0;
    grant->proof_expires = facts->proof_expires ? WALL + facts->proof_expires * DAY : 0;
    grant->application = facts->application;
    return grant;
}

static void test_forecasts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        OWN(account) account = account_of(rows[i].keys);
        OWN(grant) grant = rows[i].facts.no_grant ? NULL : grant_of(account, &rows[i].facts);
        struct health_report report;
        health_forecast(account, grant, WALL, &report);
        if (report.health != rows[i].health)
            fail_msg("case \"%s\": %s because %s", rows[i].label, health_word(report.health), report.because);
        check_row(rows[i].label, report.until == (rows[i].until ? WALL + (uint64_t)(rows[i].until * (int64_t)DAY) : 0));
        check_row(rows[i].label, strstr(report.because, rows[i].because) != NULL);
        check_row(rows[i].label, (report.health == HEALTH_LOST) == (report.fact != NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forecasts),
    };
    return cmocka_run_group_tests(tests, make_known, free_known);
}
