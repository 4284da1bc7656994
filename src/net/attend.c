#include "net/attend.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "net/environment.h"
#include "net/loop_int.h"
#include "os/private.h"

#include "base/banned.h"

enum { ATTEND_MAGIC = 0x61747464 };

struct attend {
    uint32_t magic;
    uv_process_t process;
    bool running, free_when_ended;
    void (*ended)(void *who, int status);
    void *who;
};

static void on_closed(uv_handle_t *handle)
{
    struct attend *attend = OBJ(attend, ATTEND_MAGIC, handle->data);

    OBJ_GONE(attend);
    mem_free(attend);
}

static void on_exit_(uv_process_t *process, int64_t status, int signal)
{
    struct attend *attend = OBJ(attend, ATTEND_MAGIC, process->data);

    attend->running = false;
    if (attend->free_when_ended)
        uv_close((uv_handle_t *)process, on_closed);
    else
        attend->ended(attend->who, signal ? 128 + signal : (int)status);
}

bool attend_start(struct loop *loop, const struct attend_plan *plan,
                  void (*ended)(void *who, int status), void *who, struct attend **ret_attend,
                  struct err *err)
{
    uv_stdio_container_t stdio[3];
    struct attend *attend = NEW(attend);
    const char **variables = environment_with(plan->variables);
    int bad = UV_ENOMEM;

    for (int fd = 0; fd < 3; fd++)
        stdio[fd] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = fd };
    if (attend && variables) {
        const uv_process_options_t options = {
            .file = plan->argv[0],
            .args = (char **)(uintptr_t)plan->argv,
            .env = (char **)(uintptr_t)variables,
            .exit_cb = on_exit_,
            .stdio = stdio,
            .stdio_count = 3,
        };
        *attend = (struct attend){ .magic = ATTEND_MAGIC, .ended = ended, .who = who };
        attend->process.data = attend;
        if (plan->before)
            private_lend(plan->before);
        bad = uv_spawn(loop_uv(loop), &attend->process, &options);
        if (plan->before)
            private_again();
        attend->running = bad == 0;
        if (bad)
            uv_close((uv_handle_t *)&attend->process, on_closed);
    } else {
        mem_free(attend);
    }
    mem_free(variables);
    if (bad)
        return err_sys(err, ERR_INPUT, loop_errno(bad), "%s can't be started", plan->argv[0]);
    *ret_attend = attend;
    return true;
}

void attend_signal(struct attend *attend, int number)
{
    if (attend && attend->running)
        uv_process_kill(&attend->process, number);
}

void attend_free(struct attend *attend)
{
    if (!attend)
        return;
    attend->free_when_ended = true;
    if (!attend->running)
        uv_close((uv_handle_t *)&attend->process, on_closed);
}
