#include "relay/notify.h"

#include "base/alloc.h"
#include "base/obj.h"
#include "net/child.h"
#include "net/fetch.h"
#include "net/timer.h"
#include "os/file.h"
#include "os/lock.h"
#include "relay/notify_form.h"
#include "relay/notify_told.h"

#include "base/banned.h"

enum {
    NOTIFY_MAGIC = 0x6e6f7466,
    PATIENCE_MS = 60 * 1000, /* for one way */
    JSON_MAX = 4 * NOTIFY_TEXT_MAX,
    ENTRY_MAX = 4 * NOTIFY_TEXT_MAX,
};

struct notify {
    uint32_t magic;
    const struct notify_plan *plan;
    const struct notice *notices;
    size_t count;
    size_t at; /* notices[at / NOTIFY_WAYS], by the way at % NOTIFY_WAYS */
    struct told *told;
    struct lock lock;
    struct timer *turn; /* the next one begins at the next turn of the loop */
    struct child *child; /* one of these is under way, or none */
    struct fetch *fetch;
    struct buf body;
};

static void notify_free(struct notify *n)
{
    if (!n)
        return;
    timer_free(n->turn);
    told_free(n->told);
    buf_done(&n->body);
    lock_done(&n->lock);
    OBJ_GONE(n);
    mem_free(n);
}
OWNED(notify);

void notify_cancel(struct notify *n)
{
    if (!n)
        return;
    child_cancel(n->child);
    fetch_cancel(n->fetch);
    notify_free(n);
}

/* ---- what came of it ---- */

static const struct notice *notice_of(const struct notify *n)
{
    return &n->notices[n->at / NOTIFY_WAYS];
}

static enum notify_way way_of(const struct notify *n)
{
    return (enum notify_way)(n->at % NOTIFY_WAYS);
}

static void next(struct notify *n)
{
    n->at++;
    timer_set(n->turn, loop_now(n->plan->loop));
}

/* Whether it is remembered may fail; told is told. */
static void told_one(struct notify *n, const struct err *err)
{
    const struct notify_plan *plan = n->plan;
    struct err why = { 0 };

    if (!err && (!told_add(n->told, plan->source, notice_of(n), way_of(n), &why) ||
                 !told_write(plan, n->told, &why))) {
        err_in(&why, "it was told, and will be again");
        err = &why;
    }
    if (plan->told)
        plan->told(plan->who, notice_of(n), notify_way_word(way_of(n)), err);
    next(n);
}

/* ---- command ---- */

static void command_ended(void *who, struct buf *output, const struct err *err)
{
    struct notify *n = OBJ(notify, NOTIFY_MAGIC, who);

    (void)output;
    n->child = NULL;
    told_one(n, err);
}

static uint64_t deadline_of(const struct notify *n)
{
    uint64_t own = loop_now(n->plan->loop) + PATIENCE_MS;

    return own < n->plan->deadline ? own : n->plan->deadline;
}

static bool by_command(struct notify *n, struct err *err)
{
    HELD(buf) text = BUF(NOTIFY_TEXT_MAX), texts = BUF(NOTIFY_TEXT_MAX);
    const char *variables[NOTIFY_VARIABLES + 1];

    notify_form_text(notice_of(n), &text);
    notify_form_variables(notice_of(n), &texts, variables);
    if (text.full || texts.full)
        return err_no_memory(err);
    const struct child_told told = { buf_span(&text), variables };
    return child_tell_command(n->plan->loop, span_of(n->plan->settings->command), &told, deadline_of(n),
                              command_ended, n, &n->child, err);
}

/* ---- webhook ---- */

static void webhook_answered(void *who, const struct fetch_answer *answer, const struct err *err)
{
    struct notify *n = OBJ(notify, NOTIFY_MAGIC, who);
    struct err why = { 0 };

    n->fetch = NULL;
    if (answer && answer->status / 100 != 2) {
        err_set(&why, ERR_REPLY, "the webhook answered with status %u", answer->status);
        err = &why;
    }
    told_one(n, err);
}

