#include "queue/memory_int.h"

#include "base/alloc.h"

#include "base/banned.h"

/* Shelves --------------------------------------------------------------------------------------------------- */

static int order(const struct thing *thing, uint64_t id, const char *name)
{
    if (thing->id != id)
        return thing->id < id ? -1 : 1;
    return strcmp(thing->name, name);
}

/* Where it stands, or would. */
static size_t place_of(const struct shelf *shelf, uint64_t id, const char *name)
{
    size_t low = 0, high = shelf->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order(shelf->at[middle], id, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct thing *memory_find(const struct memory *memory, enum kind kind, uint64_t id, const char *name)
{
    const struct shelf *shelf = &memory->shelves[kind];
    size_t at = place_of(shelf, id, name);

    return at < shelf->count && order(shelf->at[at], id, name) == 0 ? shelf->at[at] : NULL;
}

/* Puts `is` where `was` stood; either may be NULL. There is room. */
static void put(struct memory *memory, const struct thing *was, struct thing *is)
{
    const struct thing *either = is ? is : was;
    struct shelf *shelf = &memory->shelves[either->kind];
    size_t at = place_of(shelf, either->id, either->name);

    if (was && is) {
        shelf->at[at] = is;
    } else if (is) {
        memmove(&shelf->at[at + 1], &shelf->at[at], (shelf->count++ - at) * sizeof *shelf->at);
        shelf->at[at] = is;
    } else {
        memmove(&shelf->at[at], &shelf->at[at + 1], (--shelf->count - at) * sizeof *shelf->at);
    }
}

static bool room_for_one(void *at, size_t count, size_t *room, size_t size)
{
    void **array = at;

    if (count < *room)
        return true;
    size_t more = *room ? *room * 2 : 16;
    void *moved = mem_resize(*array, more, size);
    if (!moved)
        return false;
    *array = moved;
    *room = more;
    return true;
}

/* Room on the shelf also for what an undo puts back. */
static bool room_for_change(struct memory *memory, enum kind kind)
{
    struct shelf *shelf = &memory->shelves[kind];

    return room_for_one(&memory->log, memory->log_count, &memory->log_room, sizeof *memory->log) &&
           room_for_one(&shelf->at, shelf->count, &shelf->room, sizeof(struct thing *));
}

static void thing_free(struct thing *thing)
{
    if (!thing)
        return;
    pool_done(&thing->pool);
    mem_free(thing);
}

static void change(struct memory *memory, struct thing *was, struct thing *is)
{
    memory->log[memory->log_count++] = (struct change){ was, is };
    put(memory, was, is);
}

/* Copies ---------------------------------------------------------------------------------------------------- */

const char *memory_text(struct pool *pool, const char *text)
{
    return text && *text ? pool_text(pool, span_of(text)) : "";
}

static bool copy_recipient(struct pool *pool, struct store_row_recipient *recipient)
{
    return (recipient->address = memory_text(pool, recipient->address)) &&
           (recipient->orcpt = memory_text(pool, recipient->orcpt)) &&
           (recipient->cause = memory_text(pool, recipient->cause)) &&
           (recipient->text = memory_text(pool, recipient->text)) &&
           (recipient->by = memory_text(pool, recipient->by));
}

bool memory_copy_row(struct pool *pool, const struct store_row *row, size_t from, size_t recipients,
                     struct store_row *ret_row)
{
    struct store_row copy = *row;
    size_t there = row->recipient_count > from ? row->recipient_count - from : 0;

    copy.recipient_count = there < recipients ? there : recipients;
    copy.recipients = pool_array(pool, copy.recipient_count, sizeof *copy.recipients);
    if (!copy.recipients)
        return false;
    for (size_t i = 0; i < copy.recipient_count; i++) {
        copy.recipients[i] = row->recipients[from + i];
        if (!copy_recipient(pool, &copy.recipients[i]))
            return false;
    }
    if (!(copy.account = memory_text(pool, row->account)) || !(copy.from = memory_text(pool, row->from)) ||
        !(copy.submitter = memory_text(pool, row->submitter)) ||
        !(copy.sender = memory_text(pool, row->sender)) || !(copy.envid = memory_text(pool, row->envid)) ||
        !(copy.message_id = memory_text(pool, row->message_id)) ||
        !(copy.held_because = memory_text(pool, row->held_because)) ||
        !(copy.held_text = memory_text(pool, row->held_text)) ||
        !(copy.held_by = memory_text(pool, row->held_by)))
        return false;
    *ret_row = copy;
    return true;
}

static bool copy_message(struct pool *pool, const struct memory_message *from, struct memory_message *to)
{
    *to = *from;
    to->events = pool_array(pool, from->event_count, sizeof *to->events);
    if (!to->events || !memory_copy_row(pool, &from->row, 0, from->row.recipient_count, &to->row) ||
        !(to->stuck = memory_text(pool, from->stuck)) || !(to->via = memory_text(pool, from->via)) ||
        !(to->removed_by = memory_text(pool, from->removed_by)))
        return false;
    for (size_t i = 0; i < from->event_count; i++) {
        struct store_event *event = &to->events[i];
        *event = from->events[i];
        if (!(event->by = memory_text(pool, event->by)) || !(event->cause = memory_text(pool, event->cause)) ||
            !(event->text = memory_text(pool, event->text)))
            return false;
    }
    return true;
}

static bool copy_bytes(struct pool *pool, struct span *bytes)
{
    return bytes->len == 0 || (bytes->at = pool_text(pool, *bytes));
}

static bool copy_body(struct pool *pool, const struct memory_body *from, struct memory_body *to)
{
    *to = *from;
    to->pieces = pool_array(pool, from->count, sizeof *to->pieces);
    if (!to->pieces)
        return false;
    for (size_t i = 0; i < from->count; i++) {
        to->pieces[i] = from->pieces[i];
        if (!copy_bytes(pool, &to->pieces[i]))
            return false;
    }
    return true;
}

static bool copy_account(struct pool *pool, const struct store_account *from, struct store_account *to)
{
    *to = *from;
    return (to->name = memory_text(pool, from->name)) &&
           (to->parked_because = memory_text(pool, from->parked_because)) &&
           (to->parked_text = memory_text(pool, from->parked_text));
}

static bool copy_thing(const struct thing *from, struct thing *to)
{
    switch (from->kind) {
    case KIND_MESSAGE:
        return copy_message(&to->pool, &from->message, &to->message);
    case KIND_BODY:
        return copy_body(&to->pool, &from->body, &to->body);
    case KIND_ACCOUNT:
        return copy_account(&to->pool, &from->account, &to->account);
    case KIND_KEY:
        to->key = from->key;
        return copy_bytes(&to->pool, &to->key.content);
    case KIND_MARK:
        to->mark = from->mark;
        return copy_bytes(&to->pool, &to->mark);
    case KINDS:
        break;
    }
    return false;
}

/* Changes --------------------------------------------------------------------------------------------------- */

static struct thing *thing_new(struct memory *memory, enum kind kind, uint64_t id, const char *name)
{
    struct thing *thing = NEW(thing);

    if (!thing)
        return NULL;
    thing->kind = kind;
    thing->id = id;
    thing->job = memory->job;
    thing->name = memory_text(&thing->pool, name);
    if (thing->name)
        return thing;
    thing_free(thing);
    return NULL;
}

struct thing *memory_edit(struct memory *memory, const struct thing *thing)
{
    struct thing *was = memory->shelves[thing->kind].at[place_of(&memory->shelves[thing->kind], thing->id,
                                                                 thing->name)];
    if (was->job == memory->job)
        return was;
    struct thing *is = room_for_change(memory, thing->kind)
                           ? thing_new(memory, thing->kind, thing->id, thing->name)
                           : NULL;
    if (!is || !copy_thing(was, is)) {
        thing_free(is);
        return NULL;
    }
    change(memory, was, is);
    return is;
}

struct thing *memory_add(struct memory *memory, enum kind kind, uint64_t id, const char *name)
{
    struct thing *thing = room_for_change(memory, kind) ? thing_new(memory, kind, id, name) : NULL;

    if (thing)
        change(memory, NULL, thing);
    return thing;
}

bool memory_remove(struct memory *memory, const struct thing *thing)
{
    if (!room_for_change(memory, thing->kind))
        return false;
    struct shelf *shelf = &memory->shelves[thing->kind];
    change(memory, shelf->at[place_of(shelf, thing->id, thing->name)], NULL);
    return true;
}

void memory_undo(struct memory *memory, size_t since)
{
    while (memory->log_count > since) {
        struct change last = memory->log[--memory->log_count];
        put(memory, last.is, last.was);
        thing_free(last.is);
    }
}

void memory_settle_log(struct memory *memory)
{
    for (size_t i = 0; i < memory->log_count; i++)
        thing_free(memory->log[i].was);
    memory->log_count = 0;
}

void memory_done(struct memory *memory)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < memory->shelves[kind].count; i++)
            thing_free(memory->shelves[kind].at[i]);
        mem_free(memory->shelves[kind].at);
    }
    mem_free(memory->log);
}
