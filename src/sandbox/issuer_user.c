/* Users, and what their tokens are good for. */
#include "base/str.h"
#include "sandbox/issuer_int.h"
#include "sandbox/scope.h"

#include "base/banned.h"

/* ---- users ---- */

void issuer_name(const struct issuer *issuer, size_t user, struct buf *out)
{
    if (user == IDENTITY_NOBODY)
        return;
    if (scenario_is_on(issuer->scenarios, SCENARIO_OTHER_ADDRESS))
        buf_add(out, "signin.");
    buf_add(out, issuer->users[user].username);
}

/* Where user names are local parts, the local part is a name, too. */
static bool is_name(const struct issuer *issuer, struct span name, struct span known)
{
    if (span_equal_word(name, known))
        return true;
    return issuer->profile->username == USERNAME_LOCALPART &&
           span_equal_word(name, span_cut(known, 0, span_find(known, '@')));
}

size_t issuer_find_user(const struct issuer *issuer, struct span name)
{
    for (size_t i = 0; i < issuer->user_count; i++) {
        HELD(buf) other = BUF(ISSUER_NAME_MAX);
        issuer_name(issuer, i, &other);
        if (is_name(issuer, name, span_of(issuer->users[i].username)) ||
            is_name(issuer, name, buf_span(&other)))
            return i;
    }
    return IDENTITY_NOBODY;
}

/* ---- tokens ---- */

static bool is_fixed_token(const struct issuer *issuer, struct span token, size_t *ret_user)
{
    for (size_t i = 0; i < issuer->user_count; i++) {
        if (str_equal_secret(token, span_of(issuer->users[i].token))) {
            *ret_user = i;
            return true;
        }
    }
    return false;
}

enum token_verdict issuer_check_token(const struct issuer *issuer, struct span token, unsigned power,
                                      uint64_t now, size_t *ret_user)
{
    unsigned char hash[IDENTITY_HASH];

    *ret_user = IDENTITY_NOBODY;
    if (is_fixed_token(issuer, token, ret_user))
        return TOKEN_GOOD;
    if (!issuer->identity || !crypto_sha256(token, hash, NULL))
        return TOKEN_UNKNOWN;
    const struct identity_access *access = identity_access(issuer->identity, hash);
    if (!access)
        return TOKEN_UNKNOWN;
    *ret_user = access->user;
    if (now >= access->expires)
        return TOKEN_EXPIRED;
    if (access->expires - now < issuer->profile->oauth.least_token_life_ms)
        return TOKEN_ENDS_SOON;
    return scope_powers(issuer->profile, span_of(access->scope)) & power ? TOKEN_GOOD : TOKEN_POWERLESS;
}

/* ---- scopes ---- */

bool issuer_knows_scope(const struct issuer *issuer, struct span scope)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;
    const char *known[] = { oauth->scope, oauth->identity_scope, oauth->https_scope, oauth->imap_scope,
                            oauth->pop_scope, oauth->app_scope, oauth->https_app_scope };
    HELD(buf) all = BUF(8192);

    for (size_t i = 0; i < COUNT(known); i++)
        if (known[i])
            buf_addf(&all, "%s ", known[i]);
    return scope_is_within(scope, buf_span(&all));
}

static void add_lacking(const char *scope, struct buf *out)
{
    struct span rest = span_of(scope), word;

    while (span_split(&rest, ' ', &word))
        if (!scope_is_within(word, buf_span(out)))
            buf_addf(out, " %.*s", SPAN_ARG(word));
}

void issuer_add_consent(const struct issuer *issuer, struct span client, struct span scope, struct buf *out)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;
    const char *also[] = { oauth->scope, oauth->https_scope, oauth->imap_scope, oauth->pop_scope };
    bool apart = scenario_is_on(issuer->scenarios, SCENARIO_CONSENT_APART);
    const char *before;

    buf_add_span(out, scope);
    if (!oauth->one_resource || oauth->consent_together)
        return;
    for (size_t i = 0; !apart && i < COUNT(also); i++)
        add_lacking(also[i], out);
    for (size_t at = 0; (before = identity_agreed(issuer->identity, client, &at));)
        add_lacking(before, out);
}
