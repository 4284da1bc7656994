/* An eventfd of our own: libuv's bell (uv_async) lets the loop that is rung spin until the ringing thread has come back
 * from its system call, which costs more than all the rest where one rings for each message. */
#include "net/wake.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "net/loop_int.h"

#include "base/banned.h"

enum { WAKE_MAGIC = 0x77616b65 };

struct wake {
    uint32_t magic;
    uv_poll_t uv;
    int fd;
    atomic_bool rung; /* and not heard yet */
    void (*rang)(void *who);
    void *who;
    unsigned holds;
};

/* What is rung for from here on rings again. */
static void on_ring(uv_poll_t *uv, int status, int events)
{
    struct wake *wake = OBJ(wake, WAKE_MAGIC, uv->data);
    uint64_t count;

    (void)status, (void)events;
    if (read(wake->fd, &count, sizeof count) < 0)
        return;
    atomic_store(&wake->rung, false);
    if (wake->rang)
        wake->rang(wake->who);
}

bool wake_new(struct loop *loop, void (*rang)(void *who), void *who, struct wake **ret_wake, struct err *err)
{
    struct wake *wake = NEW(wake);

    if (!wake)
        return err_no_memory(err);
    wake->magic = WAKE_MAGIC;
    wake->rang = rang;
    wake->who = who;
    wake->uv.data = wake;
    wake->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int bad = wake->fd < 0 ? errno : loop_errno(uv_poll_init(loop_uv(loop), &wake->uv, wake->fd));
    if (bad) {
        if (wake->fd >= 0)
            close(wake->fd);
        mem_free(wake);
        return err_sys(err, ERR_INTERNAL, bad, "making a bell between threads");
    }
    uv_poll_start(&wake->uv, UV_READABLE, on_ring);
    uv_unref((uv_handle_t *)&wake->uv);
    *ret_wake = wake;
    return true;
}

void wake_ring(struct wake *wake)
{
    const uint64_t one = 1;

    if (!atomic_exchange(&wake->rung, true) && write(wake->fd, &one, sizeof one) < 0)
        return; /* it can't be full: it is read before it is rung again */
}

void wake_hold(struct wake *wake)
{
    if (wake->holds++ == 0)
        uv_ref((uv_handle_t *)&wake->uv);
}

void wake_let_go(struct wake *wake)
{
    if (--wake->holds == 0)
        uv_unref((uv_handle_t *)&wake->uv);
}

static void on_closed(uv_handle_t *uv)
{
    struct wake *wake = OBJ(wake, WAKE_MAGIC, uv->data);

    close(wake->fd);
    OBJ_GONE(wake);
    mem_free(wake);
}

void wake_free(struct wake *wake)
{
    if (!wake)
        return;
    wake->rang = NULL;
    uv_poll_stop(&wake->uv);
    uv_close((uv_handle_t *)&wake->uv, on_closed);
}
