#include "cli/checking.h"

#include "cli/asking.h"
#include "cli/checkup.h"
#include "cli/failure.h"
#include "cli/forecast.h"
#include "cli/print.h"
#include "cli/telling.h"
#include "cli/world.h"
#include "gateway/settings.h"
#include "mail/date.h"
#include "os/clock.h"
#include "relay/settings.h"

#include "base/banned.h"

enum { LINE_MAX = 16 * 1024, USUAL_RESERVE = 5 };
#define HOUR_MS (UINT64_C(60) * 60 * 1000)

struct checking {
    struct cli *cli;
    const struct config *config; /* NULL: it can't be read */
    struct checkup checkup;
    struct checkup_queue queue;
};

/* ---- what the owner says ---- */

static uint64_t age_of(struct span rfc3339)
{
    uint64_t then, now = clock_wall(&clock_system);

    if (!rfc3339.at || !date_read_rfc3339(rfc3339, &then) || then * 1000 > now)
        return 0;
    return now - then * 1000;
}

static void take_queue(struct checking *c, const struct json_value *queue)
{
    static const char *const states[] = { "queued", "sending", "deferred", "unknown", "held", "parked" };
    uint64_t count;

    for (size_t i = 0; i < COUNT(states); i++)
        if (json_number_at(queue, states[i], &count))
            c->queue.waiting += count;
    c->queue.age = age_of(json_text_at(queue, "oldest"));
}

static const char *title_of(struct checking *c, struct span cause)
{
    const struct knowledge *know = cli_built_in(c->cli, NULL);
    const struct cause *known = know && cause.at ? know_cause(know, cause.at) : NULL;

    return known ? known->title : "it is parked";
}

/* Of one that stands in the configuration, the forecast is as good as nothing once it is parked. */
static void take_account(struct checking *c, const struct json_value *account)
{
    struct span name = json_text_at(account, "name"), health = json_text_at(account, "health");
    const struct account *known = c->config && name.at ? config_account(c->config, name.at) : NULL;
    struct health_report report = { .health = HEALTH_UNKNOWN };
    bool parked = health.at && span_is(health, "parked");

    if (!name.at)
        return;
    if (known)
        forecast(c->cli, known, &report);
    checkup_account(&c->checkup, name.at, &report, parked ? title_of(c, json_text_at(account, "because")) : NULL);
}

static void take_accounts_of_ours(struct checking *c)
{
    struct health_report report;

    for (size_t i = 0; c->config && i < c->config->account_count; i++) {
        forecast(c->cli, c->config->accounts[i], &report);
        checkup_account(&c->checkup, c->config->accounts[i]->name, &report, NULL);
    }
}

/* A device does not get in there, and nobody else would say so. */
static void take_listener(struct checking *c, const struct json_value *listener)
{
    struct span name = json_text_at(listener, "name"), why = json_text_at(listener, "why");

    if (why.at)
        checkup_problem(&c->checkup, CHECKUP_CRITICAL, "listener %.*s is not open: %.*s", SPAN_ARG(name), SPAN_ARG(why));
}

static void take(void *who, const struct json_value *status, struct span text)
{
    struct checking *c = who;
    const struct json_value *accounts = json_member(status, "accounts"), *listeners = json_member(status, "listeners");
    struct span role = json_text_at(json_member(status, "daemon"), "role");
    uint64_t parked = 0;

    (void)text;
    c->queue.daemon = role.at && span_is(role, "daemon");
    take_queue(c, json_member(status, "queue"));
    for (size_t i = 0; i < json_count(listeners); i++)
        take_listener(c, json_element(listeners, i));
    for (size_t i = 0; i < json_count(accounts); i++)
        take_account(c, json_element(accounts, i));
    if (json_count(accounts))
        return;
    take_accounts_of_ours(c); /* nobody delivers: then nobody knows more than we do */
    if (json_number_at(json_member(status, "queue"), "parked", &parked) && parked)
        checkup_problem(&c->checkup, CHECKUP_CRITICAL, "mail waits for an account that can't send");
}

/* ---- what can be seen from here ---- */

static bool needs_daemon(const struct checking *c)
{
    size_t at = 0;

    return cli_place(c->cli, NULL)->scope == PLACE_SYSTEM || (c->config && config_next(c->config, &listen_part, &at));
}

static void look_at_disk(struct checking *c)
{
    const struct queue_settings *settings = c->config ? config_section(c->config, &queue_part, NULL) : NULL;
    struct space space;
    struct err err = { 0 };

    if (space_of(cli_place(c->cli, NULL)->state, &space, &err))
        checkup_disk(&c->checkup, &space, settings ? queue_reserve_percent(settings) : USUAL_RESERVE);
    else
        checkup_problem(&c->checkup, CHECKUP_CRITICAL, "%s", err.text);
}

static void look_at_configuration(struct checking *c)
{
    struct err err = { 0 };

    c->config = cli_config(c->cli, &err);
    if (c->config)
        return;
    if (err.fact && strcmp(err.fact, "config:unreadable") == 0)
        checkup_problem(&c->checkup, CHECKUP_WARNING, "sign-ins were not looked at: %s", err.text);
    else
        checkup_problem(&c->checkup, CHECKUP_CRITICAL, "%s", err.text);
}

static void ask_owner(struct checking *c)
{
    static const struct asking_events events = { .line = take };
    uint64_t matched, sending;
    struct err err = { 0 };

    if (asking(c->cli, SPAN("{\"verb\":\"status\"}"), &events, c, &matched, &sending, &err))
        checkup_queue(&c->checkup, &c->queue);
    else
        checkup_problem(&c->checkup, CHECKUP_CRITICAL, "%s", err.text);
}

/* ---- said ---- */

static bool read_age(struct cli *cli, const char *option, uint64_t usual, uint64_t *ret_ms, struct err *err)
{
    const char *text = arguments_text(&cli->args, option);

    *ret_ms = usual;
    return !text || (setting_duration(span_of(text), ret_ms) && *ret_ms) ||
           err_set(err, ERR_USAGE, "--%s: a duration is wanted, such as 30m, 2h or 1d", option);
}

static int tell(const struct checking *c)
{
    HELD(buf) out = BUF(LINE_MAX);

    if (c->cli->json) {
        checkup_json(&c->checkup, &out);
        return say_json(&out) ? (int)c->checkup.level : err_exit_status(ERR_IO);
    }
    checkup_line(&c->checkup, &out);
    say(c->cli, "%s", buf_text(&out));
    return (int)c->checkup.level;
}

int checking_health(struct cli *cli)
{
    struct checking c = { .cli = cli };
    struct telling telling;
    struct err err = { 0 };

    if (!read_age(cli, "warn-age", HOUR_MS, &c.queue.warn_age, &err) ||
        !read_age(cli, "critical-age", 24 * HOUR_MS, &c.queue.critical_age, &err) || !cli_place(cli, &err))
        return fail_here(cli, &err);
    look_at_configuration(&c);
    c.queue.needs_daemon = needs_daemon(&c);
    ask_owner(&c);
    look_at_disk(&c);
    if (!c.queue.daemon && c.config && !telling_health(cli, &telling, &err) && err.kind != ERR_LATER)
        checkup_problem(&c.checkup, CHECKUP_WARNING, "[notify]: %s", err.text);
    return tell(&c);
}
