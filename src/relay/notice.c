/* A round: what is marked is fetched from the queue, sorted into matters, told by mail one after another, and what mail
 * can't tell by [notify], all together. */
#include "relay/notice.h"

#include <stdio.h>

#include "base/alloc.h"
#include "net/loop.h"
#include "net/timer.h"
#include "relay/notice_mail.h"
#include "relay/settings.h"

#include "base/banned.h"

enum {
    ROUND_MESSAGES = 20,
    ROUND_RECIPIENTS = 1000,      /* of a message, in one report */
    AGAIN_MS = 10 * 60 * 1000,    /* what could not be told is tried again */
    BUSY_MS = 5 * 1000,           /* another round of [notify] goes on */
    PATIENCE_MS = 3 * 60 * 1000,
    MATTERS_MAX = ROUND_MESSAGES * ABOUT_WHATS,
};

struct notices {
    struct notices_plan plan;
    const struct notify_settings *settings;
    const struct queue_settings *kept;
    struct loop *loop;
    struct queue_port *port;
    struct timer *timer;
    bool busy, again;         /* a round goes on; and something was marked meanwhile */
    uint64_t left_until;      /* what an earlier life put off is due at once; 0: all of that was seen */

    /* Of the round: */
    struct pool pool;
    struct store_rows rows;
    struct store_accounts accounts;
    uint64_t next;            /* when more is to be told, by the queue's time */
    struct about matters[MATTERS_MAX];
    size_t count, at;
    const struct about *others[MATTERS_MAX]; /* for [notify] */
    struct notice texts[MATTERS_MAX];
    const char *told_by[MATTERS_MAX];        /* a way; NULL: by none yet */
    size_t other_count, noted;
    bool others_told;
    struct notify *notify;
    struct notify_plan notify_plan;
};

static void step(struct notices *n);

static void say(const struct notices *n, const struct about *about, const char *how, const struct err *err)
{
    if (n->plan.saw)
        n->plan.saw(n->plan.who, about->row->id, how, err);
}

/* ---- the end of a round ---- */

static void forget(struct notices *n)
{
    store_rows_done(&n->rows);
    store_accounts_done(&n->accounts);
    pool_done(&n->pool);
    n->rows = (struct store_rows){ 0 };
    n->accounts = (struct store_accounts){ 0 };
    n->pool = (struct pool){ NULL };
    n->count = n->at = n->other_count = n->noted = 0;
    n->others_told = false;
}

/* Was there more than one round takes? */
static bool was_full(const struct notices *n)
{
    bool full = n->rows.count == ROUND_MESSAGES;

    for (size_t i = 0; i < n->rows.count; i++)
        full |= n->rows.at[i].recipient_count == ROUND_RECIPIENTS;
    return full;
}

static void end_round(struct notices *n, uint64_t wait_ms)
{
    uint64_t now = queue_now(n->plan.queue);
    uint64_t until = n->next == STORE_NEVER ? UINT64_MAX : n->next > now ? n->next - now : 0;
    bool more = was_full(n);

    forget(n);
    n->busy = false;
    if (n->again || more)
        wait_ms = 0;
    else if (until < wait_ms)
        wait_ms = until;
    timer_set(n->timer, wait_ms == UINT64_MAX ? UINT64_MAX : loop_now(n->loop) + wait_ms);
}

/* ---- written down: told by another way, or over ---- */

struct noting {
    struct notices *notices;
    const struct about *about;
    char how[64];
};

static bool run_noting(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct noting *noting = data;
    const struct store_told told = about_told(noting->about, noting->how);

    return store_told(store, &told, now, err);
}

/* That it was told stands; failing to write it down means that it is told once more. */
static void noting_done(void *data, const struct err *err)
{
    struct noting *noting = data;
    struct notices *n = noting->notices;

    if (err->kind != ERR_NONE)
        say(n, noting->about, noting->how, err);
    step(n);
}

static void drop_noting(void *data)
{
    mem_free(data);
}

static bool note(struct notices *n, const struct about *about, const char *how)
{
    struct noting *noting = NEW(noting);
    const struct queue_job job = { .run = run_noting, .done = noting_done, .drop = drop_noting, .data = noting };

    if (!noting)
        return false;
    noting->notices = n;
    noting->about = about;
    snprintf(noting->how, sizeof noting->how, "%s", how);
    if (queue_ask(n->port, &job, NULL, NULL))
        return true;
    mem_free(noting);
    return false;
}

/* ---- by mail ---- */

static const struct account *account_of(const void *of, const char *name)
{
    const struct notices *n = of;
    const struct config *config = n->plan.config;
    const struct route_settings *route = *name ? config_section(config, &route_part, name) : NULL;

    return route && route->accounts.count ? config_account(config, route->accounts.at[0]) : config_account(config, name);
}

