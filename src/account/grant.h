/* What an account signed in with: the tokens, for whom they are good, and how it went. One sealed file an
 * account, state/grants/NAME, JSON inside.
 *
 * A grant is used only with the issuer, the application and the mail server it was got for (RFC 9700, 4.4):
 * grant_check(). It is changed under a lock that holds over processes (os/lock.h), and written durably
 * before a new access token is used:
 *
 *     lock -> read -> reserve -> mark -> ask -> keep -> unmark, unlock -> hand out
 *
 * Killed before `ask` has been answered, it is as if nobody had asked. Killed between the answer and the end
 * of `keep`, the old file stands, and its refresh token is tried again: that works where the provider lets
 * it (a profile's old_stays_valid); elsewhere it ends as "signed out", and the mark, which still stands, tells
 * that a renewal was cut off. Killed after it, the new file stands, whole.
 */
#ifndef OUTPOST_ACCOUNT_GRANT_H
#define OUTPOST_ACCOUNT_GRANT_H

#include "account/account.h"
#include "account/credential_purpose.h"
#include "account/oauth_answer.h"
#include "account/oauth_way.h"
#include "account/secret_world.h"
#include "base/pool.h"
#include "base/secret.h"

enum { GRANT_USERS_MAX = 8, GRANT_USER_MAX = 320, GRANT_LIFE_UNSAID_MS = 5 * 60 * 1000 };

/* A refusal that was told once and would be told again: why, and when. */
struct grant_refusal {
    uint64_t at;       /* by the wall clock, ms; 0: there was none */
    const char *fact;  /* "oauth:invalid-grant"; static, may be NULL */
    const char *said;  /* the server's words; NULL: none */
};

struct grant_token {
    struct secret *access;      /* NULL: none is kept */
    uint64_t obtained, expires; /* by the wall clock, ms */
    const char *scope;            /* what the server said that it grants; NULL: it did not */
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
    const char *named;       /* the address that an id_token beside a renewed token told; NULL: none. Never tried: whoever gave
                                `secret` a refresh token said as whom */
    uint64_t signed_in;      /* when; ms */
    uint64_t succeeded;      /* when a token came last */
    struct grant_refusal later; /* the token endpoint said "not now" ... */
    uint64_t not_before;     /* ... and is not asked again before that; 0: it may be */
    uint64_t proof_expires;  /* when the application's certificate ends; 0: none, or not known */
    const char *seed;        /* the digest of the refresh token it began with, where a command or systemd
                                hands one out (`secret`); NULL: it was got by a sign-in */
};

void grant_free(struct grant *grant);
OWNED(grant);

/* A grant with nothing in it but where it is from. */
MUST_USE bool grant_new(const struct account *account, const struct oauth_way *way, struct grant **ret_grant,
                        struct err *err);
/* Puts a text into the grant; NULL: no memory. */
MUST_USE const char *grant_text(struct grant *grant, struct span text);

/* Takes what a server gave for this purpose: the tokens are left without what was taken. Whatever was
 * refused before is forgotten. */
void grant_take(struct grant *grant, enum credential_purpose purpose, struct oauth_tokens *tokens,
                uint64_t wall);
/* Notes that nothing more is to be had for this purpose. */
MUST_USE bool grant_refused(struct grant *grant, enum credential_purpose purpose, const struct err *why,
                            uint64_t wall, struct err *err);

/* Is there a token for this that is good for `least_ms` more? By a clock that may jump: one that says it is
 * before the token was made proves nothing, and the token counts as spent. */
bool grant_has(const struct grant *grant, enum credential_purpose purpose, uint64_t wall, uint64_t least_ms);

/* May it be used for this account as it is now? ERR_SIGNIN oauth:other-sign-in: it was got for another issuer,
 * application or server. The servers of one provider are one. */
MUST_USE bool grant_check(const struct grant *grant, const struct account *account,
                          const struct oauth_way *way, struct err *err);

/* As JSON, and back. Where all of it is more than a sealed file holds, access tokens are left out: they can
 * be had again. ERR_CONFIG secret:unreadable for what is none of ours. */
MUST_USE bool grant_write(const struct grant *grant, struct secret **ret_json, struct err *err);
MUST_USE bool grant_parse(struct span json, struct grant **ret_grant, struct err *err);

/* ---- the file (account/grant_file.c) ---- */

/* ERR_SIGNIN oauth:no-sign-in where there is none; ERR_CONFIG secret:unreadable; ERR_LATER secret:locked. */
MUST_USE bool grant_read(const struct secret_world *world, const struct account *account,
                         struct grant **ret_grant, struct err *err);
/* Whole and durable when it returns, or the old one stands. On a full disk the room that was set aside is
 * given up for it. */
MUST_USE bool grant_keep(const struct secret_world *world, const struct account *account,
                         const struct grant *grant, struct err *err);
/* Sets room aside (state/grants/.NAME.room), so that what a server gives next can be kept though the disk
 * fills up. disk:full where there is none now: then nothing is asked of the server. */
MUST_USE bool grant_reserve(const struct secret_world *world, const struct account *account, struct err *err);
/* Nothing there is no failure. */
MUST_USE bool grant_forget(const struct secret_world *world, const struct account *account, struct err *err);
/* Where it is kept, for people. */
void grant_describe(const struct secret_world *world, const struct account *account, struct buf *out);
/* state/grants/.NAME.lock, for mem_free(): see os/lock.h. NULL: no memory. */
MUST_USE char *grant_lock_path(const struct secret_world *world, const struct account *account);

#endif
