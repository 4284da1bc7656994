#include "cli/supervised.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "net/timer.h"
#include "os/module.h"
#include "os/systemd.h"

#include "base/banned.h"

struct supervised {
    const struct systemd_face *systemd;
    struct loop *loop;
    struct timer *alive;
    uint64_t every_ms; /* 0: nobody wants a sign of life */
};

static void tell(struct supervised *supervised, const char *state)
{
    (void)!supervised->systemd->notify(state); /* nobody is left to be told otherwise */
}

static void show_life(void *who)
{
    struct supervised *supervised = who;

    tell(supervised, "WATCHDOG=1");
    timer_set(supervised->alive, loop_now(supervised->loop) + supervised->every_ms);
}

static bool load(const struct systemd_face **ret_systemd, struct err *err)
{
    const void *loaded;

    if (!module_load(SYSTEMD_MODULE, SYSTEMD_SYMBOL, &loaded, err)) {
        if (err)
            err->kind = ERR_CONFIG;
        return err_in(err, "systemd wants to hear when outpost is ready");
    }
    *ret_systemd = loaded;
    return true;
}

bool supervised_new(struct loop *loop, struct supervised **ret_supervised, struct err *err)
{
    const struct systemd_face *systemd;

    *ret_supervised = NULL;
    if (!secure_getenv("NOTIFY_SOCKET"))
        return true;
    if (!load(&systemd, err))
        return false;
    struct supervised *supervised = NEW(supervised);
    if (!supervised || !(supervised->alive = timer_new(loop, show_life, supervised))) {
        mem_free(supervised);
        return err_no_memory(err);
    }
    supervised->systemd = systemd;
    supervised->loop = loop;
    supervised->every_ms = systemd->watchdog() / 1000 / 2;
    *ret_supervised = supervised;
    return true;
}

void supervised_free(struct supervised *supervised)
{
    if (!supervised)
        return;
    timer_free(supervised->alive);
    mem_free(supervised);
}

void supervised_ready(struct supervised *supervised)
{
    if (!supervised)
        return;
    tell(supervised, "READY=1");
    if (supervised->every_ms)
        show_life(supervised);
}

/* Since version 253 systemd wants the time with it, of its own clock. */
void supervised_reloading(struct supervised *supervised)
{
    HELD(buf) state = BUF(80);

    if (!supervised)
        return;
    buf_addf(&state, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)supervised->systemd->now());
    tell(supervised, buf_text(&state));
}

void supervised_stopping(struct supervised *supervised)
{
    if (supervised)
        tell(supervised, "STOPPING=1");
}