static bool is_parked(const struct notices *n, const char *name)
{
    for (size_t i = 0; i < n->accounts.count; i++)
        if (strcmp(n->accounts.at[i].name, name) == 0)
            return n->accounts.at[i].parked_since != 0;
    return false;
}

/* Is it told by [notify] where mail can't? */
static bool is_worth_it(const struct about *about)
{
    return about->what == ABOUT_FAILED || about->what == ABOUT_UNKNOWN;
}

/* By which it goes; NULL: not by mail. An account that can't send would keep the news of it to itself; what is told by mail
 * alone waits with it. */
static const struct account *carrier_of(const struct notices *n, const struct about *about)
{
    const char *by = about->recipients[0]->by;
    const struct account *account = account_of(n, *by ? by : about->row->account);

    if (!account)
        account = account_of(n, about->row->account);
    if (!account || !account->address || !about_goes_by_mail(about))
        return NULL;
    return is_parked(n, account->name) && notify_has_ways(n->settings) && is_worth_it(about) ? NULL : account;
}

static void mail_done(void *who, const struct err *err)
{
    struct notices *n = who;

    say(n, &n->matters[n->at - 1], "mail", err);
    step(n);
}

static bool mail(struct notices *n, const struct about *about, const struct account *account, struct err *err)
{
    uint64_t now = queue_now(n->plan.queue), wall = clock_wall(n->plan.clock);
    const struct about_time time = { (int64_t)queue_to_wall(n->plan.queue, now) - (int64_t)now, n->kept->give_up_after };
    struct mailing_plan plan = {
        .port = n->port,
        .about = about,
        .account = account,
        .to = n->settings->reports_to,
        .report = { .host = n->plan.host, .now = wall / 1000, .zone_minutes = clock_zone_minutes(wall) },
    };

    const struct about_accounts accounts = { account_of, n };

    return random_fill(n->plan.dice, plan.report.random, sizeof plan.report.random, err) &&
           (about_report(about, n->plan.know, &time, &accounts, &n->pool, &plan.report) || err_no_memory(err)) &&
           mailing_start(&plan, mail_done, n, err);
}

/* ---- by [notify] ---- */

static bool is_old(const struct notices *n, const struct about *about)
{
    return queue_now(n->plan.queue) > about->recipients[0]->at + n->kept->keep_history;
}

/* Put aside for [notify]. False: it is dealt with, its end is told. */
static bool put_aside(struct notices *n, const struct about *about)
{
    if (!is_worth_it(about))
        return !note(n, about, "nobody: its sender gets no mail");
    if (!notify_has_ways(n->settings))
        return !is_old(n, about) || !note(n, about, "nobody: there is no way, and its time in history is over");
    const struct about_accounts accounts = { account_of, n };
    if (about_notice(about, n->plan.know, &accounts, n->plan.host, &n->pool, &n->texts[n->other_count])) {
        n->told_by[n->other_count] = NULL;
        n->others[n->other_count++] = about;
    }
    return true;
}

static void told_one(void *who, const struct notice *notice, const char *way, const struct err *err)
{
    struct notices *n = who;
    size_t which = (size_t)(notice - n->texts);

    if (!err && !n->told_by[which])
        n->told_by[which] = way;
    say(n, n->others[which], way, err);
}

static void all_told(void *who)
{
    struct notices *n = who;

    n->notify = NULL;
    n->others_told = true;
    step(n);
}

static bool tell_others(struct notices *n, struct err *err)
{
    const struct credential_world *world = &n->plan.world->credentials;

    n->notify_plan = (struct notify_plan){
        .settings = n->settings,
        .source = "relay",
        .state = n->plan.state,
        .host = n->plan.host,
        .disk = n->plan.disk,
        .dice = n->plan.dice,
        .clock = n->plan.clock,
        .loop = n->loop,
        .resolver = world->resolver,
        .detours = world->detours,
        .ca_file = world->ca_file,
        .proxy = world->proxy,
        .deadline = loop_now(n->loop) + PATIENCE_MS,
        .told = told_one,
        .done = all_told,
        .who = n,
    };
    return notify_tell(&n->notify_plan, n->texts, n->other_count, &n->notify, err);
}

/* ---- one matter after another ---- */

/* True: its end will be told. */
static bool begin_matter(struct notices *n, const struct about *about)
{
    const struct account *account = about->what == ABOUT_NOTHING ? NULL : carrier_of(n, about);
    struct err err = { 0 };

    if (about->what == ABOUT_NOTHING)
        return note(n, about, "nobody: it was over before");
    if (account && mail(n, about, account, &err))
        return true;
    if (account)
        say(n, about, "mail", &err);
    if (account && (!err.fact || strcmp(err.fact, "address:malformed") != 0))
        return false; /* not now */
    return !put_aside(n, about);
}

