#include "account/health.h"

#include <stdio.h>

#include "base/banned.h"

static const char *const words[] = { "good", "ends", "ending", "lost", "unknown" };

const char *health_word(enum health health)
{
    return words[health];
}

static void say(struct health_report *report, const char *because)
{
    snprintf(report->because, sizeof report->because, "%s", because);
}

static void lost(struct health_report *report, const char *fact, const char *because)
{
    report->health = HEALTH_LOST;
    report->fact = fact;
    say(report, because);
}

/* What is known to end, the first of it. */
static void ends(struct health_report *report, uint64_t when, const char *because)
{
    if (!when || (report->until && report->until <= when))
        return;
    report->until = when;
    say(report, because);
}

/* Which refusal keeps this account from sending; NULL: none. Over HTTPS it may go on where SMTP was refused. */
static const struct grant_refusal *hindrance(const struct account *account, const struct grant *grant)
{
    const struct grant_token *smtp = &grant->tokens[CREDENTIAL_SMTP], *https = &grant->tokens[CREDENTIAL_HTTPS];
    bool only_https = account->transport == TRANSPORT_GRAPH || account->transport == TRANSPORT_GMAIL;
    bool one_for_all = !account->profile || !account->profile->oauth.one_resource;

    if (only_https && !one_for_all)
        return https->refusal.at ? &https->refusal : NULL;
    if (!smtp->refusal.at || (account->transport != TRANSPORT_SMTP && https->access))
        return NULL;
    return &smtp->refusal;
}

static void look_ahead(const struct account *account, const struct grant *grant, struct health_report *report)
{
    const struct profile_oauth *known = account->profile ? &account->profile->oauth : NULL;
    HELD(buf) unused = BUF(HEALTH_BECAUSE_MAX);
    uint64_t longest = 0;

    if (grant->application) {
        ends(report, grant->proof_expires, "the application's certificate ends");
        return;
    }
    ends(report, grant->proof_expires, "the application's certificate ends");
    ends(report, grant->refresh_expires, "the provider ends this sign-in then");
    if (known && known->refresh_lifetime_ms && grant->succeeded) {
        buf_addf(&unused, "a sign-in that is not used for %u days ends",
                 (unsigned)(known->refresh_lifetime_ms / (UINT64_C(24) * 60 * 60 * 1000)));
        ends(report, grant->succeeded + known->refresh_lifetime_ms, buf_text(&unused));
    }
    for (size_t i = 0; !grant->refresh && i < CREDENTIAL_PURPOSES; i++)
        if (grant->tokens[i].access && grant->tokens[i].expires > longest)
            longest = grant->tokens[i].expires;
    ends(report, longest, "the provider gave nothing to renew this sign-in with");
}

void health_forecast(const struct account *account, const struct grant *grant, uint64_t wall,
                     struct health_report *ret_report)
{
    struct health_report *report = ret_report;

    *report = (struct health_report){ .health = HEALTH_UNKNOWN };
    if (account->auth != ACCOUNT_AUTH_OAUTH)
        return;
    if (!grant) {
        lost(report, "oauth:no-sign-in", "nobody has signed in");
        return;
    }
    const struct grant_refusal *refusal = hindrance(account, grant);
    report->succeeded = grant->succeeded;
    report->refused = refusal ? refusal->at : 0;
    if (refusal) {
        lost(report, refusal->fact, "the provider has ended this sign-in");
        return;
    }
    look_ahead(account, grant, report);
    if (report->until && report->until <= wall) {
        lost(report, "oauth:no-sign-in", "this sign-in has run out");
        return;
    }
    report->health = !report->until                           ? HEALTH_GOOD
                     : report->until - wall <= HEALTH_WARN_MS ? HEALTH_ENDING
                                                              : HEALTH_ENDS;
}
