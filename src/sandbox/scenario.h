/* What may go wrong at a provider, by name: switched on at the start (--scenario) or while it runs
 * (POST /sandbox/scenario). Pure. The room's own, and the command line's for its help.
 */
#ifndef OUTPOST_SANDBOX_SCENARIO_H
#define OUTPOST_SANDBOX_SCENARIO_H

#include "base/own.h"
#include "base/span.h"

#define SCENARIO_LIST(X)                                                                              \
    X(AGREEABLE,            "agreeable",            "the first user agrees to every device code at once") \
    X(SMTP_AUTH_OFF,        "smtp-auth-off",        "SMTP signs nobody in: off for the mailbox")      \
    X(SMTP_AUTH_OFF_TENANT, "smtp-auth-off-tenant", "the same, off for the organization")             \
    X(OTHER_ADDRESS,        "other-address",        "the account is signin.NAME, and SMTP's user must be it") \
    X(CONSENT_APART,        "consent-apart",        "a person agrees to one server at a time: SMTP, or the HTTPS API") \
    X(CONSENT_REVOKED,      "consent-revoked",      "refresh tokens are refused")                     \
    X(UNKNOWN_CLIENT,       "unknown-client",       "the application's id is not known")              \
    X(CLIENT_NEEDS_SECRET,  "client-needs-secret",  "the token endpoint wants a client secret")       \
    X(BLOCKED_BY_POLICY,    "blocked-by-policy",    "a policy of the organization hands out no token") \
    X(TOKEN_BUSY,           "token-busy",           "the token endpoint says 503 and Retry-After")    \
    X(TOKEN_PAGE,           "token-page",           "the token endpoint answers with a page, as portals do") \
    X(THROTTLED,            "throttled",            "the HTTPS API says 429 and Retry-After")         \
    X(DAILY_LIMIT,          "daily-limit",          "the HTTPS API says the day's messages are used up") \
    X(ACCOUNT_SUSPENDED,    "account-suspended",    "the HTTPS API says the account is suspended")    \
    X(NO_MAILBOX,           "no-mailbox",           "the HTTPS API finds no mailbox")

enum scenario {
#define X(id, name, does) SCENARIO_##id,
    SCENARIO_LIST(X)
#undef X
    SCENARIOS,
};

const char *scenario_name(enum scenario scenario);

/* Which one has this name; false: none has. */
MUST_USE bool scenario_find(struct span name, enum scenario *ret_scenario);

static inline bool scenario_is_on(unsigned set, enum scenario scenario)
{
    return set & 1u << scenario;
}

#endif
