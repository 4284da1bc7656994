#include "account/oauth_way.h"

#include "net/url.h"

#include "base/banned.h"

/* Where no profile knows better. */
#define IDENTITY_SCOPE_ELSEWHERE "openid email profile"
#define REDIRECT_ELSEWHERE       "http://127.0.0.1:{port}/"

static const char *const purpose_words[CREDENTIAL_PURPOSES] = { "smtp", "https", "imap", "pop" };

const char *credential_purpose_word(enum credential_purpose purpose)
{
    return purpose_words[purpose];
}

bool credential_purpose_from_word(struct span word, enum credential_purpose *ret_purpose)
{
    for (size_t i = 0; i < COUNT(purpose_words); i++)
        if (span_is(word, purpose_words[i])) {
            *ret_purpose = (enum credential_purpose)i;
            return true;
        }
    return false;
}

void oauth_way_done(struct oauth_way *way)
{
    pool_done(&way->pool);
}

static bool bad(struct err *err, const char *account, const char *why)
{
    return err_found(err, ERR_CONFIG, "config:bad", "account %s: %s", account, why);
}

bool oauth_same_address(const char *a, const char *b)
{
    struct span one = span_of(a), other = span_of(b);

    if (one.len && one.at[one.len - 1] == '/')
        one.len--;
    if (other.len && other.at[other.len - 1] == '/')
        other.len--;
    return span_equal(one, other);
}

/* -- endpoints -- */

/* With the tenant in it; NULL stays NULL. */
static bool fill(struct oauth_way *way, const struct account *account, const char *text,
                 const char **ret_text, struct err *err)
{
    const char *tenant = account->tenant ? account->tenant : account->profile->oauth.tenant;
    HELD(buf) filled = BUF(URL_MAX);

    if (!text)
        return true;
    if (!profile_fill(&filled, text, tenant))
        return bad(err, account->name, "tenant: letters, digits, '.' and '-' are wanted");
    *ret_text = pool_text(&way->pool, buf_span(&filled));
    return *ret_text || err_no_memory(err);
}

static bool take_endpoints(struct oauth_way *way, const struct account *account, struct err *err)
{
    const struct profile_oauth *known = &account->profile->oauth;

    way->issuer = known->issuer;
    way->issuer_varies = known->issuer_varies;
    if (!fill(way, account, known->authorize, &way->authorize, err) ||
        !fill(way, account, known->token, &way->token, err) ||
        !fill(way, account, known->device, &way->device, err) ||
        !fill(way, account, known->revoke, &way->revoke, err))
        return false;
    if (way->token)
        return true;
    return known->metadata ? fill(way, account, known->metadata, &way->metadata[0], err)
                           : bad(err, account->name,
                                 "nothing tells where to sign in by OAuth (issuer = https://...)");
}

/* RFC 8414, 3: the well-known part goes between host and path; OpenID Connect Discovery, 4: behind it. */
static bool add_metadata(struct oauth_way *way, const struct account *account, struct err *err)
{
    struct span issuer = span_of(account->issuer);
    HELD(buf) behind = BUF(URL_MAX), between = BUF(URL_MAX);
    struct url url;

    if (!url_parse(issuer, &url, err) || span_find(url.target, '?') < url.target.len)
        return bad(err, account->name, "issuer: an address that begins with https:// is wanted, without a query");
    if (issuer.at[issuer.len - 1] == '/')
        issuer.len--;
    size_t path = sizeof "https://" - 1;
    path += span_find(span_from(issuer, path), '/');
    buf_add_span(&behind, issuer);
    buf_add(&behind, "/.well-known/openid-configuration");
    buf_add_span(&between, span_cut(issuer, 0, path));
    buf_add(&between, "/.well-known/oauth-authorization-server");
    buf_add_span(&between, span_from(issuer, path));
    way->issuer = account->issuer;
    way->metadata[0] = pool_text(&way->pool, buf_span(&behind));
    way->metadata[1] = pool_text(&way->pool, buf_span(&between));
    return (way->metadata[0] && way->metadata[1] && !behind.full && !between.full) || err_no_memory(err);
}

/* -- the rest -- */

static const char *first_of(const char *a, const char *b)
{
    return a ? a : b;
}

