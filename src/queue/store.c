#include "queue/store.h"

#include <stdlib.h>

#include "base/str.h"
#include "queue/store_int.h"

#include "base/banned.h"

static const char *const state_words[] = {
#define X(name, word, words) [STORE_##name] = word,
    STORE_STATES(X)
#undef X
};

static const char *const event_words[] = {
#define X(name, word) [STORE_EVENT_##name] = word,
    STORE_EVENTS(X)
#undef X
};

const char store_text_lost[] = "whoever was sending it stopped in the middle, three times in a row";
const char store_text_damaged[] = "its body on the disk is damaged";

const char *store_state_word(enum store_state state)
{
    return state_words[state];
}

unsigned store_states_of_word(struct span word)
{
    unsigned states = 0;

    for (size_t i = 0; i < STORE_STATE_COUNT; i++)
        if (span_is_word(word, state_words[i]))
            states |= STORE_IN(i);
    return states;
}

const char *store_event_word(enum store_event_kind kind)
{
    return event_words[kind];
}

/* What is the same whoever keeps it ------------------------------------------------------------------------ */

void store_tell_due(const struct store *store, const char *account, uint64_t at)
{
    if (store->watch.due && at != STORE_NEVER)
        store->watch.due(store->watch.who, account, at);
}

void store_tell_changed(const struct store *store, uint64_t id)
{
    if (store->watch.changed)
        store->watch.changed(store->watch.who, id);
}

void store_sum_add(struct store_sum *sum, const struct store_row_recipient *recipient)
{
    bool open = STORE_OPEN & STORE_IN(recipient->state), waits = STORE_WAITING & STORE_IN(recipient->state);
    bool goes_on = open && (!waits || recipient->next != STORE_NEVER);
    unsigned marks = recipient->wanted | recipient->told;
    bool asked = recipient->unsure && (marks & REPORT_FAILURE); /* a person was, and let it go on */
    bool untold = goes_on && !(marks & REPORT_DELAY);

    sum->by_state[recipient->state]++;
    sum->wanted |= recipient->wanted != 0;
    sum->unsure |= open && recipient->unsure;
    sum->ages |= goes_on && !asked;
    sum->untold |= untold && !(recipient->notify & NOTIFY_NEVER);
    sum->wishes |= untold && (recipient->notify & NOTIFY_DELAY);
    if (waits && recipient->next < sum->next)
        sum->next = recipient->next;
}
bool store_sum_is_open(const struct store_sum *sum)
{
    for (size_t i = 0; i < STORE_STATE_COUNT; i++)
        if (sum->by_state[i] && (STORE_OPEN & STORE_IN(i)))
            return true;
    return false;
}

enum store_state store_sum_state(const struct store_sum *sum, bool held)
{
    /* What a person wants to hear of first. */
    static const enum store_state open[] = { STORE_UNKNOWN, STORE_DEFERRED, STORE_QUEUED };

    if (sum->by_state[STORE_SENDING] || sum->by_state[STORE_LEAVING])
        return STORE_SENDING;
    if (held && store_sum_is_open(sum))
        return STORE_HELD;
    for (size_t i = 0; i < COUNT(open); i++)
        if (sum->by_state[open[i]])
            return open[i];
    if (sum->by_state[STORE_FAILED])
        return STORE_FAILED;
    return sum->by_state[STORE_DELIVERED] ? STORE_DELIVERED : STORE_REMOVED;
}

bool store_sum_is_tied(const struct store_sum *sum)
{
    return sum->unsure || sum->by_state[STORE_LEAVING];
}

uint64_t store_sum_due(const struct store_sum *sum, bool held, uint64_t deadline, uint64_t now)
{
    if (held || sum->by_state[STORE_SENDING] || sum->by_state[STORE_LEAVING])
        return STORE_NEVER;
    bool waits = sum->by_state[STORE_QUEUED] || sum->by_state[STORE_DEFERRED] || sum->by_state[STORE_UNKNOWN];
    return waits && sum->next != STORE_NEVER && deadline > now && deadline < sum->next ? deadline : sum->next;
}

bool store_is_due(enum store_state state, uint64_t next, uint64_t deadline, uint64_t now)
{
    return (STORE_WAITING & STORE_IN(state)) && next != STORE_NEVER && (next <= now || (deadline && deadline <= now));
}

