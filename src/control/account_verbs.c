/* An account's day, and a connection of it for somebody who signs in beside the relay. */
#include "control/verbs_int.h"

#include "base/banned.h"

enum { PATIENCE_USUAL_MS = 5 * 1000, PATIENCE_MOST_MS = 60 * 1000 };

static struct span account_of(const struct control_asked *asked)
{
    return json_text_at(json_root(asked->question), "account");
}

/* ---- today ---- */

static void say_today(struct control_asked *asked, const struct relay_today *today, const char *because)
{
    struct json json = control_line(asked);

    json_open(&json, NULL, '{');
    json_number(&json, "sent_today", today->sent);
    json_number(&json, "limit_today", today->limit);
    json_text(&json, "counts", today->counts_recipients ? "recipients" : "messages");
    show_time(&json, "limit_until", asked->control->queue, today->until);
    json_text(&json, "because", *because ? because : NULL);
    json_close(&json);
    control_say(asked);
    control_done(asked);
}

static bool find_status(const struct relay *relay, struct span account, struct relay_status *ret_status)
{
    for (size_t i = 0; relay_status(relay, i, ret_status); i++)
        if (span_is(account, ret_status->account))
            return true;
    return false;
}

static bool run_mark(struct control_asked *asked, struct store *store, uint64_t now, struct err *err)
{
    (void)now;
    return store_mark_get(store, "limit", account_of(asked).at, &asked->mark, err);
}

/* Nobody delivers here: what the last one who did wrote down. */
static void mark_read(struct control_asked *asked)
{
    const struct account *account = config_account(asked->control->config, account_of(asked).at);
    struct limit limit = { 0 };
    struct relay_today today = { 0 };

    if (account) {
        const struct limit_allowed allowed = relay_allowed(account);
        limit_read(buf_span(&asked->mark), &limit);
        relay_today(&limit, &allowed, queue_now(asked->control->queue), &today);
    }
    say_today(asked, &today, "");
}

static void begin_today(struct control_asked *asked)
{
    struct span account = account_of(asked);
    struct relay_status status;
    struct err err;

    if (!account.len || !config_account(asked->control->config, account.at)) {
        err_set(&err, ERR_USAGE, "\"account\" names no account");
        control_fail(asked, &err);
    } else if (!asked->control->relay) {
        control_queue(asked, run_mark, mark_read);
    } else if (find_status(asked->control->relay, account, &status)) {
        say_today(asked, &status.today, status.because);
    } else {
        say_today(asked, &(struct relay_today){ 0 }, "");
    }
}

/* ---- lend ---- */

static void say_lent(struct control_asked *asked)
{
    struct json json = control_line(asked);

    json_open(&json, NULL, '{');
    json_bool(&json, "lent", true);
    json_close(&json);
    control_say(asked);
}

static void lent(void *who, enum relay_lent what)
{
    struct control_asked *asked = who;
    struct err err;

    if (what == RELAY_LENT) {
        say_lent(asked);
        return;
    }
    err_set(&err, ERR_LATER, "all connections of the account are in use");
    if (what == RELAY_NONE_FREE)
        control_fail(asked, &err);
    else
        control_done(asked);
    control_let_go(asked);
}

static void begin_lend(struct control_asked *asked)
{
    uint64_t patience;
    struct err err = { 0 };

    if (!json_number_at(json_root(asked->question), "patience_ms", &patience))
        patience = PATIENCE_USUAL_MS;
    if (!asked->control->relay) { /* nobody else has any */
        say_lent(asked);
        control_done(asked);
    } else if (!relay_borrow(asked->control->relay, account_of(asked),
                             patience < PATIENCE_MOST_MS ? patience : PATIENCE_MOST_MS, lent, asked, &asked->loan, &err)) {
        control_fail(asked, &err);
    } else if (asked->events.lasts) {
        asked->events.lasts(asked->who); /* who hangs up wants it no longer */
    }
}

const struct control_verb today_verb = { "today", FOR_MEMBERS, begin_today };
/* {"verb":"lend","account":"live","patience_ms":5000} -> {"lent":true}, and nothing more until the caller hangs up, or
 * has had it for RELAY_LOAN_MS. Counts as one of the account's connections. */
const struct control_verb lend_verb = { "lend", FOR_OWNERS, begin_lend };