/* False: now it can't be. */
static bool begin_others(struct notices *n)
{
    struct err err = { 0 };

    if (tell_others(n, &err))
        return true;
    if (err.kind == ERR_LATER) { /* somebody else tells by it just now */
        timer_set(n->timer, loop_now(n->loop) + BUSY_MS);
        return true;
    }
    say(n, n->others[0], "notify", &err);
    return false;
}

static bool note_other(struct notices *n, size_t which)
{
    HELD(buf) how = BUF(64);

    if (!n->told_by[which])
        return false;
    buf_addf(&how, "[notify] %s", n->told_by[which]);
    return note(n, n->others[which], buf_text(&how));
}

/* The next thing of the round; called again when it has ended. */
static void step(struct notices *n)
{
    while (n->at < n->count)
        if (begin_matter(n, &n->matters[n->at++]))
            return;
    if (n->other_count && !n->others_told && begin_others(n))
        return;
    while (n->noted < n->other_count)
        if (note_other(n, n->noted++))
            return;
    end_round(n, UINT64_MAX);
}

/* ---- fetching ---- */

struct fetching {
    struct notices *notices;
    uint64_t left_until;
    struct store_rows rows;
    struct store_accounts accounts;
    uint64_t next;
};

static bool run_fetching(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct fetching *fetching = data;
    uint64_t due = fetching->left_until > now ? fetching->left_until : now;

    return store_accounts(store, NULL, now, &fetching->accounts, err) &&
           store_reports(store, due, now + AGAIN_MS, ROUND_MESSAGES, ROUND_RECIPIENTS, &fetching->rows,
                         &fetching->next, err);
}

static void fetched(void *data, const struct err *err)
{
    struct fetching *fetching = data;
    struct notices *n = fetching->notices;
    bool sorted = err->kind == ERR_NONE;

    n->rows = fetching->rows;
    n->accounts = fetching->accounts;
    n->next = sorted ? fetching->next : STORE_NEVER;
    if (sorted && n->rows.count < ROUND_MESSAGES)
        n->left_until = 0;
    fetching->rows = (struct store_rows){ 0 };
    fetching->accounts = (struct store_accounts){ 0 };
    for (size_t i = 0; sorted && i < n->rows.count; i++)
        sorted = about_sort(&n->rows.at[i], &n->pool, n->matters, &n->count);
    if (sorted)
        step(n);
    else
        end_round(n, AGAIN_MS);
}

static void drop_fetching(void *data)
{
    struct fetching *fetching = data;

    store_rows_done(&fetching->rows);
    store_accounts_done(&fetching->accounts);
    mem_free(fetching);
}

static void rang(void *who)
{
    struct notices *n = who;
    struct fetching *fetching = n->busy ? NULL : NEW(fetching);
    const struct queue_job job = { .run = run_fetching, .done = fetched, .drop = drop_fetching, .data = fetching };

    if (n->busy) {
        step(n);
        return;
    }
    n->again = false;
    n->next = STORE_NEVER;
    n->busy = true;
    if (fetching) {
        fetching->notices = n;
        fetching->left_until = n->left_until;
        if (queue_ask(n->port, &job, NULL, NULL))
            return;
        mem_free(fetching);
    }
    end_round(n, AGAIN_MS);
}

/* ---- life ---- */

void notices_look(struct notices *n)
{
    if (!n)
        return;
    n->again = true;
    if (!n->busy)
        timer_set(n->timer, loop_now(n->loop));
}

bool notices_start(const struct notices_plan *plan, struct notices **ret_notices, struct err *err)
{
    struct notices *n = NEW(notices);

    if (!n)
        return err_no_memory(err);
    n->plan = *plan;
    n->loop = plan->world->credentials.secrets.loop;
    n->left_until = queue_now(plan->queue) + AGAIN_MS - 1; /* before anything that we put off */
    n->settings = config_section(plan->config, &notify_part, NULL);
    n->kept = config_section(plan->config, &queue_part, NULL);
    n->timer = timer_new(n->loop, rang, n);
    if (!n->timer || !queue_port_new(plan->queue, plan->in_line ? NULL : n->loop, NULL, NULL, &n->port, err)) {
        if (!n->timer)
            err_no_memory(err);
        timer_free(n->timer);
        mem_free(n);
        return false;
    }
    notices_look(n);
    *ret_notices = n;
    return true;
}

void notices_stop(struct notices *n)
{
    if (!n)
        return;
    notify_cancel(n->notify);
    queue_port_free(n->port);
    timer_free(n->timer);
    forget(n);
    mem_free(n);
}
