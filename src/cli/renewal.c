#include "cli/renewal.h"

#include "base/alloc.h"
#include "gateway/gateway.h"
#include "gateway/local.h"
#include "net/loop.h"
#include "net/timer.h"

#include "base/banned.h"

enum {
    PATIENCE_MS = 2 * 60 * 1000, /* with what is under way by the old configuration */
    LOOK_MS = 10 * 1000,         /* between looks whether an old one is still used */
};

struct retired {
    struct retired *next;
    struct cli_old_config config;
};

struct renewal {
    struct daemon *daemon;
    struct retired *retired;
    struct timer *timer;
    bool drains; /* the relay is to have another one */
    void (*failed)(void *who, const struct err *err);
    void *who;
};

/* ---- what was read before ---- */

static bool is_used(const struct daemon *daemon, const struct config *config)
{
    return gateway_uses(daemon->gateway, config) || local_door_is_busy(daemon->door);
}

static void let_go(struct renewal *renewal)
{
    for (struct retired **link = &renewal->retired; *link;) {
        struct retired *one = *link;
        if (is_used(renewal->daemon, one->config.config)) {
            link = &one->next;
            continue;
        }
        *link = one->next;
        cli_old_config_free(one->config);
        mem_free(one);
    }
    if (renewal->retired)
        timer_set(renewal->timer, loop_now(renewal->daemon->loop) + LOOK_MS);
}

/* ---- the relay ---- */

/* These are the queue's, which stays open. */
static bool is_otherwise(const struct queue_settings *now, const struct queue_settings *then)
{
    return now->unknown != then->unknown || now->keep_history != then->keep_history ||
           queue_reserve_percent(now) != queue_reserve_percent(then);
}

/* Nothing is under way by the old one. */
static void exchange(void *who)
{
    struct renewal *renewal = who;
    struct daemon *daemon = renewal->daemon;
    const struct queue_settings *now = config_section(cli_config(daemon->cli, NULL), &queue_part, NULL);
    struct err err = { 0 };

    renewal->drains = false;
    timer_set(renewal->timer, UINT64_MAX);
    if (is_otherwise(now, daemon->owner.settings))
        log_event(&daemon->log, LOG_AT_WARN, "reload",
                  log_text("result", "unknown, keep_history and reserve of [queue] as they are now hold from the next start"));
    if (daemon_deliver(daemon, &err))
        let_go(renewal);
    else
        renewal->failed(renewal->who, &err);
}

static void rang(void *who)
{
    struct renewal *renewal = who;

    if (renewal->drains)
        exchange(renewal);
    else
        let_go(renewal);
}

/* ---- for the daemon ---- */

bool renewal_new(struct daemon *daemon, void (*failed)(void *who, const struct err *err), void *who,
                 struct renewal **ret_renewal, struct err *err)
{
    struct renewal *renewal = NEW(renewal);

    if (!renewal || !(renewal->timer = timer_new(daemon->loop, rang, renewal))) {
        mem_free(renewal);
        return err_no_memory(err);
    }
    renewal->daemon = daemon;
    renewal->failed = failed;
    renewal->who = who;
    *ret_renewal = renewal;
    return true;
}

static bool put_in_force(struct renewal *renewal, struct retired *retired, struct err *err)
{
    struct daemon *daemon = renewal->daemon;

    if (!cli_config_renew(daemon->cli, &retired->config, err))
        return false;
    const struct config *config = cli_config(daemon->cli, NULL);
    if (!gateway_reload(daemon->gateway, config, err)) {
        cli_config_restore(daemon->cli, retired->config);
        return false;
    }
    local_door_use(daemon->door, config, cli_hostname(daemon->cli));
    return true;
}

bool renewal_begin(struct renewal *renewal, struct err *err)
{
    struct daemon *daemon = renewal->daemon;
    struct retired *retired = NEW(retired);

    if (!retired)
        return err_no_memory(err);
    if (!put_in_force(renewal, retired, err)) {
        mem_free(retired);
        return false;
    }
    retired->next = renewal->retired;
    renewal->retired = retired;
    if (renewal->drains)
        return true; /* the relay's next one is this one, then */
    renewal->drains = true;
    timer_set(renewal->timer, loop_now(daemon->loop) + PATIENCE_MS);
    relay_drain(daemon->owner.relay, exchange, renewal);
    return true;
}

void renewal_stop(struct renewal *renewal)
{
    renewal->drains = false;
    timer_set(renewal->timer, UINT64_MAX);
}

void renewal_free(struct renewal *renewal)
{
    if (!renewal)
        return;
    for (struct retired *one = renewal->retired, *next; one; one = next) {
        next = one->next;
        cli_old_config_free(one->config);
        mem_free(one);
    }
    timer_free(renewal->timer);
    mem_free(renewal);
}
