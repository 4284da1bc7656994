/* What may block runs on a worker thread; the answer arrives on the loop.
 *
 *     run(data)     on the thread. It owns `data` until it returns, and touches nothing else.
 *     done(data)    on the loop, afterwards. Not called once abandoned.
 *     drop(data)    on the loop, last of all, in every case: frees `data`.
 *
 * So `data` outlives whoever gave up waiting, and there is one place that frees it.
 */
#ifndef OUTPOST_NET_WORK_H
#define OUTPOST_NET_WORK_H

#include "base/err.h"

struct loop;
struct work;

struct work_plan {
    void (*run)(void *data);
    void (*done)(void *data);
    void (*drop)(void *data);
    void *data;
};

/* On failure nothing runs, and `data` stays the caller's. *ret_work is good until done() returns;
 * ret_work may be NULL where nobody will abandon it. */
MUST_USE bool work_start(struct loop *loop, const struct work_plan *plan, struct work **ret_work,
                         struct err *err);
/* Nobody waits for it any more. What runs, runs to its end; drop() follows. NULL is nothing. */
void work_abandon(struct work *work);

#endif
