#include "net/work.h"

#include "base/alloc.h"
#include "base/obj.h"
#include "net/loop_int.h"

#include "base/banned.h"

enum { WORK_MAGIC = 0x776f726b };

struct work {
    uint32_t magic;
    uv_work_t uv;
    struct work_plan plan;
    bool abandoned;
};

static void on_run(uv_work_t *uv)
{
    const struct work *work = OBJ(work, WORK_MAGIC, uv->data);

    work->plan.run(work->plan.data);
}

static void on_ran(uv_work_t *uv, int status)
{
    struct work *work = OBJ(work, WORK_MAGIC, uv->data);
    (void)status; /* other than 0 only where it was abandoned before it began */

    if (!work->abandoned)
        work->plan.done(work->plan.data);
    work->plan.drop(work->plan.data);
    OBJ_GONE(work);
    mem_free(work);
}

bool work_start(struct loop *loop, const struct work_plan *plan, struct work **ret_work,
                struct err *err)
{
    struct work *work = NEW(work);

    if (!work)
        return err_no_memory(err);
    work->magic = WORK_MAGIC;
    work->uv.data = work;
    work->plan = *plan;
    int bad = uv_queue_work(loop_uv(loop), &work->uv, on_run, on_ran);
    if (bad) {
        mem_free(work);
        return err_sys(err, ERR_INTERNAL, loop_errno(bad), "handing work to a thread");
    }
    if (ret_work)
        *ret_work = work;
    return true;
}

void work_abandon(struct work *work)
{
    if (!work)
        return;
    work->abandoned = true;
    uv_cancel((uv_req_t *)&work->uv); /* succeeds where it has not begun */
}
