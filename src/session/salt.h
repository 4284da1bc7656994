/* SCRAM's salted password (RFC 5802, 2.2) takes up to a second of work: done on a thread, so that the
 * loop goes on meanwhile.
 */
#ifndef OUTPOST_SESSION_SALT_H
#define OUTPOST_SESSION_SALT_H

#include "net/loop.h"
#include "smtp/sasl.h"

struct salt;

/* `done` is told once, on the loop: the key, its callee's for the call, or NULL where the password
 * can't be prepared. What is handed in is copied. *ret_salt is good until then. */
MUST_USE bool salt_start(struct loop *loop, const struct sasl_salting *how, struct span password,
                         void (*done)(void *who, const struct secret *key), void *who,
                         struct salt **ret_salt, struct err *err);
void salt_abandon(struct salt *salt); /* `done` is not told; NULL is nothing */

#endif
