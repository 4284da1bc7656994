#include "net/timer.h"

#include "base/alloc.h"
#include "base/obj.h"
#include "net/loop_int.h"

#include "base/banned.h"

enum { TIMER_MAGIC = 0x74696d65 };

struct timer {
    uint32_t magic;
    uv_timer_t uv;
    uint64_t when; /* UINT64_MAX: not set */
    void (*rang)(void *who);
    void *who;
};

struct timer *timer_new(struct loop *loop, void (*rang)(void *who), void *who)
{
    struct timer *timer = NEW(timer);

    if (!timer)
        return NULL;
    timer->magic = TIMER_MAGIC;
    timer->when = UINT64_MAX;
    timer->rang = rang;
    timer->who = who;
    uv_timer_init(loop_uv(loop), &timer->uv);
    timer->uv.data = timer;
    return timer;
}

static void on_timer(uv_timer_t *handle)
{
    struct timer *timer = OBJ(timer, TIMER_MAGIC, handle->data);

    timer->when = UINT64_MAX;
    timer->rang(timer->who);
}

void timer_set(struct timer *timer, uint64_t when)
{
    if (when == timer->when)
        return;
    timer->when = when;
    if (when == UINT64_MAX) {
        uv_timer_stop(&timer->uv);
        return;
    }
    uint64_t now = uv_now(timer->uv.loop);
    uv_timer_start(&timer->uv, on_timer, when > now ? when - now : 0, 0);
}

static void on_closed(uv_handle_t *handle)
{
    struct timer *timer = OBJ(timer, TIMER_MAGIC, handle->data);

    OBJ_GONE(timer);
    mem_free(timer);
}

void timer_free(struct timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->uv, on_closed);
}
