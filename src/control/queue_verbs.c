/* What may be asked of waiting mail.
 *
 * A filter is members of the question: "ids" (numbers), "account", "from", "to" (patterns), "cause", "states" (words),
 * "older" (milliseconds). All of it must fit. */
#include "base/alloc.h"
#include "control/verbs_int.h"

#include "base/banned.h"

enum { PAGE_ROWS = 100, PAGE_RECIPIENTS = 20, STEP = 1000, IDS_MAX = 10000 };

static const struct json_value *question(const struct control_asked *asked)
{
    return json_root(asked->question);
}

/* ---- the filter ---- */

static bool wrong(struct err *err, const char *what)
{
    return err_set(err, ERR_USAGE, "%s", what);
}

static bool read_ids(struct control_asked *asked, struct err *err)
{
    const struct json_value *ids = json_member(question(asked), "ids");
    size_t count = json_count(ids);

    if (count > IDS_MAX)
        return wrong(err, "that is more ids than can be asked for at once");
    if (!count)
        return true;
    asked->ids = mem_array(count, sizeof *asked->ids);
    if (!asked->ids)
        return err_no_memory(err);
    for (size_t i = 0; i < count; i++)
        if (!json_as_number(json_element(ids, i), &asked->ids[i]))
            return wrong(err, "an id is a number");
    asked->filter.ids = asked->ids;
    asked->filter.id_count = count;
    return true;
}

static bool read_states(struct control_asked *asked, struct err *err)
{
    const struct json_value *states = json_member(question(asked), "states");

    for (size_t i = 0; i < json_count(states); i++) {
        unsigned bits = store_states_of_word(json_as_text(json_element(states, i)));
        if (!bits)
            return wrong(err, "there is no such state; they are queued, sending, deferred, held, parked, unknown, "
                              "delivered, failed, removed");
        asked->filter.states |= bits;
    }
    return true;
}

static const char *text_of(const struct control_asked *asked, const char *key)
{
    return json_text_at(question(asked), key).at; /* NUL-terminated, or NULL */
}

static bool read_filter(struct control_asked *asked, struct err *err)
{
    struct store_filter *filter = &asked->filter;
    uint64_t older;

    filter->account = text_of(asked, "account");
    filter->from = text_of(asked, "from");
    filter->to = text_of(asked, "to");
    filter->cause = text_of(asked, "cause");
    if (json_number_at(question(asked), "older", &older)) {
        uint64_t now = queue_now(asked->control->queue);
        filter->created_before = now > older ? now - older : 1;
    }
    if (!asked->caller.may_all)
        filter->submitter = asked->caller.submitter;
    return read_ids(asked, err) && read_states(asked, err);
}

/* ---- list ---- */

static bool run_list(struct control_asked *asked, struct store *store, uint64_t now, struct err *err)
{
    store_accounts_done(&asked->accounts);
    asked->accounts = (struct store_accounts){ 0 };
    return store_list(store, &asked->filter, &asked->cursor, PAGE_ROWS, PAGE_RECIPIENTS, now, &asked->rows, err) &&
           store_accounts(store, NULL, now, &asked->accounts, err);
}

static void listed(struct control_asked *asked)
{
    for (size_t i = 0; i < asked->rows.count; i++) {
        struct json json = control_line(asked);
        show_row(&json, asked->control->queue, &asked->rows.at[i], &asked->accounts);
        control_say(asked);
    }
    asked->changed.matched += asked->rows.count;
    store_rows_done(&asked->rows);
    asked->rows = (struct store_rows){ 0 };
    if (asked->cursor.end)
        control_done(asked);
    else
        control_queue_again(asked);
}

static void begin_list(struct control_asked *asked)
{
    struct err err = { 0 };

    if (read_filter(asked, &err))
        control_queue(asked, run_list, listed);
    else
        control_fail(asked, &err);
}

const struct control_verb queue_list_verb = { "queue list", FOR_GUESTS, begin_list };

/* ---- show ---- */

static bool run_show(struct control_asked *asked, struct store *store, uint64_t now, struct err *err)
{
    store_story_done(&asked->story);
    store_accounts_done(&asked->accounts);
    if (!store_show(store, asked->ids[0], 0, PAGE_ROWS, now, &asked->story, err) ||
        !store_accounts(store, NULL, now, &asked->accounts, err))
        return false;
    /* Another's message is as good as none: whether it is there is nobody else's business. */
    return asked->caller.may_all || strcmp(asked->story.rows.at[0].submitter, asked->caller.submitter) == 0 ||
           err_found(err, ERR_DATA, "store:gone", "there is no such message");
}

