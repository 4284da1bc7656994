/* How everything is, and what the process itself can be asked to do. */
#include <unistd.h>

#include "control/verbs_int.h"

#include "base/banned.h"

static bool run_status(struct control_asked *asked, struct store *store, uint64_t now, struct err *err)
{
    return store_accounts(store, NULL, now, &asked->accounts, err);
}

static void add_queue(struct json *json, const struct control_asked *asked)
{
    uint64_t counts[STORE_STATE_COUNT] = { 0 }, oldest = 0;

    for (size_t i = 0; i < asked->accounts.count; i++) {
        const struct store_account *account = &asked->accounts.at[i];
        for (size_t s = 0; s < STORE_STATE_COUNT; s++)
            counts[s] += account->counts[s];
        if (account->oldest && (!oldest || account->oldest < oldest))
            oldest = account->oldest;
    }
    counts[STORE_SENDING] += counts[STORE_LEAVING];
    json_open(json, "queue", '{');
    for (size_t s = 0; s < STORE_STATE_COUNT; s++)
        if (s != STORE_LEAVING && s != STORE_DELIVERED && s != STORE_FAILED && s != STORE_REMOVED)
            json_number(json, store_state_word((enum store_state)s), counts[s]);
    show_time(json, "oldest", asked->control->queue, oldest);
    json_close(json);
}

static const struct store_account *waiting_of(const struct control_asked *asked, const char *name)
{
    for (size_t i = 0; i < asked->accounts.count; i++)
        if (strcmp(asked->accounts.at[i].name, name) == 0)
            return &asked->accounts.at[i];
    return NULL;
}

static void add_account(struct json *json, const struct control_asked *asked, const struct relay_status *status)
{
    const struct store_account *waiting = waiting_of(asked, status->account);
    uint64_t open = 0;

    for (size_t s = 0; waiting && s < STORE_STATE_COUNT; s++)
        if (s != STORE_DELIVERED && s != STORE_FAILED && s != STORE_REMOVED)
            open += waiting->counts[s];
    json_open(json, NULL, '{');
    json_text(json, "name", status->account);
    json_text(json, "health", relay_health_word(status->health));
    show_time(json, "until", asked->control->queue, status->until);
    json_text(json, "because", *status->because ? status->because : NULL);
    json_text(json, "said", *status->said ? status->said : NULL);
    json_number(json, "sent_today", status->today.sent);
    json_number(json, "limit_today", status->today.limit);
    json_text(json, "counts", status->today.counts_recipients ? "recipients" : "messages");
    show_time(json, "limit_until", asked->control->queue, status->today.until);
    json_number(json, "waiting", open);
    json_number(json, "channels", status->channels);
    json_number(json, "delivered", status->delivered);
    json_number(json, "failed", status->failed);
    json_close(json);
}

static void told(struct control_asked *asked)
{
    const struct control *control = asked->control;
    struct json json = control_line(asked);
    struct relay_status status;

    json_open(&json, NULL, '{');
    json_open(&json, "daemon", '{');
    json_text(&json, "role", control->role);
    json_text(&json, "version", OUTPOST_VERSION);
    json_number(&json, "pid", (uint64_t)getpid());
    show_time(&json, "started", control->queue, control->started);
    json_close(&json);
    json_open(&json, "store", '{');
    json_text(&json, "kind", "sqlite");
    json_close(&json);
    add_queue(&json, asked);
    json_open(&json, "accounts", '[');
    for (size_t i = 0; control->relay && relay_status(control->relay, i, &status); i++)
        add_account(&json, asked, &status);
    json_close(&json);
    show_listeners(&json, control);
    json_close(&json);
    control_say(asked);
    control_done(asked);
}

static void begin_status(struct control_asked *asked)
{
    control_queue(asked, run_status, told);
}

static void begin_wake(struct control_asked *asked)
{
    struct span account = json_text_at(json_root(asked->question), "account");

    if (asked->control->relay)
        relay_wake(asked->control->relay, account.at);
    control_done(asked);
}

static void begin_reload(struct control_asked *asked)
{
    struct err err = { 0 };

    if (!asked->control->reload || asked->control->reload(asked->control->of, &err))
        control_done(asked);
    else
        control_fail(asked, &err);
}

const struct control_verb status_verb = { "status", FOR_MEMBERS, begin_status };
const struct control_verb wake_verb = { "wake", FOR_OWNERS, begin_wake }; /* an account was mended */
const struct control_verb reload_verb = { "reload", FOR_OWNERS, begin_reload };