struct store_lateness store_lateness(const struct store_sum *sum, const struct store_row *row, bool held,
                                     uint64_t parked_before)
{
    bool tells = !row->deadline_tells || (sum->untold && !row->silent);
    uint64_t born = (row->not_before > row->created ? row->not_before : row->created) - parked_before;

    if (held || !sum->ages)
        return (struct store_lateness){ STORE_NEVER, STORE_NEVER, STORE_NEVER };
    return (struct store_lateness){
        .deadline = row->deadline && tells ? row->deadline : STORE_NEVER,
        .born = born,
        .wished = sum->wishes && !row->silent ? born : STORE_NEVER,
    };
}

enum store_state store_shown(enum store_state state, bool parked)
{
    return parked && (state == STORE_QUEUED || state == STORE_DEFERRED) ? STORE_PARKED : state;
}

static bool id_fits(const struct store_filter *filter, uint64_t id)
{
    for (size_t i = 0; i < filter->id_count; i++)
        if (filter->ids[i] == id)
            return true;
    return filter->id_count == 0;
}

static bool word_fits(const char *wish, const char *is)
{
    return !wish || span_is(span_of(is), wish);
}

bool store_filter_fits(const struct store_filter *filter, const struct store_row *row)
{
    if (filter->from && !str_matches(span_of(row->sender), filter->from) &&
        !str_matches(span_of(row->from), filter->from))
        return false;
    return id_fits(filter, row->id) && word_fits(filter->account, row->account) &&
           word_fits(filter->submitter, row->submitter) &&
           (!filter->created_before || row->created < filter->created_before) &&
           (filter->states ? (filter->states & STORE_IN(row->state)) != 0 : row->done == 0);
}

bool store_filter_asks_recipients(const struct store_filter *filter)
{
    return filter->to || filter->cause;
}

bool store_filter_asks_history(const struct store_filter *filter)
{
    return (filter->states & (STORE_IN(STORE_DELIVERED) | STORE_IN(STORE_FAILED) | STORE_IN(STORE_REMOVED))) != 0;
}

void store_seek(struct store_seeking *seeking, const struct store_filter *filter, const char *address,
                const char *cause)
{
    seeking->to |= filter->to && str_matches(span_of(address), filter->to);
    seeking->cause |= filter->cause && span_is(span_of(cause), filter->cause);
}

bool store_found(const struct store_seeking *seeking, const struct store_filter *filter,
                 const struct store_row *row)
{
    return (!filter->to || seeking->to) &&
           (!filter->cause || seeking->cause || span_is(span_of(row->held_because), filter->cause));
}

bool store_verb_fits(enum store_verb verb, const struct store_sum *sum, bool held)
{
    const size_t *count = sum->by_state;

    switch (verb) {
    case STORE_VERB_HOLD:
        return !held && store_sum_is_open(sum);
    case STORE_VERB_RELEASE:
        return (held && store_sum_is_open(sum)) || count[STORE_UNKNOWN];
    case STORE_VERB_RETRY:
        return !held && (count[STORE_QUEUED] || count[STORE_DEFERRED] || count[STORE_UNKNOWN]);
    case STORE_VERB_REMOVE:
        return store_sum_is_open(sum);
    }
    return false;
}

uint64_t store_verb_next(enum store_verb verb, enum store_state state, uint64_t next, uint64_t not_before,
                         uint64_t now)
{
    if (verb == STORE_VERB_RELEASE && state == STORE_UNKNOWN)
        return now;
    if (verb != STORE_VERB_RETRY)
        return next;
    return state == STORE_QUEUED && not_before > now ? not_before : now;
}

bool store_outcomes_alike(const struct store_outcome *a, const struct store_outcome *b)
{
    return a->state == b->state && b->number == a->number + 1 && a->reply == b->reply &&
           memcmp(a->enhanced, b->enhanced, sizeof a->enhanced) == 0 &&
           span_equal(span_of(a->cause), span_of(b->cause)) && span_equal(span_of(a->text), span_of(b->text));
}

enum store_event_kind store_event_of(enum store_state state)
{
    return state == STORE_DELIVERED ? STORE_EVENT_DELIVERED
         : state == STORE_FAILED    ? STORE_EVENT_FAILED
         : state == STORE_UNKNOWN   ? STORE_EVENT_UNKNOWN
                                    : STORE_EVENT_DEFERRED;
}

bool store_gone(struct err *err, uint64_t id)
{
    return err_found(err, ERR_DATA, "store:gone", "there is no message %llu, or not all of it",
                     (unsigned long long)id);
}

