#include "queue/memory_int.h"

#include "base/alloc.h"

#include "base/banned.h"

/* Upkeep ----------------------------------------------------------------------------------------------------- */

static bool lose_lease(struct memory *memory, const struct thing *is, const struct store_sweep *sweep,
                       uint64_t now)
{
    struct thing *thing = memory_edit(memory, is);

    if (!thing)
        return false;
    struct memory_message *message = &thing->message;
    for (size_t i = 0; i < message->row.recipient_count; i++) {
        struct store_row_recipient *recipient = &message->row.recipients[i];
        if (recipient->state == STORE_SENDING) {
            recipient->state = recipient->was;
            recipient->next = now;
        } else if (recipient->state == STORE_LEAVING) {
            recipient->state = STORE_UNKNOWN;
            recipient->unsure = true;
            recipient->next = sweep->unknown_next;
            recipient->at = now;
            recipient->tries++;
        }
    }
    message->until = 0;
    if (!memory_add_event(thing, &(struct store_event){ .at = now, .kind = STORE_EVENT_LOST }))
        return false;
    if (*message->removed_by && !memory_remove_waiting(thing, message->removed_by, now))
        return false;
    if (++message->lost >= STORE_LOST_MAX && !memory_hold(thing, "", store_text_lost, "", now))
        return false;
    return memory_refresh(memory, thing, now);
}

/* What a sweep does with one thing: nothing, most times. */
static bool sweep_thing(struct memory *memory, const struct thing *thing, const struct store_sweep *sweep,
                        uint64_t now, bool *ret_did)
{
    *ret_did = true;
    if (thing->kind == KIND_MESSAGE && thing->message.until && (sweep->reborn || thing->message.until <= now))
        return lose_lease(memory, thing, sweep, now);
    bool over = (thing->kind == KIND_MESSAGE && thing->message.row.done &&
                 thing->message.row.done < sweep->history_before) ||
                (thing->kind == KIND_BODY && !thing->body.accepted &&
                 (sweep->reborn || thing->body.touched < sweep->bodies_before)) ||
                (thing->kind == KIND_KEY && thing->key.until <= now);
    *ret_did = over;
    return !over || memory_remove(memory, thing);
}

static bool memory_sweep(struct store *store, const struct store_sweep *sweep, uint64_t now, bool *ret_more,
                         struct err *err)
{
    struct memory *memory = memory_of(store);
    size_t steps = 0;

    *ret_more = false;
    for (size_t kind = KIND_KEY; kind < KINDS; kind++)
        for (size_t i = memory->shelves[kind].count; i > 0; i--) {
            bool did;
            if (steps == sweep->most)
                return *ret_more = true;
            if (!sweep_thing(memory, memory->shelves[kind].at[i - 1], sweep, now, &did))
                return err_no_memory(err);
            steps += did;
        }
    return true;
}

static bool memory_check(struct store *store, struct store_checking *checking, size_t most, uint64_t now,
                         struct err *err)
{
    (void)most, (void)now, (void)err;
    checking->seen = memory_of(store)->shelves[KIND_MESSAGE].count;
    return checking->end = true;
}

static bool memory_rest(struct store *store, struct err *err)
{
    (void)store, (void)err;
    return true;
}

static bool memory_time_put(struct store *store, uint64_t now, int64_t wall, struct err *err)
{
    (void)store, (void)now, (void)wall, (void)err;
    return true;
}

/* Begins and ends -------------------------------------------------------------------------------------------- */

static bool memory_begin(struct store *store, struct err *err)
{
    (void)store, (void)err;
    return true;
}

static bool memory_job_begin(struct store *store, bool bare, struct err *err)
{
    struct memory *memory = memory_of(store);
    (void)bare, (void)err;

    memory->job++;
    memory->job_began = memory->log_count;
    return true;
}

static bool memory_job_end(struct store *store, bool keep, struct err *err)
{
    struct memory *memory = memory_of(store);
    (void)err;

    if (!keep)
        memory_undo(memory, memory->job_began);
    return true;
}

static bool memory_commit(struct store *store, struct err *err)
{
    (void)err;
    memory_settle_log(memory_of(store));
    return true;
}

static void memory_abort(struct store *store)
{
    memory_undo(memory_of(store), 0);
}

static void memory_close(struct store *store)
{
    memory_abort(store);
    memory_done(memory_of(store));
    mem_free(store);
}

static const struct store_type memory_type = {
    .name = "memory",
    .begin = memory_begin,
    .job_begin = memory_job_begin,
    .job_end = memory_job_end,
    .commit = memory_commit,
    .abort = memory_abort,
    .body_add = memory_body_add,
    .body_drop = memory_body_drop,
    .body_read = memory_body_read,
    .accept = memory_accept,
    .claim = memory_claim,
    .leaving = memory_leaving,
    .extend = memory_extend,
    .settle = memory_settle,
    .hasten = memory_hasten,
    .reports = memory_reports,
    .told = memory_told,
    .change = memory_change,
    .list = memory_list,
    .show = memory_show,
    .accounts = memory_accounts,
    .park = memory_park,
    .unpark = memory_unpark,
    .park_told = memory_park_told,
    .mark_put = memory_mark_put,
    .mark_get = memory_mark_get,
    .sweep = memory_sweep,
    .check = memory_check,
    .rest = memory_rest,
    .time_put = memory_time_put,
    .close = memory_close,
};

bool store_memory_open(struct store **ret_store, struct err *err)
{
    struct memory *memory = NEW(memory);

    if (!memory)
        return err_no_memory(err);
    memory->store.type = &memory_type;
    memory->next_id = memory->next_lease = 1;
    *ret_store = &memory->store;
    return true;
}
