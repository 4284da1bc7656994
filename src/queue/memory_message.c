#include "queue/memory_int.h"

#include "base/banned.h"

enum { EVENTS_MAX = 200 };

const struct thing *memory_account(const struct memory *memory, const char *name)
{
    return memory_find(memory, KIND_ACCOUNT, 0, name);
}

struct thing *memory_account_edit(struct memory *memory, const char *name)
{
    const struct thing *there = memory_account(memory, name);

    if (there)
        return memory_edit(memory, there);
    struct thing *thing = memory_add(memory, KIND_ACCOUNT, 0, name);
    if (thing)
        thing->account = (struct store_account){ .name = thing->name, .parked_because = "", .parked_text = "" };
    return thing;
}

uint64_t memory_parked_for(const struct store_account *account, uint64_t now)
{
    bool goes_on = account->parked_since && now > account->parked_since;
    return account->parked_for + (goes_on ? now - account->parked_since : 0);
}

bool memory_is_parked(const struct memory *memory, const char *name)
{
    const struct thing *thing = memory_account(memory, name);
    return thing && thing->account.parked_since;
}

uint64_t memory_stood(const struct memory *memory, const struct memory_message *message, uint64_t now)
{
    const struct thing *thing = memory_account(memory, message->row.account);
    return thing ? memory_parked_for(&thing->account, now) - message->base : 0;
}

/* Messages -------------------------------------------------------------------------------------------------- */

const struct thing *memory_open_message(const struct memory *memory, uint64_t id)
{
    const struct thing *thing = memory_find(memory, KIND_MESSAGE, id, "");
    return thing && thing->message.row.done == 0 ? thing : NULL;
}

bool memory_add_event(struct thing *thing, const struct store_event *event)
{
    struct memory_message *message = &thing->message;
    size_t count = message->event_count;
    struct store_event *events = pool_array(&thing->pool, count + 1, sizeof *events);

    if (!events)
        return false;
    if (count)
        memcpy(events, message->events, count * sizeof *events);
    if (count == EVENTS_MAX)
        memmove(&events[1], &events[2], (--count - 1) * sizeof *events); /* the first tells where it came from */
    events[count] = *event;
    message->events = events;
    message->event_count = count + 1;
    return (events[count].by = memory_text(&thing->pool, event->by)) &&
           (events[count].cause = memory_text(&thing->pool, event->cause)) &&
           (events[count].text = memory_text(&thing->pool, event->text));
}

struct store_sum memory_sum(const struct memory_message *message)
{
    struct store_sum sum = STORE_SUM_NONE;

    for (size_t i = 0; i < message->row.recipient_count; i++) {
        store_sum_add(&sum, &message->row.recipients[i]);
    }
    return sum;
}

void memory_unhold(struct memory_message *message)
{
    message->held = false;
    message->row.held_because = message->row.held_text = message->row.held_by = "";
}

/* After its recipients changed: what it is now, when it is due, and whether it is over. */
bool memory_refresh(struct memory *memory, struct thing *thing, uint64_t now)
{
    struct memory_message *message = &thing->message;
    struct store_sum sum = memory_sum(message);

    message->row.state = store_sum_state(&sum, message->held);
    message->row.next = store_sum_due(&sum, message->held, message->row.deadline, now);
    if (!sum.wanted)
        message->report_due = STORE_NEVER;
    if (!store_sum_is_tied(&sum))
        message->stuck = message->via = "";
    store_tell_due(&memory->store, message->row.account, message->row.next);
    store_tell_changed(&memory->store, thing->id);
    if (store_sum_is_open(&sum) || sum.wanted)
        return true;
    message->row.done = now;
    memory_unhold(message);
    return memory_remove(memory, memory_find(memory, KIND_BODY, thing->id, ""));
}

bool memory_hold(struct thing *thing, const char *because, const char *text, const char *by, uint64_t now)
{
    struct memory_message *message = &thing->message;

    message->held = true;
    return (message->row.held_because = memory_text(&thing->pool, because)) &&
           (message->row.held_text = memory_text(&thing->pool, text)) &&
           (message->row.held_by = memory_text(&thing->pool, by)) &&
           memory_add_event(thing, &(struct store_event){ .at = now, .kind = STORE_EVENT_HELD, .by = by, .cause = because, .text = text });
}