bool store_lease_lost(struct err *err, uint64_t id)
{
    return err_found(err, ERR_DATA, "store:lease-lost", "message %llu is another's by now",
                     (unsigned long long)id);
}

/* Arguments are looked at, then handed on ------------------------------------------------------------------- */

static bool misuse(struct err *err, const char *what)
{
    return err_set(err, ERR_INTERNAL, "the queue's store was asked with %s", what);
}

/* Outside of a job nothing may be done: what is not known cannot be undone. */
static const struct store_type *in_job(const struct store *store)
{
    if (!store->in_job)
        abort();
    return store->type;
}

bool store_begin(struct store *store, struct err *err)
{
    if (store->in_batch)
        abort();
    return store->in_batch = store->type->begin(store, err);
}

static bool job_begin(struct store *store, bool bare, struct err *err)
{
    if (!store->in_batch || store->in_job)
        abort();
    return store->in_job = store->type->job_begin(store, bare, err);
}

bool store_job_begin(struct store *store, struct err *err)
{
    return job_begin(store, false, err);
}

bool store_job_begin_bare(struct store *store, struct err *err)
{
    return job_begin(store, true, err);
}

bool store_job_end(struct store *store, bool keep, struct err *err)
{
    const struct store_type *type = in_job(store);

    store->in_job = false;
    return type->job_end(store, keep, err);
}

bool store_commit(struct store *store, struct err *err)
{
    if (!store->in_batch || store->in_job)
        abort();
    store->in_batch = false;
    return store->type->commit(store, err);
}

void store_abort(struct store *store)
{
    if (store->in_batch)
        store->type->abort(store);
    store->in_batch = store->in_job = false;
}

bool store_body_add(struct store *store, struct store_body *body, struct span piece, uint64_t now,
                    struct err *err)
{
    if (piece.len == 0 || piece.len > STORE_PIECE_MAX)
        return misuse(err, "a piece that is empty or too large");
    return in_job(store)->body_add(store, body, piece, now, err);
}

bool store_body_drop(struct store *store, const struct store_body *body, struct err *err)
{
    return in_job(store)->body_drop(store, body, err);
}

bool store_body_read(struct store *store, uint64_t id, uint32_t piece, struct buf *out, struct err *err)
{
    return in_job(store)->body_read(store, id, piece, out, err);
}

static bool is_name(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    return len > 0 && len <= STORE_NAME_MAX;
}

static bool order_is_good(const struct store_order *order, struct err *err)
{
    if (!is_name(order->account) || !is_name(order->submitter))
        return misuse(err, "no account or no submitter");
    if (order->envelope->count == 0)
        return err_found(err, ERR_DATA, "recipients:none", "there is no recipient");
    if (order->last.len > STORE_PIECE_MAX || (order->last.len == 0 && !(order->body && order->body->pieces)))
        return misuse(err, "a last piece that is too large, or no body");
    if (order->priority < -9 || order->priority > 9)
        return misuse(err, "a priority beyond 9");
    if (order->envelope->key && (order->content.len == 0 || order->content.len > STORE_CONTENT_MAX))
        return misuse(err, "a key without a digest");
    return true;
}

bool store_accept(struct store *store, const struct store_order *order, uint64_t now,
                  struct store_accepted *ret_accepted, struct err *err)
{
    return order_is_good(order, err) && in_job(store)->accept(store, order, now, ret_accepted, err);
}

bool store_claim(struct store *store, const struct store_claim *claim, uint64_t now,
                 struct store_items *ret_items, struct err *err)
{
    return in_job(store)->claim(store, claim, now, ret_items, err);
}

bool store_leaving(struct store *store, const char *by, struct store_lease *leases, size_t count,
                   uint64_t now, struct err *err)
{
    return in_job(store)->leaving(store, by, leases, count, now, err);
}

bool store_extend(struct store *store, struct store_lease *leases, size_t count, uint64_t until,
                  uint64_t now, struct err *err)
{
    return in_job(store)->extend(store, leases, count, until, now, err);
}

bool store_settle(struct store *store, const struct store_settlement *settlement, uint64_t now,
                  struct err *err)
{
    static const unsigned possible = STORE_WAITING | STORE_IN(STORE_DELIVERED) | STORE_IN(STORE_FAILED);

    for (size_t i = 0; i < settlement->count; i++)
        if (!(possible & STORE_IN(settlement->outcomes[i].state)))
            return misuse(err, "an outcome that is none");
    return in_job(store)->settle(store, settlement, now, err);
}

