/* net/loop.h, net/timer.h, net/work.h and net/wake.h without a thread, a descriptor or a clock. */
#include <stdlib.h>

#include "base/alloc.h"
#include "net/loop_int.h"
#include "net/timer.h"
#include "net/wake.h"
#include "net/work.h"
#include "network_int.h"

enum { WORK_MS = 30 }; /* that a thread takes, at most */

static unsigned alive;

unsigned network_alive(void)
{
    return alive;
}

void loop_count(struct loop *loop, int change)
{
    loop->things += (unsigned)change;
    alive += (unsigned)change;
}

/* Loops ------------------------------------------------------------------------------------------------------- */

bool loop_new(struct loop **ret_loop, struct err *err)
{
    struct loop *loop = NEW(loop);

    if (!loop)
        return err_no_memory(err);
    *ret_loop = loop;
    return true;
}

void network_loop_base(struct loop *loop, uint64_t base)
{
    loop->base = base - sim_now();
}

uint64_t loop_now(const struct loop *loop)
{
    return loop->base + sim_now();
}

uint64_t loop_to_sim(const struct loop *loop, uint64_t when)
{
    uint64_t now = loop_now(loop);

    return sim_now() + (when > now ? when - now : 0);
}

void loop_turn(struct loop *loop)
{
    (void)loop; /* events come when it is their time */
}

void *loop_kept(const struct loop *loop)
{
    return loop->kept;
}

void loop_keep(struct loop *loop, void *thing, void (*gone)(void *thing))
{
    loop->kept = thing;
    loop->kept_gone = gone;
}

/* Nobody who is simulated asks for these. */
struct uv_loop_s *loop_uv(struct loop *loop)
{
    (void)loop;
    abort();
}

char *loop_raw(struct loop *loop)
{
    (void)loop;
    abort();
}

char *loop_plain(struct loop *loop)
{
    (void)loop;
    abort();
}

int loop_errno(int uv_error)
{
    (void)uv_error;
    abort();
}

void loop_run(struct loop *loop)
{
    (void)loop;
    abort();
}

void loop_stop(struct loop *loop)
{
    (void)loop;
    abort();
}

bool loop_run_until(struct loop *loop, const bool *done)
{
    (void)loop, (void)done;
    abort();
}

bool loop_on_signals(struct loop *loop, void (*came)(void *who, int number), void *who, struct err *err)
{
    (void)loop, (void)came, (void)who, (void)err;
    abort();
}

/* Timers ------------------------------------------------------------------------------------------------------ */

struct timer {
    struct loop *loop;
    struct event event;
    uint64_t when;
    void (*rang)(void *who);
    void *who;
};

static void ring(void *of)
{
    struct timer *timer = of;

    timer->when = UINT64_MAX;
    if (!timer->loop->unplugged)
        timer->rang(timer->who);
}

struct timer *timer_new(struct loop *loop, void (*rang)(void *who), void *who)
{
    struct timer *timer = NEW(timer);

    if (!timer)
        return NULL;
    *timer = (struct timer){ loop, { .happen = ring, .of = timer }, UINT64_MAX, rang, who };
    loop_count(loop, 1);
    return timer;
}

void timer_set(struct timer *timer, uint64_t when)
{
    if (when == timer->when)
        return;
    timer->when = when;
    if (when == UINT64_MAX || timer->loop->unplugged)
        event_cancel(&timer->event);
    else
        event_set(&timer->event, loop_to_sim(timer->loop, when));
}

void timer_free(struct timer *timer)
{
    if (!timer)
        return;
    event_cancel(&timer->event);
    loop_count(timer->loop, -1);
    mem_free(timer);
}

/* Work -------------------------------------------------------------------------------------------------------- */

struct work {
    struct loop *loop;
    struct event event;
    struct work_plan plan;
    bool abandoned;
    struct work *next, **link;
};

static void do_work(void *of)
{
    struct work *work = of;

    event_cancel(&work->event);
    *work->link = work->next;
    if (work->next)
        work->next->link = work->link;
    if (!work->abandoned)
        work->plan.run(work->plan.data);
    if (!work->abandoned)
        work->plan.done(work->plan.data);
    work->plan.drop(work->plan.data);
    mem_free(work);
}

bool work_start(struct loop *loop, const struct work_plan *plan, struct work **ret_work, struct err *err)
{
    struct work *work = NEW(work);

    if (!work)
        return err_no_memory(err);
    *work = (struct work){ loop, { .happen = do_work, .of = work }, *plan, false, loop->works, &loop->works };
    if (work->next)
        work->next->link = &work->next;
    loop->works = work;
    event_set(&work->event, sim_now() + sim_below(WORK_MS));
    if (ret_work)
        *ret_work = work;
    return true;
}

void work_abandon(struct work *work)
{
    if (work)
        work->abandoned = true;
}

/* What still works comes to its end, as threads do. */
void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->works)
        do_work(loop->works);
    if (loop->kept)
        loop->kept_gone(loop->kept);
    if (loop->things)
        sim_broken("%u things of a loop are there after it", loop->things);
    mem_free(loop);
}

/* Bells ------------------------------------------------------------------------------------------------------- */

/* There is one thread: nobody has to be woken. */
bool wake_new(struct loop *loop, void (*rang)(void *who), void *who, struct wake **ret_wake, struct err *err)
{
    (void)loop, (void)rang, (void)who, (void)ret_wake, (void)err;
    abort();
}

void wake_ring(struct wake *wake)
{
    (void)wake;
    abort();
}

void wake_hold(struct wake *wake)
{
    (void)wake;
    abort();
}

void wake_let_go(struct wake *wake)
{
    (void)wake;
    abort();
}

void wake_free(struct wake *wake)
{
    if (wake)
        abort();
}
