/* One door for whoever needs a password or a token, whatever the account's `auth`; and the names to sign in
 * by with it. Where it comes from is account/secret.h's to know.
 *
 *     credential_fetch(&world, account, CREDENTIAL_SMTP, NULL, deadline, came, me, &fetch, err)
 *         came(me, secret, NULL)    it is the callee's to free
 *         came(me, NULL, &why)      it can't be had
 *     ... the server refuses it:
 *     credential_fetch(&world, account, CREDENTIAL_SMTP, secret, ...)
 */
#ifndef OUTPOST_ACCOUNT_CREDENTIAL_H
#define OUTPOST_ACCOUNT_CREDENTIAL_H

#include "account/credential_purpose.h"
#include "account/secret.h"
#include "net/dial.h"
#include "os/clock.h"

struct credential_world { /* borrowed, with all it points at, until a fetch is over */
    struct secret_world secrets;
    const struct clock *clock;
    struct resolver *resolver;
    struct dial_detours detours;
    const char *ca_file, *proxy; /* of HTTPS requests; NULL: as usual */
};

struct credential_fetch;

typedef void credential_fetched(void *who, struct secret *secret, const struct err *err);

/* `refused` is a token that the server has just refused, or NULL: then one other than that is wanted; the
 * same may come all the same, where there is no other. `done` is called once, perhaps before this returns.
 * On false it was not, and will not be. *ret_fetch is NULL where it was called already; else good until it
 * is. `deadline` is the loop's. */
MUST_USE bool credential_fetch(const struct credential_world *world, const struct account *account,
                               enum credential_purpose purpose, const struct secret *refused,
                               uint64_t deadline, credential_fetched *done, void *who,
                               struct credential_fetch **ret_fetch, struct err *err);
void credential_fetch_cancel(struct credential_fetch *fetch); /* `done` is not called; NULL is nothing */

enum { CREDENTIAL_USERS_MAX = 8, CREDENTIAL_USER_MAX = 320 };

struct credential_users {
    char at[CREDENTIAL_USERS_MAX][CREDENTIAL_USER_MAX + 1];
    size_t count;
};

/* The user names to try, the best first; one at least. A password has one only. */
MUST_USE bool credential_users(const struct credential_world *world, const struct account *account,
                               struct credential_users *ret_users, struct err *err);
/* This one was let in: it is the first from now on, also after a restart. */
MUST_USE bool credential_user_won(const struct credential_world *world, const struct account *account,
                                  const char *user, struct err *err);

#endif