bool store_hasten(struct store *store, const struct store_wait *waits, size_t count, uint64_t at, uint64_t now,
                  struct err *err)
{
    return in_job(store)->hasten(store, waits, count, at, now, err);
}

bool store_reports(struct store *store, uint64_t now, uint64_t again, size_t messages, size_t recipients,
                   struct store_rows *ret_rows, uint64_t *ret_next, struct err *err)
{
    return in_job(store)->reports(store, now, again, messages, recipients, ret_rows, ret_next, err);
}

bool store_told(struct store *store, const struct store_told *told, uint64_t now, struct err *err)
{
    return in_job(store)->told(store, told, now, err);
}

bool store_change(struct store *store, enum store_verb verb, const struct store_filter *filter,
                  struct store_cursor *cursor, size_t most, bool dry_run, const char *who, uint64_t now,
                  struct store_changed *changed, struct err *err)
{
    return in_job(store)->change(store, verb, filter, cursor, most, dry_run, who, now, changed, err);
}

bool store_list(struct store *store, const struct store_filter *filter, struct store_cursor *cursor,
                size_t rows, size_t recipients, uint64_t now, struct store_rows *ret_rows, struct err *err)
{
    return in_job(store)->list(store, filter, cursor, rows, recipients, now, ret_rows, err);
}

bool store_show(struct store *store, uint64_t id, uint32_t from, size_t recipients, uint64_t now,
                struct store_story *ret_story, struct err *err)
{
    return in_job(store)->show(store, id, from, recipients, now, ret_story, err);
}

bool store_accounts(struct store *store, const char *name, uint64_t now, struct store_accounts *ret_accounts,
                    struct err *err)
{
    return in_job(store)->accounts(store, name, now, ret_accounts, err);
}

bool store_park(struct store *store, const char *account, const char *cause, const char *text, uint64_t now,
                struct err *err)
{
    if (!is_name(account))
        return misuse(err, "no account");
    return in_job(store)->park(store, account, cause, text, now, err);
}

bool store_unpark(struct store *store, const char *account, uint64_t now, struct err *err)
{
    return in_job(store)->unpark(store, account, now, err);
}

bool store_park_told(struct store *store, const char *account, uint64_t now, struct err *err)
{
    return in_job(store)->park_told(store, account, now, err);
}

bool store_mark_put(struct store *store, const char *kind, const char *name, struct span bytes,
                    struct err *err)
{
    if (!is_name(kind) || !is_name(name) || bytes.len > STORE_MARK_MAX)
        return misuse(err, "a mark without a name, or too large");
    return in_job(store)->mark_put(store, kind, name, bytes, err);
}

bool store_mark_get(struct store *store, const char *kind, const char *name, struct buf *out, struct err *err)
{
    return in_job(store)->mark_get(store, kind, name, out, err);
}

bool store_sweep(struct store *store, const struct store_sweep *sweep, uint64_t now, bool *ret_more,
                 struct err *err)
{
    return in_job(store)->sweep(store, sweep, now, ret_more, err);
}

bool store_check(struct store *store, struct store_checking *checking, size_t most, uint64_t now,
                 struct err *err)
{
    return in_job(store)->check(store, checking, most, now, err);
}

bool store_rest(struct store *store, struct err *err)
{
    if (store->in_batch)
        abort();
    return store->type->rest(store, err);
}

bool store_time_put(struct store *store, uint64_t now, int64_t wall, struct err *err)
{
    return in_job(store)->time_put(store, now, wall, err);
}

void store_watch(struct store *store, const struct store_watch *watch)
{
    store->watch = *watch;
}

void store_free(struct store *store)
{
    if (store)
        store->type->close(store);
}

/* What was answered ----------------------------------------------------------------------------------------- */

void store_items_done(struct store_items *items)
{
    for (size_t i = 0; i < items->count; i++)
        envelope_free(items->at[i].envelope);
    pool_done(&items->pool);
    *items = (struct store_items){ 0 };
}

void store_rows_done(struct store_rows *rows)
{
    pool_done(&rows->pool);
    *rows = (struct store_rows){ 0 };
}

void store_story_done(struct store_story *story)
{
    store_rows_done(&story->rows);
    *story = (struct store_story){ 0 };
}

void store_accounts_done(struct store_accounts *accounts)
{
    pool_done(&accounts->pool);
    *accounts = (struct store_accounts){ 0 };
}