/* Where the account names its own, it is what sends, as a person or as an application. */
static void take_scopes(struct oauth_way *way, const struct account *account, const struct profile_oauth *known)
{
    const char *smtp = first_of(account->scope, known->scope);
    const char *application = first_of(account->scope, known->app_scope);
    const char *scopes[] = { smtp, known->https_scope, known->imap_scope, known->pop_scope };
    const char *app_scopes[] = { application, known->https_app_scope, NULL, NULL };

    for (size_t i = 0; i < CREDENTIAL_PURPOSES; i++) {
        way->scopes[i] = first_of(first_of(scopes[i], smtp), OAUTH_SCOPE_ELSEWHERE);
        way->app_scopes[i] = first_of(app_scopes[i], application);
    }
    way->identity_scope = known->scope ? known->identity_scope : IDENTITY_SCOPE_ELSEWHERE;
}

static void take_manners(struct oauth_way *way, const struct profile_oauth *known)
{
    static const char *const usual[] = { "email", "preferred_username", "upn" };

    way->redirect = first_of(known->redirect, REDIRECT_ELSEWHERE);
    way->extra = known->extra;
    way->claims = known->username_claims.count ? known->username_claims : (struct words){ usual, COUNT(usual) };
    way->busy_codes = known->busy_codes;
    way->declined = first_of(known->device_declined, "access_denied");
    way->grants = known->grants;
    way->assertion = known->assertion && span_is(span_of(known->assertion), "PS256") ? CRYPTO_PS256 : CRYPTO_RS256;
    way->pkce = known->pkce || !known->token;
    way->one_resource = known->one_resource;
    way->consent_together = known->consent_together;
    way->strict = !known->token || (known->rotates && !known->old_stays_valid);
    way->device_interval_ms = known->device_interval_ms;
    way->device_expires_ms = known->device_expires_ms;
    way->refresh_lifetime_ms = known->refresh_lifetime_ms;
    way->least_token_life_ms = known->least_token_life_ms;
}

bool oauth_way_of(const struct account *account, struct oauth_way *ret_way, struct err *err)
{
    static const struct profile_oauth nothing = { .grants = GRANT_CODE | GRANT_DEVICE | GRANT_CLIENT };
    const struct profile *profile = account->profile;
    const struct profile_oauth *known = profile && (profile->oauth.token || profile->oauth.metadata)
                                            ? &profile->oauth
                                            : &nothing;
    bool own_issuer = account->issuer && !(known->issuer && oauth_same_address(known->issuer, account->issuer));
    struct oauth_way way = { .client_id = first_of(account->client_id, known->client_id) };

    if (!way.client_id)
        return err_found(err, ERR_CONFIG, "oauth:client-id-missing",
                         "account %s: signing in by OAuth needs a client id, and there is none", account->name);
    if (!own_issuer && known == &nothing)
        return bad(err, account->name, "nothing tells where to sign in by OAuth (issuer = https://...)");
    take_scopes(&way, account, known);
    take_manners(&way, known);
    if (own_issuer ? !add_metadata(&way, account, err) : !take_endpoints(&way, account, err)) {
        oauth_way_done(&way);
        return false;
    }
    way.issuer_varies = known->issuer_varies;
    *ret_way = way;
    return true;
}

bool oauth_way_check_application(const struct oauth_way *way, struct err *err)
{
    static const char *const many[] = { "/consumers/", "/organizations/", "/common/" };

    for (size_t i = 0; way->issuer_varies && way->token && i < COUNT(many); i++)
        if (span_find_text(span_of(way->token), many[i]) < strlen(way->token))
            return err_found(err, ERR_CONFIG, "oauth:tenant",
                             "an application signs in to one organisation: name it (tenant = DOMAIN)");
    return true;
}

static bool same_host(struct span issuer, const char *endpoint)
{
    struct url one, other;

    return endpoint && url_parse(issuer, &one, NULL) && url_parse(span_of(endpoint), &other, NULL) &&
           strcmp(one.host, other.host) == 0 && one.port == other.port;
}

bool oauth_way_is_issuer(const struct oauth_way *way, struct span issuer)
{
    if (way->issuer && span_is(issuer, way->issuer))
        return true;
    if (way->issuer && !way->issuer_varies)
        return false;
    return same_host(issuer, way->issuer) || same_host(issuer, way->authorize) || same_host(issuer, way->token);
}

enum credential_purpose oauth_way_slot(const struct oauth_way *way, bool application,
                                       enum credential_purpose purpose)
{
    if (!application)
        return way->one_resource ? purpose : CREDENTIAL_SMTP;
    for (unsigned i = 0; i < CREDENTIAL_PURPOSES; i++)
        if (way->app_scopes[i] == way->app_scopes[purpose])
            return (enum credential_purpose)i;
    return purpose;
}
