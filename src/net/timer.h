/* A timer that rings once at a time of loop_now(), and can be set anew, from its callback too.
 *
 *     timer_set(timer, smtp_client_deadline(client));      UINT64_MAX: never
 */
#ifndef OUTPOST_NET_TIMER_H
#define OUTPOST_NET_TIMER_H

#include "net/loop.h"

struct timer;

/* NULL: no memory. Not set yet. `who` is handed to `rang`. */
MUST_USE struct timer *timer_new(struct loop *loop, void (*rang)(void *who), void *who);

/* Rings at `when`, at the next turn where that is past; never at UINT64_MAX. Setting the same time
 * again costs nothing, so it may be called after every event. */
void timer_set(struct timer *timer, uint64_t when);

void timer_free(struct timer *timer);
OWNED(timer);

#endif
