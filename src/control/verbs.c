#include "control/verbs_int.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

static const struct control_verb *const verbs[] = {
    &queue_list_verb,  &queue_show_verb,   &queue_hold_verb, &queue_release_verb,
    &queue_retry_verb, &queue_remove_verb, &status_verb,     &wake_verb,
    &reload_verb,      &refusals_verb,     &today_verb,      &lend_verb,
};

/* ---- lines ---- */

struct json control_line(struct control_asked *asked)
{
    buf_clear(&asked->line);
    return json_to(&asked->line);
}

void control_say(struct control_asked *asked)
{
    if (asked->line.full)
        return; /* longer than anybody reads */
    asked->events.line(asked->who, buf_span(&asked->line));
}

static void asked_free(struct control_asked *asked)
{
    store_rows_done(&asked->rows);
    store_story_done(&asked->story);
    store_accounts_done(&asked->accounts);
    json_tree_free(asked->question);
    relay_give_back(asked->loan);
    queue_unfollow(asked->follow);
    buf_done(&asked->mark);
    buf_done(&asked->line);
    mem_free(asked->ids);
    mem_free(asked);
}

/* The memory goes with the job that came to the end. */
static void finish(struct control_asked *asked)
{
    asked->over = true;
    if (!asked->abandoned)
        asked->events.done(asked->who);
}

void control_done(struct control_asked *asked)
{
    struct json json = control_line(asked);

    json_open(&json, NULL, '{');
    json_bool(&json, "done", true);
    json_number(&json, "matched", asked->changed.matched);
    json_number(&json, "sending", asked->changed.sending);
    json_close(&json);
    control_say(asked);
    finish(asked);
}

void control_fail(struct control_asked *asked, const struct err *err)
{
    struct json json = control_line(asked);

    json_open(&json, NULL, '{');
    json_bool(&json, "done", true);
    json_number(&json, "kind", (uint64_t)err->kind);
    json_text(&json, "fact", err->fact);
    json_text(&json, "text", err->text);
    json_close(&json);
    control_say(asked);
    finish(asked);
}

static const char *const facts[] = {
    "store:gone", "store:damaged", "store:newer", "store:foreign", "store:locked", "store:key-reused", "queue:full",
    "disk:full",  "disk:reserve",  "disk:failed", "config:bad",    "config:unreadable",
};

bool control_failure(const struct json_value *last, struct err *ret_err)
{
    uint64_t kind = 0;

    if (!json_number_at(last, "kind", &kind) || kind == ERR_NONE || kind > ERR_UNKNOWN)
        return false;
    err_set(ret_err, (enum err_kind)kind, "%.*s", SPAN_ARG(json_text_at(last, "text")));
    for (size_t i = 0; i < COUNT(facts); i++)
        if (span_is(json_text_at(last, "fact"), facts[i]))
            ret_err->fact = facts[i];
    return true;
}

/* ---- the queue ---- */

static bool run(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct control_asked *asked = data;

    return asked->run(asked, store, now, err);
}

static void done(void *data, const struct err *err)
{
    struct control_asked *asked = data;

    asked->ask = NULL;
    if (err->kind == ERR_NONE)
        asked->ran(asked);
    else
        control_fail(asked, err);
}

/* The verb may have asked for more meanwhile. */
static void drop(void *data)
{
    struct control_asked *asked = data;

    asked->jobs--;
    if (!asked->jobs && (asked->over || asked->abandoned))
        asked_free(asked);
}

static bool ask_queue(struct control_asked *asked, struct err *err)
{
    const struct queue_job job = { .run = run, .done = done, .drop = drop, .data = asked };

    if (!queue_ask(asked->control->port, &job, &asked->ask, err))
        return false;
    asked->jobs++;
    return true;
}

void control_queue(struct control_asked *asked,
                   bool (*to_run)(struct control_asked *asked, struct store *store, uint64_t now, struct err *err),
                   void (*ran)(struct control_asked *asked))
{
    struct err err = { 0 };

    asked->run = to_run;
    asked->ran = ran;
    if (!ask_queue(asked, &err))
        control_fail(asked, &err);
}

void control_queue_again(struct control_asked *asked)
{
    asked->waits = asked->events.room && !asked->events.room(asked->who);
    if (!asked->waits)
        control_queue(asked, asked->run, asked->ran);
}

void control_let_go(struct control_asked *asked)
{
    if (asked->over && !asked->jobs)
        asked_free(asked);
}

void control_go_on(struct control_asked *asked)
{
    if (!asked || !asked->waits)
        return;
    control_queue_again(asked);
    control_let_go(asked);
}

/* ---- a question ---- */

static const struct control_verb *verb_of(struct span name)
{
    for (size_t i = 0; i < COUNT(verbs); i++)
        if (span_is(name, verbs[i]->name))
            return verbs[i];
    return NULL;
}

static bool may(const struct control_caller *caller, const struct control_verb *verb)
{
    return caller->may_all || verb->least == FOR_GUESTS || (verb->least == FOR_MEMBERS && !caller->is_guest);
}

static bool understand(struct control_asked *asked, struct span question, struct err *err)
{
    if (!json_read(question, CONTROL_QUESTION_MAX, &asked->question, err))
        return err_in(err, "the question");
    asked->verb = verb_of(json_text_at(json_root(asked->question), "verb"));
    if (!asked->verb)
        return err_set(err, ERR_USAGE, "there is no such verb; is the daemon another version?");
    return may(&asked->caller, asked->verb) ||
           err_set(err, ERR_USAGE,
                   "that is for root and for the user whom this outpost runs as (sudo outpost ...); everybody else may "
                   "send, and list, show and remove mail of their own");
}

/* An answer never comes from within: every verb begins on the queue's way back. */
static bool run_nothing(struct control_asked *asked, struct store *store, uint64_t now, struct err *err)
{
    (void)asked, (void)store, (void)now, (void)err;
    return true;
}

static void begin(struct control_asked *asked)
{
    asked->verb->begin(asked);
}

static void refuse(struct control_asked *asked)
{
    control_fail(asked, &asked->why);
}

bool control_ask(const struct control *control, const struct control_caller *caller, struct span question,
                 const struct control_events *events, void *who, struct control_asked **ret_asked,
                 struct err *err)
{
    struct control_asked *asked = NEW(control_asked);

    if (!asked)
        return err_no_memory(err);
    asked->control = control;
    asked->caller = *caller;
    asked->events = *events;
    asked->who = who;
    asked->line = (struct buf)BUF(CONTROL_LINE_MAX);
    asked->mark = (struct buf)BUF(STORE_MARK_MAX);
    asked->run = run_nothing;
    asked->ran = understand(asked, question, &asked->why) ? begin : refuse;
    if (!ask_queue(asked, err)) {
        asked_free(asked);
        return false;
    }
    *ret_asked = asked;
    return true;
}

void control_abandon(struct control_asked *asked)
{
    if (!asked)
        return;
    asked->abandoned = true;
    queue_abandon(GIVE(asked->ask));
    if (!asked->jobs) /* else drop() frees it */
        asked_free(asked);
}
