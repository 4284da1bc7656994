/* Passwords compared off the loop, two at a time, in the order asked; what was compared a while ago is known
 * at once (account/verdicts.h).
 *
 *     struct check *check;
 *     if (!checks_ask(checks, user, hash_or_null, proof, told, session, &check, &err))
 *         ... too many wait, or no memory: 454
 *     told(session, right)        once, perhaps before checks_ask() returns: *check is NULL then
 */
#ifndef OUTPOST_ACCOUNT_CHECKS_H
#define OUTPOST_ACCOUNT_CHECKS_H

#include "base/err.h"
#include "base/own.h"

struct check;
struct checks;
struct dice;
struct loop;

enum {
    CHECKS_AT_ONCE = 2,  /* PASSWORD_MEMORY_MAX each */
    CHECKS_WAIT_MAX = 200,
};

MUST_USE bool checks_new(struct loop *loop, const struct dice *dice, struct checks **ret_checks,
                         struct err *err);
/* None may be open but those that were abandoned. */
void checks_free(struct checks *checks);
OWNED(checks);

/* Is `proof` the password of this user? `hash_or_null` as password_hash_check() takes it; NULL: there is no
 * such user, which takes as long and is wrong. The texts are copied. ERR_LATER where CHECKS_WAIT_MAX wait
 * already. *ret_check is good until it is told. */
MUST_USE bool checks_ask(struct checks *checks, struct span user, const char *hash_or_null,
                         struct span proof, void (*told)(void *who, bool right), void *who,
                         struct check **ret_check, struct err *err);
size_t checks_waiting(const struct checks *checks); /* for a free place, as CHECKS_AT_ONCE are at work */
/* Nobody waits for it any more; NULL is nothing. */
void check_abandon(struct check *check);

#endif
