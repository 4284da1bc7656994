/* Where an account signs in by OAuth, as which application, and for what: from its own settings, from its
 * provider's profile and, where it names an issuer, from what that issuer publishes. Pure.
 *
 *     HELD(oauth_way) way = { { NULL } };
 *     if (!oauth_way_of(account, &way, err))
 *         return false;
 *     if (way.metadata[0])
 *         ... fetch it, else the next; oauth_way_learn(&way, body, err) ...
 *
 * All text lives as long as the way, the account and its profile.
 */
#ifndef OUTPOST_ACCOUNT_OAUTH_WAY_H
#define OUTPOST_ACCOUNT_OAUTH_WAY_H

#include "account/account.h"
#include "account/credential_purpose.h"
#include "base/crypto.h"
#include "base/pool.h"

enum { OAUTH_METADATA_ADDRESSES = 2, OAUTH_METADATA_MAX = 64 * 1024 };

/* "smtp", "https", "imap", "pop": in files, on the command line, in JSON. */
const char *credential_purpose_word(enum credential_purpose purpose);
MUST_USE bool credential_purpose_from_word(struct span word, enum credential_purpose *ret_purpose);

/* What is asked for where no profile knows better, besides who it is: to be remembered. */
#define OAUTH_SCOPE_ELSEWHERE "offline_access"

struct oauth_way {
    struct pool pool;
    const char *issuer;        /* as its answers name it; NULL: not known */
    bool issuer_varies;        /* the host holds, but the tenant in it may be told in another form */
    bool issuer_due;           /* a redirect without `iss` is none of its (RFC 9207, 2.4) */
    const char *authorize, *token, *device, *revoke; /* https; NULL: it has none */
    const char *metadata[OAUTH_METADATA_ADDRESSES]; /* where to ask first, in turn; NULL: all is known */
    const char *client_id;
    const char *identity_scope; /* or NULL */
    const char *scopes[CREDENTIAL_PURPOSES], *app_scopes[CREDENTIAL_PURPOSES];
    const char *redirect;      /* with {port} */
    struct words extra;        /* NAME=VALUE */
    struct words claims;       /* of the id_token: user names to try */
    struct words busy_codes;
    const char *declined;      /* "access_denied" */
    unsigned grants;           /* of oauth_grant: what it can be asked for, as far as is known */
    enum crypto_signature assertion; /* for an RSA key */
    bool pkce, basic;          /* basic: the client's secret goes in the Authorization header */
    bool one_resource, consent_together;
    bool strict;               /* a refresh token may be good for one use only */
    uint64_t device_interval_ms, device_expires_ms, refresh_lifetime_ms, least_token_life_ms;
};

/* ERR_CONFIG: oauth:client-id-missing; config:bad where nothing tells where to sign in, or the issuer's
 * address is none. */
MUST_USE bool oauth_way_of(const struct account *account, struct oauth_way *ret_way, struct err *err);
void oauth_way_done(struct oauth_way *way);


/* What the issuer publishes (RFC 8414; OpenID Connect Discovery). Its `issuer` must be the one that was
 * asked, all endpoints https. ERR_CONFIG oauth:no-metadata: it is none; oauth:other-issuer. */
MUST_USE bool oauth_way_learn(struct oauth_way *way, struct span metadata, struct err *err);

/* An application that signs in by itself needs a tenant of its own: ERR_CONFIG oauth:tenant where the
 * way's is one of those that stand for many. */
MUST_USE bool oauth_way_check_application(const struct oauth_way *way, struct err *err);

/* Is this the name by which the way's issuer calls itself in an answer? Where none is known, the host of
 * the authorization or the token endpoint must be its. */
bool oauth_way_is_issuer(const struct oauth_way *way, struct span issuer);

/* The same address, but for the slash at the end that people forget or add? */
bool oauth_same_address(const char *a, const char *b);

/* Whose place in a grant a purpose's token takes: where one token serves all, there is one. */
enum credential_purpose oauth_way_slot(const struct oauth_way *way, bool application,
                                       enum credential_purpose purpose);

#endif
