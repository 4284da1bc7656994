/* What an account signed in with: the tokens, for whom they are good, and how it went. One sealed file an
 * account, state/grants/NAME, JSON inside.
 *
 * A grant is used only with the issuer, the application and the mail server it was got for (RFC 9700, 4.4):
 * grant_check(). It is changed under a lock that holds over processes (account/grant_lock.h), and written
 * durably before a new access token is used, for the refresh token before it may be worth nothing then:
 *
 *     lock -> read -> ask -> keep -> hand out -> unlock
 *              ^       |       |
 *              |       |       killed before: the old file stands, and its refresh token is tried again, which
 *              |       |       works where the provider lets it (a profile's old_stays_valid), else ends as
 *              |       |       "signed out" with the interruption named; after: the new file stands, whole
 *              |       killed before the answer: as if it had not been asked
 */
#ifndef OUTPOST_ACCOUNT_GRANT_H
#define OUTPOST_ACCOUNT_GRANT_H

#include "account/account.h"
#include "account/credential_purpose.h"
#include "account/oauth_way.h"
#include "account/secret_world.h"
#include "base/pool.h"
#include "base/secret.h"

enum { GRANT_USERS_MAX = 8, GRANT_USER_MAX = 320 };

/* A refusal that was told once and would be told again: why, and when. */
struct grant_refusal {
    uint64_t at;       /* by the wall clock, ms; 0: there was none */
    const char *fact;  /* "oauth:invalid-grant"; static */
    const char *said;  /* the server's words */
};

struct grant_token {
    struct secret *access;      /* NULL: none is kept */
    uint64_t obtained, expires; /* by the wall clock, ms */
    struct grant_refusal refusal; /* of a token for this purpose: a person must sign in */
};

struct grant {
    struct pool pool;        /* holds the texts */
    const char *issuer;      /* NULL: not known */
    const char *token_url;   /* where to refresh */
    const char *revoke_url;  /* NULL: the provider has none */
    const char *client_id, *host; /* the application; the mail server */
    bool basic;              /* how the application's secret is shown */
    bool application;        /* by client credentials: nothing to refresh with, and nobody to ask */
    struct secret *refresh;  /* NULL: none */
    uint64_t refresh_expires; /* by the wall clock, as the server said; 0: it did not */
    struct grant_token tokens[CREDENTIAL_PURPOSES];
    const char *user;        /* the name a mail server let in last; NULL: none yet */
    const char *users[GRANT_USERS_MAX]; /* by the id_token, as the profile orders its claims */
    size_t user_count;
    uint64_t signed_in;      /* when; ms */
    uint64_t succeeded;      /* when a token came last */
    struct grant_refusal later; /* the token endpoint said "not now" ... */
    uint64_t not_before;     /* ... and is not asked again before that; 0: it may be */
    uint64_t proof_expires;  /* when the application's certificate ends; 0: none, or not known */
};

void grant_free(struct grant *grant);
OWNED(grant);

/* A grant with nothing in it but where it is from. */
MUST_USE bool grant_new(const struct account *account, const struct oauth_way *way, struct grant **ret_grant,
                        struct err *err);

/* ERR_SIGNIN oauth:no-sign-in where there is none; ERR_CONFIG secret:unreadable. */
MUST_USE bool grant_read(const struct secret_world *world, const struct account *account,
                         struct grant **ret_grant, struct err *err);
/* Whole and durable when it returns, or the old one stands. On a full disk, room that was set aside is
 * given up for it: grant_reserve(). */
MUST_USE bool grant_keep(const struct secret_world *world, const struct account *account,
                         const struct grant *grant, struct err *err);
/* Sets room aside, so that what a server gives next can be kept though the disk fills up. disk:full where
 * there is none now: then nothing is asked of the server. */
MUST_USE bool grant_reserve(const struct secret_world *world, const struct account *account, struct err *err);
MUST_USE bool grant_forget(const struct secret_world *world, const struct account *account, struct err *err);

/* May it be used for this account as it is now? ERR_SIGNIN oauth:other-sign-in: it was got for another issuer,
 * application or server. The servers of one provider are one. */
MUST_USE bool grant_check(const struct grant *grant, const struct account *account,
                          const struct oauth_way *way, struct err *err);

/* Puts a text into the grant; NULL: no memory. */
MUST_USE const char *grant_text(struct grant *grant, struct span text);

/* As JSON, and back. Pure: for the file, for tests, for a fuzzer. */
MUST_USE bool grant_write(const struct grant *grant, struct secret **ret_json, struct err *err);
MUST_USE bool grant_parse(struct span json, struct grant **ret_grant, struct err *err);

/* Is there a token for this that is good for `least_ms` more? By a clock that may jump: one that says it is
 * before the token was made proves nothing, and the token counts as spent. */
bool grant_has(const struct grant *grant, enum credential_purpose purpose, uint64_t wall, uint64_t least_ms);

#endif
