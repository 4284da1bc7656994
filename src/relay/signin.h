/* A run of attempts to sign in with tokens: what to try after a refusal. Pure: it is told the verdict.
 *
 * One text of a server's may mean an old token, or the token of another name: so a fresh token is tried
 * once, then the account's further user names, each on a connection of its own. Not where the refusal
 * says that nothing of it would help, and never more than SIGNIN_TRIES_MAX in a run: an account that is
 * tried too often is locked.
 */
#ifndef OUTPOST_RELAY_SIGNIN_H
#define OUTPOST_RELAY_SIGNIN_H

#include <stdbool.h>
#include <stddef.h>

#include "know/evidence.h"

enum { SIGNIN_TRIES_MAX = 4 };

struct signin_run { /* begins zeroed */
    unsigned tries;   /* AUTH exchanges so far */
    bool fresh_asked; /* a fresh token was asked for, and had or not */
    size_t user;      /* its place among the users, tried last */
};

enum signin_step { SIGNIN_OVER, SIGNIN_FRESH_TOKEN, SIGNIN_NEXT_USER };

/* `cause` is the verdict's id; NULL: none is known. `tries` were made on the connection that failed. The run
 * goes on to what is answered. */
enum signin_step signin_run_refused(struct signin_run *run, const struct evidence *evidence,
                                    const char *cause, unsigned tries, size_t users);
/* There was no other token than the refused one. */
enum signin_step signin_run_stale(struct signin_run *run, size_t users);

#endif