static bool by_webhook(struct notify *n, struct err *err)
{
    static const char *const headers[] = { "Content-Type: application/json", NULL };
    const struct notify_plan *plan = n->plan;

    buf_clear(&n->body);
    notify_form_json(notice_of(n), plan->host, clock_wall(plan->clock) / 1000, &n->body);
    if (n->body.full)
        return err_no_memory(err);
    const struct fetch_plan request = {
        .url = plan->settings->webhook,
        .post = true,
        .body = buf_span(&n->body),
        .once = true,
        .headers = headers,
        .resolver = plan->resolver,
        .detours = plan->detours,
        .ca_file = plan->ca_file,
        .proxy = plan->proxy,
        .deadline = deadline_of(n),
    };
    return fetch_start(plan->loop, &request, webhook_answered, n, &n->fetch, err);
}

/* ---- mailbox ---- */

static bool by_mailbox(struct notify *n, struct err *err)
{
    const struct notify_plan *plan = n->plan;
    HELD(buf) entry = BUF(ENTRY_MAX);
    uint64_t random;

    if (!random_fill(plan->dice, &random, sizeof random, err))
        return false;
    notify_form_mailbox(notice_of(n), plan->host, clock_wall(plan->clock) / 1000, random, &entry);
    if (entry.full)
        return err_no_memory(err);
    if (!file_append(plan->disk, plan->settings->mailbox, buf_span(&entry), 0600, err))
        return false;
    told_one(n, NULL);
    return true;
}

/* ---- one after another ---- */

/* Each begins, and ends in told_one(); on false it did not begin. */
static bool (*const begin[NOTIFY_WAYS])(struct notify *n, struct err *err) = {
    [NOTIFY_COMMAND] = by_command,
    [NOTIFY_WEBHOOK] = by_webhook,
    [NOTIFY_MAILBOX] = by_mailbox,
};

static bool is_wanted(const struct notify *n)
{
    const struct notify_settings *s = n->plan->settings;
    const char *const set[NOTIFY_WAYS] = { s->command, s->webhook, s->mailbox };

    return set[way_of(n)] && !told_has(n->told, n->plan->source, notice_of(n), way_of(n));
}

static void turn(void *who)
{
    struct notify *n = OBJ(notify, NOTIFY_MAGIC, who);
    const struct notify_plan *plan = n->plan;
    struct err err = { 0 };

    while (n->at < n->count * NOTIFY_WAYS && !is_wanted(n))
        n->at++;
    if (n->at == n->count * NOTIFY_WAYS) {
        notify_free(n);
        plan->done(plan->who);
    } else if (!begin[way_of(n)](n, &err)) {
        told_one(n, &err);
    }
}

static bool take_lock(struct notify *n, struct err *err)
{
    char *path = file_path(n->plan->state, ".notices.lock");
    bool taken = false;
    bool ok = path ? lock_try(path, &n->lock, &taken, err) : err_no_memory(err);

    mem_free(path);
    return ok && (taken || err_set(err, ERR_LATER, "another process is telling just now"));
}

bool notify_tell(const struct notify_plan *plan, const struct notice *notices, size_t count,
                 struct notify **ret_notify, struct err *err)
{
    OWN(notify) n = NEW(notify);

    if (!n)
        return err_no_memory(err);
    *n = (struct notify){
        .magic = NOTIFY_MAGIC,
        .plan = plan,
        .notices = notices,
        .count = count,
        .lock = LOCK_NONE,
        .body = BUF(JSON_MAX),
        .turn = timer_new(plan->loop, turn, n),
    };
    if (!n->turn)
        return err_no_memory(err);
    if (!take_lock(n, err) || !told_read(plan, &n->told, err) ||
        (told_keep_only(n->told, plan->source, notices, count) && !told_write(plan, n->told, err)))
        return false;
    timer_set(n->turn, loop_now(plan->loop));
    *ret_notify = GIVE(n);
    return true;
}
