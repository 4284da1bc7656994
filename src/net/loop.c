#include "net/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "net/loop_int.h"

#include "base/banned.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

enum { LOOP_MAGIC = 0x6c6f6f70, SIGNALS = COUNT(signals) };

struct loop {
    uint32_t magic;
    uv_loop_t uv;
    char *raw, *plain;
    uv_prepare_t watch; /* looks at *until before the loop goes to sleep */
    const bool *until;
    void *kept;
    void (*kept_gone)(void *thing);
    bool listens; /* the signal handles are there */
    uv_signal_t signals[SIGNALS];
    void (*came)(void *who, int number);
    void *who;
};

static void release(struct loop *loop)
{
    OBJ_GONE(loop);
    mem_free(loop->raw);
    mem_free(loop->plain);
    mem_free(loop);
}

bool loop_new(struct loop **ret_loop, struct err *err)
{
    struct loop *loop = NEW(loop);

    if (!loop)
        return err_no_memory(err);
    loop->raw = mem_array(1, LOOP_ROOM);
    loop->plain = mem_array(1, LOOP_ROOM);
    if (!loop->raw || !loop->plain) {
        release(loop);
        return err_no_memory(err);
    }
    int bad = uv_loop_init(&loop->uv);
    if (bad) {
        release(loop);
        return err_sys(err, ERR_INTERNAL, loop_errno(bad), "starting the event loop");
    }
    uv_prepare_init(&loop->uv, &loop->watch);
    loop->watch.data = loop;
    uv_unref((uv_handle_t *)&loop->watch);
    signal(SIGPIPE, SIG_IGN);
    loop->magic = LOOP_MAGIC;
    loop->uv.data = loop;
    *ret_loop = loop;
    return true;
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

char *loop_raw(struct loop *loop)
{
    return loop->raw;
}

char *loop_plain(struct loop *loop)
{
    return loop->plain;
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

int loop_errno(int uv_error)
{
    /* On Unix libuv's numbers are the system's, negative; its own begin below -3000 (getaddrinfo's)
     * and at -4095 (EOF). */
    return uv_error < 0 && uv_error > -3000 ? -uv_error : 0;
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

/* A turn runs the timers first and then sleeps; what a timer has made true must not wait for the end
 * of that sleep, which may be far or never. */
static void on_watch(uv_prepare_t *watch)
{
    const struct loop *loop = OBJ(loop, LOOP_MAGIC, watch->data);

    if (*loop->until)
        uv_stop(watch->loop);
}

bool loop_run_until(struct loop *loop, const bool *done)
{
    loop->until = done;
    uv_prepare_start(&loop->watch, on_watch);
    while (!*done && uv_run(&loop->uv, UV_RUN_ONCE))
        ;
    uv_prepare_stop(&loop->watch);
    return *done;
}

void loop_turn(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}

uint64_t loop_now(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct loop *loop = OBJ(loop, LOOP_MAGIC, handle->data);

    loop->came(loop->who, number);
}

bool loop_on_signals(struct loop *loop, void (*came)(void *who, int number), void *who,
                     struct err *err)
{
    loop->came = came;
    loop->who = who;
    if (loop->listens)
        return true;
    loop->listens = true;
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&loop->uv, &loop->signals[i]);
        loop->signals[i].data = loop;
        uv_unref((uv_handle_t *)&loop->signals[i]);
    }
    for (size_t i = 0; i < SIGNALS; i++) {
        int bad = uv_signal_start(&loop->signals[i], on_signal, signals[i]);
        if (bad)
            return err_sys(err, ERR_INTERNAL, loop_errno(bad), "listening for signals");
    }
    return true;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->listens)
        for (size_t i = 0; i < SIGNALS; i++)
            uv_close((uv_handle_t *)&loop->signals[i], NULL);
    if (loop->kept)
        loop->kept_gone(loop->kept);
    uv_close((uv_handle_t *)&loop->watch, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop->uv) != 0)
        abort(); /* somebody's handle is still open: its memory would be used after it is gone */
    release(loop);
}
