#include "net/wake.h"

#include "base/alloc.h"
#include "base/obj.h"
#include "net/loop_int.h"

#include "base/banned.h"

enum { WAKE_MAGIC = 0x77616b65 };

struct wake {
    uint32_t magic;
    uv_async_t uv;
    void (*rang)(void *who);
    void *who;
    unsigned holds;
};

static void on_ring(uv_async_t *uv)
{
    const struct wake *wake = OBJ(wake, WAKE_MAGIC, uv->data);

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
    int bad = uv_async_init(loop_uv(loop), &wake->uv, on_ring);
    if (bad) {
        mem_free(wake);
        return err_sys(err, ERR_INTERNAL, loop_errno(bad), "making a bell between threads");
    }
    uv_unref((uv_handle_t *)&wake->uv);
    *ret_wake = wake;
    return true;
}

void wake_ring(struct wake *wake)
{
    uv_async_send(&wake->uv);
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

    OBJ_GONE(wake);
    mem_free(wake);
}

void wake_free(struct wake *wake)
{
    if (!wake)
        return;
    wake->rang = NULL;
    uv_close((uv_handle_t *)&wake->uv, on_closed);
}
