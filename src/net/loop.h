/* The event loop: one a thread, and everything of net belongs to one. Nothing here locks; what
 * concerns another thread's loop is a message to it (net/work.h).
 *
 *     OWN(loop) loop = NULL;
 *     if (!loop_new(&loop, &err)) ...
 *     struct timer *timer = timer_new(loop, rang, me);
 *     loop_run(loop);
 *
 * Things made on a loop are freed before it. Their T_free() may be called at any time, from their
 * own callbacks too: no callback comes after it, and the memory goes when libuv has let go.
 */
#ifndef OUTPOST_NET_LOOP_H
#define OUTPOST_NET_LOOP_H

#include "base/err.h"

struct loop;

/* Also sets SIGPIPE to be ignored, for the whole process: a peer that hung up is an error like any
 * other, not a death. */
MUST_USE bool loop_new(struct loop **ret_loop, struct err *err);

/* Until loop_stop(), or until nothing is left that could happen. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* For one question and its answer: until *done is true. False where nothing was left that could
 * have made it so. Not to be called from within a callback. */
bool loop_run_until(struct loop *loop, const bool *done);
/* What is due now, without waiting for more. */
void loop_turn(struct loop *loop);

/* Milliseconds of a clock that only goes forward, as of the top of this turn of the loop. */
uint64_t loop_now(const struct loop *loop);

/* SIGINT and SIGTERM become events, told by number; a later call changes who is told. Waiting for
 * them keeps no loop_run() from ending. SIGHUP too, for a daemon that reads its settings again. */
MUST_USE bool loop_on_signals(struct loop *loop, void (*came)(void *who, int number), void *who,
                              struct err *err);

/* Lets what is closing close. Ends the program where something made on this loop was not freed. */
void loop_free(struct loop *loop);
OWNED(loop);

#endif
