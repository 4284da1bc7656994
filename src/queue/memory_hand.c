#include "queue/memory_int.h"

#include "base/banned.h"

enum { STEPS_OF_A_PAGE = 1000 };

/* The row as it is shown: parked, with the time when something happens of itself. */
static bool show_row(const struct memory *memory, const struct memory_message *message, size_t from,
                     size_t recipients, uint64_t now, struct pool *pool, struct store_row *ret_row)
{
    if (!memory_copy_row(pool, &message->row, from, recipients, ret_row))
        return false;
    bool parked = memory_is_parked(memory, message->row.account);
    ret_row->state = ret_row->done ? ret_row->state : store_shown(ret_row->state, parked);
    ret_row->stood = memory_stood(memory, message, now);
    if (ret_row->done || ret_row->state == STORE_PARKED)
        ret_row->next = STORE_NEVER;
    else if (message->until)
        ret_row->next = message->until;
    return true;
}

static bool fits(const struct memory *memory, const struct store_filter *filter, const struct memory_message *message)
{
    struct store_row row = message->row;
    struct store_seeking seeking = { 0 };

    if (!row.done)
        row.state = store_shown(row.state, memory_is_parked(memory, row.account));
    if (!store_filter_fits(filter, &row))
        return false;
    for (size_t i = 0; i < row.recipient_count; i++)
        store_seek(&seeking, filter, row.recipients[i].address, row.recipients[i].cause);
    return store_found(&seeking, filter, &row);
}

/* The next message of a walk, or NULL at its end; the cursor is past it. */
static const struct thing *walk(const struct memory *memory, const struct store_filter *filter,
                                struct store_cursor *cursor)
{
    const struct shelf *shelf = &memory->shelves[KIND_MESSAGE];

    while (!cursor->end) {
        for (size_t i = 0; i < shelf->count; i++) {
            const struct thing *thing = shelf->at[i];
            if (thing->id <= cursor->id || (thing->message.row.done != 0) != cursor->history)
                continue;
            cursor->id = thing->id;
            return thing;
        }
        cursor->end = cursor->history || !store_filter_asks_history(filter);
        *cursor = (struct store_cursor){ .history = true, .end = cursor->end };
    }
    return NULL;
}

bool memory_list(struct store *store, const struct store_filter *filter, struct store_cursor *cursor,
                        size_t rows, size_t recipients, uint64_t now, struct store_rows *ret, struct err *err)
{
    struct memory *memory = memory_of(store);

    ret->at = pool_array(&ret->pool, rows, sizeof *ret->at);
    if (!ret->at)
        return err_no_memory(err);
    for (size_t steps = 0; ret->count < rows && steps < STEPS_OF_A_PAGE; steps++) {
        const struct thing *thing = walk(memory, filter, cursor);
        if (!thing)
            return true;
        if (fits(memory, filter, &thing->message) &&
            !show_row(memory, &thing->message, 0, recipients, now, &ret->pool, &ret->at[ret->count++]))
            return err_no_memory(err);
    }
    return true;
}

bool memory_show(struct store *store, uint64_t id, uint32_t from, size_t recipients, uint64_t now,
                        struct store_story *ret, struct err *err)
{
    struct memory *memory = memory_of(store);
    const struct thing *thing = memory_find(memory, KIND_MESSAGE, id, "");
    struct pool *pool = &ret->rows.pool;

    if (!thing)
        return store_gone(err, id);
    const struct memory_message *message = &thing->message;
    ret->rows.at = pool_array(pool, 1, sizeof *ret->rows.at);
    ret->events = pool_array(pool, message->event_count, sizeof *ret->events);
    if (!ret->rows.at || !ret->events ||
        !show_row(memory, message, from, recipients, now, pool, &ret->rows.at[ret->rows.count++]))
        return err_no_memory(err);
    for (size_t i = 0; i < message->event_count; i++) {
        struct store_event *event = &ret->events[ret->event_count++];
        *event = message->events[i];
        if (!(event->by = memory_text(pool, event->by)) || !(event->cause = memory_text(pool, event->cause)) ||
            !(event->text = memory_text(pool, event->text)))
            return err_no_memory(err);
    }
    return true;
}

/* Telling ---------------------------------------------------------------------------------------------------- */

static void keep_wanted(struct store_row *row, size_t most)
{
    size_t kept = 0;

    for (size_t i = 0; i < row->recipient_count && kept < most; i++)
        if (row->recipients[i].wanted)
            row->recipients[kept++] = row->recipients[i];
    row->recipient_count = kept;
}

/* Of whom somebody is to be told first. */
static const struct thing *first_report(const struct memory *memory)
{
    const struct shelf *shelf = &memory->shelves[KIND_MESSAGE];
    const struct thing *first = NULL;

    for (size_t i = 0; i < shelf->count; i++)
        if (!first || shelf->at[i]->message.report_due < first->message.report_due)
            first = shelf->at[i];
    return first;
}

