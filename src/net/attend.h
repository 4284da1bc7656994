/* A program run for the person who called us: its terminal, files and pipes are ours, with some
 * variables added, and we wait for its end (`outpost sandbox generic -- npm test`).
 */
#ifndef OUTPOST_NET_ATTEND_H
#define OUTPOST_NET_ATTEND_H

#include "base/err.h"

struct loop;
struct attend;
struct private_before;

struct attend_plan {
    const char *const *argv;      /* ends with NULL; the first is looked for in PATH */
    const char *const *variables; /* "NAME=value", NULL ends; they stand over those we have */
    const struct private_before *before; /* it inherits what we were born with; NULL: what we have */
};

/* `ended` is told once: the exit status as a shell has it, 128 and the signal's number for one that was
 * killed. On failure nothing runs. */
MUST_USE bool attend_start(struct loop *loop, const struct attend_plan *plan,
                           void (*ended)(void *who, int status), void *who,
                           struct attend **ret_attend, struct err *err);
/* Passes a signal on to it. */
void attend_signal(struct attend *attend, int number);
/* Nobody waits any more; it runs on. */
void attend_free(struct attend *attend);
OWNED(attend);

#endif
