/* Tells when this machine may reach more than before: a route or an address came, a link came up, or the machine was asleep
 * and goes on. By the kernel's own word (rtnetlink, and a timer that ends when the clocks part), so nobody polls; where
 * a build has none of that (net/reach_none.c) nothing is ever told.
 *
 *     reach_watch(loop, came, me, &reach, &err)
 *
 * What comes together - a link, its address, its routes - is told once, a moment later; a route that comes and goes all the
 * time is told less and less often. Watching keeps no loop_run() from ending; what is about to be told does.
 */
#ifndef OUTPOST_NET_REACH_H
#define OUTPOST_NET_REACH_H

#include "base/span.h"
#include "net/loop.h"

struct reach;

/* On failure there is nothing to be freed: who can't be told waits for his time, as he does without a network. */
MUST_USE bool reach_watch(struct loop *loop, void (*came)(void *who), void *who, struct reach **ret_reach,
                          struct err *err);
void reach_free(struct reach *reach);
OWNED(reach);

/* Of the room, for the watchers and their tests. ------------------------------------------------------------------- */

enum { REACH_SETTLE_MS = 500, REACH_QUIET_MS = 5 * 60 * 1000 };

/* When what happens now is to be told. The quiet after that doubles from one to the next, up to REACH_QUIET_MS, and is
 * forgotten when nothing happened for that long. Begins as { 0 }. */
struct reach_pace {
    uint64_t told, quiet; /* told: when it is, or was, last told; 0: never */
};
uint64_t reach_pace(struct reach_pace *pace, uint64_t now);

/* Do these messages of the kernel's (rtnetlink(7)) tell of a way that is there now? What is cut off tells nothing. */
bool reach_is_news(struct span messages);

#endif