bool memory_reports(struct store *store, uint64_t now, uint64_t again, size_t messages,
                           size_t recipients, struct store_rows *ret, uint64_t *ret_next, struct err *err)
{
    struct memory *memory = memory_of(store);
    const struct thing *first;

    ret->at = pool_array(&ret->pool, messages, sizeof *ret->at);
    if (!ret->at)
        return err_no_memory(err);
    while ((first = first_report(memory)) && first->message.report_due <= now && ret->count < messages) {
        struct store_row *row = &ret->at[ret->count++];
        struct thing *thing = memory_edit(memory, first);
        if (!thing || !show_row(memory, &thing->message, 0, SIZE_MAX, now, &ret->pool, row))
            return err_no_memory(err);
        keep_wanted(row, recipients);
        thing->message.report_due = again;
    }
    *ret_next = first ? first->message.report_due : STORE_NEVER;
    return true;
}

bool memory_mark_told(struct memory *memory, const struct store_told *told, const char *text, uint64_t now,
                      bool *ret_any, struct err *err)
{
    const struct thing *is = memory_open_message(memory, told->id);
    struct thing *thing = is ? memory_edit(memory, is) : NULL;
    size_t count = 0;

    *ret_any = false;
    if (!is)
        return true;
    if (!thing)
        return err_no_memory(err);
    struct store_row *row = &thing->message.row;
    for (size_t i = 0; i < told->count; i++) {
        uint32_t number = told->recipients[i];
        unsigned news = number < row->recipient_count ? row->recipients[number].wanted & told->kinds : 0;
        if (!news)
            continue;
        row->recipients[number].wanted &= ~news;
        row->recipients[number].told |= news;
        count++;
    }
    *ret_any = count > 0;
    if (count)
        thing->message.report_due = now; /* of those who are left, if any are */
    if (count && !memory_add_event(thing, &(struct store_event){ .at = now, .kind = STORE_EVENT_TOLD,
                                                          .first = told->recipients[0],
                                                          .count = (uint32_t)count, .text = text }))
        return err_no_memory(err);
    return memory_refresh(memory, thing, now) || err_no_memory(err);
}

bool memory_told(struct store *store, const struct store_told *told, uint64_t now, struct err *err)
{
    bool any;

    return memory_mark_told(memory_of(store), told, told->how, now, &any, err);
}

/* By hand ---------------------------------------------------------------------------------------------------- */

bool memory_remove_waiting(struct thing *thing, const char *who, uint64_t now)
{
    struct memory_message *message = &thing->message;

    for (size_t i = 0; i < message->row.recipient_count; i++) {
        struct store_row_recipient *recipient = &message->row.recipients[i];
        if (!(STORE_WAITING & STORE_IN(recipient->state)))
            continue;
        recipient->state = STORE_REMOVED;
        recipient->at = now;
    }
    memory_unhold(message);
    return (message->removed_by = memory_text(&thing->pool, who));
}

static void reschedule(struct memory_message *message, enum store_verb verb, uint64_t now)
{
    for (size_t i = 0; i < message->row.recipient_count; i++) {
        struct store_row_recipient *recipient = &message->row.recipients[i];
        if (STORE_WAITING & STORE_IN(recipient->state))
            recipient->next = store_verb_next(verb, recipient->state, recipient->next,
                                              message->row.not_before, now);
    }
}

static bool apply(struct memory *memory, const struct thing *is, enum store_verb verb, const char *who,
                  uint64_t now)
{
    static const enum store_event_kind events[] = {
        [STORE_VERB_RELEASE] = STORE_EVENT_RELEASED,
        [STORE_VERB_RETRY] = STORE_EVENT_RETRIED,
        [STORE_VERB_REMOVE] = STORE_EVENT_REMOVED,
    };
    struct thing *thing = memory_edit(memory, is);

    if (!thing)
        return false;
    if (verb == STORE_VERB_HOLD)
        return memory_hold(thing, "", "", who, now) && memory_refresh(memory, thing, now);
    if (verb == STORE_VERB_RELEASE) {
        memory_unhold(&thing->message);
        thing->message.lost = 0;
    }
    reschedule(&thing->message, verb, now);
    if (verb == STORE_VERB_REMOVE && !memory_remove_waiting(thing, who, now))
        return false;
    return memory_add_event(thing, &(struct store_event){ now, events[verb], .by = who }) &&
           memory_refresh(memory, thing, now);
}

bool memory_change(struct store *store, enum store_verb verb, const struct store_filter *filter,
                          struct store_cursor *cursor, size_t most, bool dry_run, const char *who,
                          uint64_t now, struct store_changed *changed, struct err *err)
{
    struct memory *memory = memory_of(store);

    for (size_t steps = 0; steps < most; steps++) {
        const struct thing *thing = walk(memory, filter, cursor);
        if (!thing)
            return true;
        struct store_sum sum = memory_sum(&thing->message);
        if (thing->message.row.done || !fits(memory, filter, &thing->message) ||
            !store_verb_fits(verb, &sum, thing->message.held))
            continue;
        changed->matched++;
        changed->sending += thing->message.until != 0;
        if (!dry_run && !apply(memory, thing, verb, who, now))
            return err_no_memory(err);
    }
    return true;
}
