/* A new access token for an account that has signed in: from its grant where one is good there, else asked of
 * the provider; one at a time for an account, over all processes. The heart of account/credential.h.
 *
 *     the grant has one that is good (and is not the refused one)?  ->  that
 *     it says that there is none to be had, or not yet?             ->  why, without asking again
 *     lock; read the grant again: another process may have been faster
 *     ask, keep, hand out
 *
 * A token endpoint that does not answer, is busy or broken is "not now" (ERR_LATER), whatever it says: the
 * grant stays as it is, and the time it names is kept to, by other processes too. invalid_grant and its like
 * are noted in the grant, so that nobody asks again before a person has signed in.
 */
#ifndef OUTPOST_ACCOUNT_OAUTH_RENEW_H
#define OUTPOST_ACCOUNT_OAUTH_RENEW_H

#include "account/credential.h"

struct oauth_renew;

enum {
    OAUTH_AHEAD_MS = 2 * 60 * 1000,  /* what a token must live longer than the profile's least */
    OAUTH_BACKOFF_MS = 60 * 1000,    /* the server names no time: not asked again before */
    OAUTH_LOCK_TRY_MS = 20,          /* another renews: looked at again after */
};

/* As credential_fetch(). */
MUST_USE bool oauth_renew_start(const struct credential_world *world, const struct account *account,
                                enum credential_purpose purpose, const struct secret *refused,
                                uint64_t deadline, credential_fetched *done, void *who,
                                struct oauth_renew **ret_renew, struct err *err);
void oauth_renew_cancel(struct oauth_renew *renew);

#endif