/* Its first try is yet to come, or under way. */
static bool is_under_way(const struct control_asked *asked)
{
    static const unsigned states = STORE_IN(STORE_QUEUED) | STORE_IN(STORE_SENDING) | STORE_IN(STORE_LEAVING);

    return states & STORE_IN(asked->story.rows.at[0].state);
}

static void shown(struct control_asked *asked);

static void look_again(struct control_asked *asked)
{
    asked->news = false;
    control_queue(asked, run_show, shown);
}

static void something_came(void *who, uint64_t id)
{
    struct control_asked *asked = who;
    (void)id;

    asked->news = true;
    if (asked->ask || asked->jobs || asked->over || asked->abandoned)
        return; /* it is being looked at, or nobody wants to know */
    look_again(asked);
    control_let_go(asked);
}

/* Who waits hears nothing as long as there is nothing. */
static bool goes_on_waiting(struct control_asked *asked)
{
    if (!asked->follow || !is_under_way(asked))
        return false;
    if (asked->events.lasts)
        asked->events.lasts(asked->who);
    if (asked->news)
        look_again(asked);
    return true;
}

static void shown(struct control_asked *asked)
{
    if (goes_on_waiting(asked))
        return;
    struct json json = control_line(asked);

    show_story(&json, asked->control->queue, &asked->story, &asked->accounts);
    control_say(asked);
    asked->changed.matched = 1;
    control_done(asked);
}

/* Before it is looked at: from here on nothing is missed. */
static bool follow_if_wished(struct control_asked *asked, struct err *err)
{
    bool waits = false;

    if (!json_bool_at(question(asked), "wait", &waits) || !waits)
        return true;
    return queue_follow(asked->control->port, asked->ids[0], something_came, asked, &asked->follow, err);
}

static void begin_show(struct control_asked *asked)
{
    struct err err = { 0 };

    if (read_filter(asked, &err) && (asked->filter.id_count == 1 || wrong(&err, "one id is wanted")) &&
        follow_if_wished(asked, &err))
        control_queue(asked, run_show, shown);
    else
        control_fail(asked, &err);
}

/* With "wait": true the answer comes when its first try is over, or it waits for something; the caller hangs up when he has
 * waited enough. */
const struct control_verb queue_show_verb = { "queue show", FOR_GUESTS, begin_show };

/* ---- change ---- */

static enum store_verb verb_of(const struct control_asked *asked)
{
    return asked->verb == &queue_hold_verb      ? STORE_VERB_HOLD
           : asked->verb == &queue_release_verb ? STORE_VERB_RELEASE
           : asked->verb == &queue_retry_verb   ? STORE_VERB_RETRY
                                                : STORE_VERB_REMOVE;
}

static bool run_change(struct control_asked *asked, struct store *store, uint64_t now, struct err *err)
{
    bool dry = false;

    if (!json_bool_at(question(asked), "dry_run", &dry))
        dry = false;
    return store_change(store, verb_of(asked), &asked->filter, &asked->cursor, STEP, dry, asked->caller.submitter,
                        now, &asked->changed, err);
}

static void changed(struct control_asked *asked)
{
    if (!asked->cursor.end) {
        control_queue(asked, run_change, changed);
        return;
    }
    /* Who asks for another try means the account, too. */
    if (asked->verb == &queue_retry_verb && asked->control->relay)
        relay_wake(asked->control->relay, asked->filter.account);
    control_done(asked);
}

static bool has_filter(const struct control_asked *asked)
{
    const struct store_filter *filter = &asked->filter;
    bool all = false;

    return filter->id_count || filter->account || filter->from || filter->to || filter->cause ||
           filter->created_before || filter->states ||
           (json_bool_at(question(asked), "all", &all) && all);
}

static void begin_change(struct control_asked *asked)
{
    struct err err = { 0 };

    if (read_filter(asked, &err) &&
        (has_filter(asked) || wrong(&err, "which? an id, a filter, or all of them")))
        control_queue(asked, run_change, changed);
    else
        control_fail(asked, &err);
}

const struct control_verb queue_hold_verb = { "queue hold", FOR_MEMBERS, begin_change };
const struct control_verb queue_release_verb = { "queue release", FOR_MEMBERS, begin_change };
const struct control_verb queue_retry_verb = { "queue retry", FOR_MEMBERS, begin_change };
const struct control_verb queue_remove_verb = { "queue remove", FOR_GUESTS, begin_change };
