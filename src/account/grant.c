#include "account/grant.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

void grant_free(struct grant *grant)
{
    if (!grant)
        return;
    secret_free(grant->refresh);
    for (size_t i = 0; i < CREDENTIAL_PURPOSES; i++)
        secret_free(grant->tokens[i].access);
    pool_done(&grant->pool);
    mem_free(grant);
}

const char *grant_text(struct grant *grant, struct span text)
{
    return pool_text(&grant->pool, text);
}

static bool copy(struct grant *grant, const char *text, const char **ret_text)
{
    *ret_text = text ? grant_text(grant, span_of(text)) : NULL;
    return *ret_text || !text;
}

bool grant_new(const struct account *account, const struct oauth_way *way, struct grant **ret_grant,
               struct err *err)
{
    OWN(grant) grant = NEW(grant);

    if (!grant || !copy(grant, way->issuer, &grant->issuer) || !copy(grant, way->token, &grant->token_url) ||
        !copy(grant, way->revoke, &grant->revoke_url) || !copy(grant, way->client_id, &grant->client_id) ||
        !copy(grant, account->server.name, &grant->host))
        return err_no_memory(err);
    grant->basic = way->basic;
    *ret_grant = GIVE(grant);
    return true;
}

/* ---- what comes and goes ---- */

static void replace(struct secret **old, struct secret **new)
{
    if (!*new)
        return;
    secret_free(*old);
    *old = GIVE(*new);
}

void grant_take(struct grant *grant, enum credential_purpose purpose, struct oauth_tokens *tokens, uint64_t wall)
{
    struct grant_token *token = &grant->tokens[purpose];
    uint64_t life = tokens->life_ms ? tokens->life_ms : GRANT_LIFE_UNSAID_MS;

    replace(&token->access, &tokens->access);
    replace(&grant->refresh, &tokens->refresh);
    if (tokens->refresh_life_ms)
        grant->refresh_expires = wall + tokens->refresh_life_ms;
    token->scope = tokens->scope ? grant_text(grant, span_of(tokens->scope)) : token->scope;
    token->obtained = wall;
    token->expires = wall + life;
    token->refusal = (struct grant_refusal){ 0 };
    grant->later = (struct grant_refusal){ 0 };
    grant->not_before = 0;
    grant->succeeded = wall;
}

bool grant_refused(struct grant *grant, enum credential_purpose purpose, const struct err *why, uint64_t wall,
                   struct err *err)
{
    struct grant_token *token = &grant->tokens[purpose];
    const char *said = grant_text(grant, span_of(why->said));

    if (!said)
        return err_no_memory(err);
    token->refusal = (struct grant_refusal){ wall, why->fact, said };
    secret_free(token->access);
    token->access = NULL;
    return true;
}

bool grant_has(const struct grant *grant, enum credential_purpose purpose, uint64_t wall, uint64_t least_ms)
{
    const struct grant_token *token = &grant->tokens[purpose];

    return token->access && wall >= token->obtained && token->expires > wall &&
           token->expires - wall >= least_ms;
}

/* ---- whose is it? ---- */

static bool same_or_unknown(const char *kept, const char *now)
{
    return !kept || !now || oauth_same_address(kept, now);
}

/* Is that a name of the provider's own server? */
static bool is_providers(const struct profile *profile, const char *host)
{
    if (!profile)
        return false;
    for (size_t i = 0; i < profile->server_count; i++)
        if (span_is_word(span_of(host), profile->servers[i].host))
            return true;
    return profile_is_legacy_host(profile, span_of(host));
}

static bool same_server(const struct grant *grant, const struct account *account)
{
    const char *kept = grant->host ? grant->host : "";

    return span_is_word(span_of(kept), account->server.name) ||
           (is_providers(account->profile, kept) && is_providers(account->profile, account->server.name));
}

bool grant_check(const struct grant *grant, const struct account *account, const struct oauth_way *way,
                 struct err *err)
{
    const char *other = strcmp(grant->client_id, way->client_id) != 0       ? "application"
                        : !same_or_unknown(grant->issuer, way->issuer)       ? "issuer"
                        : !same_or_unknown(grant->token_url, way->token)     ? "sign-in server"
                        : !same_server(grant, account)                       ? "mail server"
                                                                             : NULL;

    return !other || err_found(err, ERR_SIGNIN, "oauth:other-sign-in",
                               "account %s: the sign-in that is kept is for another %s than the one configured now",
                               account->name, other);
}
