/* A bell that another thread may ring: the one way to reach a loop from outside of it.
 *
 * What is to be told lies somewhere under a lock; the bell says "look there". Rings that come close together may
 * be heard as one.
 */
#ifndef OUTPOST_NET_WAKE_H
#define OUTPOST_NET_WAKE_H

#include "net/loop.h"

struct wake;

/* `rang` is called on the loop. Waiting for it keeps no loop_run() from ending, unless wake_hold(). */
MUST_USE bool wake_new(struct loop *loop, void (*rang)(void *who), void *who, struct wake **ret_wake,
                       struct err *err);
/* From any thread; never after wake_free(). */
void wake_ring(struct wake *wake);
/* An answer is awaited: the loop goes on until there is none; the calls count. On the loop's thread. */
void wake_hold(struct wake *wake);
void wake_let_go(struct wake *wake);

void wake_free(struct wake *wake);
OWNED(wake);

#endif
