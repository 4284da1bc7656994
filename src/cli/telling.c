#include "cli/telling.h"

#include "base/alloc.h"
#include "cli/forecast.h"
#include "cli/print.h"
#include "cli/world.h"
#include "net/loop.h"
#include "relay/notify_health.h"

#include "base/banned.h"

enum { PATIENCE_MS = 3 * 60 * 1000 };

struct waiting {
    struct cli *cli;
    struct telling *telling;
    bool done;
};

static void told(void *who, const struct notice *notice, const char *way, const struct err *err)
{
    struct waiting *w = who;

    w->telling->told += !err;
    if (!err)
        return;
    if (!w->telling->failed++)
        w->telling->err = *err;
    note(w->cli, "outpost: notify: %s: %s: %s%s%s", notice->event, way, err->text, err->said[0] ? ": " : "",
         err->said);
}

static void done(void *who)
{
    struct waiting *w = who;

    w->done = true;
}

bool telling_run(struct cli *cli, const char *source, const struct notice *notices, size_t count,
                 struct telling *ret_telling, struct err *err)
{
    const struct config *config = cli_config(cli, err);
    const struct notify_settings *settings = config ? config_section(config, &notify_part, NULL) : NULL;
    const struct network *network = settings && notify_has_ways(settings) ? cli_network(cli, err) : NULL;
    struct waiting waiting = { cli, ret_telling, false };
    struct secret_world state;
    struct notify *notify;

    *ret_telling = (struct telling){ 0 };
    if (!config || (notify_has_ways(settings) && !network))
        return false;
    if (!network)
        return true;
    if (!cli_secrets(cli, &state, err)) /* makes the state directory */
        return false;
    const struct notify_plan plan = {
        .settings = settings,
        .source = source,
        .state = state.state,
        .host = cli_hostname(cli),
        .disk = state.disk,
        .dice = state.dice,
        .clock = &clock_system,
        .loop = network->loop,
        .resolver = network->resolver,
        .detours = network->detours,
        .ca_file = network->ca_file,
        .proxy = config->outpost.https_proxy,
        .deadline = loop_now(network->loop) + (network->timeout_ms ? network->timeout_ms : PATIENCE_MS),
        .told = told,
        .done = done,
        .who = &waiting,
    };
    if (!notify_tell(&plan, notices, count, &notify, err))
        return false;
    loop_run_until(network->loop, &waiting.done);
    return true;
}

bool telling_health(struct cli *cli, struct telling *ret_telling, struct err *err)
{
    const struct config *config = cli_config(cli, err);
    size_t most = config ? config->account_count : 0, count = 0;
    struct notify_health *health = mem_array(most, sizeof *health);
    struct notice *notices = mem_array(most, sizeof *notices);
    bool ok = config && ((health && notices) || err_no_memory(err));

    for (size_t i = 0; ok && i < most; i++) {
        struct health_report report;
        forecast(cli, config->accounts[i], &report);
        if (notify_health(config->accounts[i], &report, &health[count])) {
            notices[count] = health[count].notice;
            count++;
        }
    }
    ok = ok && telling_run(cli, "health", notices, count, ret_telling, err);
    mem_free(health);
    mem_free(notices);
    return ok;
}
