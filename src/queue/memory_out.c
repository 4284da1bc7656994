#include "queue/memory_int.h"

#include "base/banned.h"

static bool is_first(const struct store_row *a, const struct store_row *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return a->next != b->next ? a->next < b->next : a->id < b->id;
}

static bool is_for(const struct memory_message *message, const struct store_claim *claim)
{
    const char *by = claim->by ? claim->by : claim->account;

    return message->row.done == 0 && span_is(span_of(message->row.account), claim->account) &&
           ((!*message->stuck && !claim->tied) || span_is(span_of(message->stuck), by));
}

/* The first due one; and when the next is. */
static const struct thing *first_due(const struct memory *memory, const struct store_claim *claim,
                                     uint64_t now, uint64_t *ret_next)
{
    const struct shelf *shelf = &memory->shelves[KIND_MESSAGE];
    const struct thing *first = NULL;

    *ret_next = STORE_NEVER;
    for (size_t i = 0; i < shelf->count; i++) {
        const struct memory_message *message = &shelf->at[i]->message;
        if (!is_for(message, claim) || message->row.next == STORE_NEVER)
            continue;
        if (message->row.next < *ret_next)
            *ret_next = message->row.next;
        bool before = !first || (first->id != claim->first && is_first(&message->row, &first->message.row));
        if (message->row.next <= now && (before || shelf->at[i]->id == claim->first))
            first = shelf->at[i];
    }
    return first;
}

/* The ways to get late, each with its own clock: a deadline's is the queue's, an age's the account's own, which stands while
 * that is parked. */
enum { BY_DEADLINE, BY_AGE, BY_WISH, WAYS };

struct late_look {
    const struct memory *memory;
    const struct store_claim *claim;
    uint64_t now, clocks[WAYS];
    bool stands;
};

static struct late_look look_for_late(const struct memory *memory, const struct store_claim *claim, uint64_t now)
{
    const struct thing *account = memory_account(memory, claim->account);
    uint64_t lived = account ? now - memory_parked_for(&account->account, now) : now;

    return (struct late_look){ memory, claim, now, { now, lived, lived }, account && account->account.parked_since };
}

/* When a message that waits is late by this way, by its clock. */
static uint64_t late_at(const struct late_look *look, const struct memory_message *message, size_t way)
{
    if (message->row.done || !span_is(span_of(message->row.account), look->claim->account) || message->until)
        return STORE_NEVER;
    const struct store_sum sum = memory_sum(message);
    const struct store_lateness is = store_lateness(&sum, &message->row, message->held, message->base);
    const uint64_t at[WAYS] = { is.deadline, store_old_at(is.born, look->claim->late->give_up_ms),
                                store_old_at(is.wished, look->claim->late->delay_ms) };
    return at[way];
}

static const struct thing *first_by(const struct late_look *look, size_t way, uint64_t *ret_next)
{
    const struct shelf *shelf = &look->memory->shelves[KIND_MESSAGE];
    const struct thing *first = NULL;
    uint64_t earliest = STORE_NEVER, clock = look->clocks[way];

    for (size_t i = 0; i < shelf->count; i++) {
        uint64_t at = late_at(look, &shelf->at[i]->message, way);
        if (at <= clock && at < earliest) {
            earliest = at;
            first = shelf->at[i];
        }
        bool comes = at != STORE_NEVER && at > clock && (way == BY_DEADLINE || !look->stands);
        if (comes && at - clock + look->now < *ret_next)
            *ret_next = at - clock + look->now;
    }
    return first;
}

/* The first late one, and when the next is. */
static const struct thing *first_late(const struct memory *memory, const struct store_claim *claim, uint64_t now,
                                      uint64_t *ret_next)
{
    const struct late_look look = look_for_late(memory, claim, now);
    const struct thing *first = NULL;

    *ret_next = STORE_NEVER;
    for (size_t way = 0; way < WAYS && !first; way++)
        first = first_by(&look, way, ret_next);
    if (first)
        *ret_next = now;
    return first;
}

static const struct thing *first_of(const struct memory *memory, const struct store_claim *claim, uint64_t now,
                                    uint64_t *ret_next)
{
    return claim->late ? first_late(memory, claim, now, ret_next) : first_due(memory, claim, now, ret_next);
}

static bool add_recipients(struct thing *thing, const struct store_claim *claim, size_t room, uint64_t now,
                           struct pool *pool, struct store_item *item, struct err *err)
{
    struct store_row *row = &thing->message.row;
    uint64_t due_by = claim->late ? STORE_SOME_DAY : now;

    item->recipients = pool_array(pool, row->recipient_count, sizeof *item->recipients);
    if (!item->recipients)
        return err_no_memory(err);
    for (size_t i = 0; i < row->recipient_count; i++) {
        struct store_row_recipient *recipient = &row->recipients[i];
        if (!store_is_due(recipient->state, recipient->next, row->deadline, due_by))
            continue;
        if (item->envelope->count == room) {
            item->partial = true;
            break;
        }
        struct store_open_recipient *open = &item->recipients[item->envelope->count];
        *open = (struct store_open_recipient){
            .number = recipient->number, .was = recipient->state, .tries = recipient->tries,
            .told = recipient->wanted | recipient->told, .next = recipient->next,
        };
        if (!(open->cause = memory_text(pool, recipient->cause)) || !(open->text = memory_text(pool, recipient->text)))
            return err_no_memory(err);
        if (!envelope_add_dsn(item->envelope, span_of(recipient->address), recipient->notify,
                              span_of(recipient->orcpt), err))
            return false;
        recipient->was = recipient->state;
        recipient->state = claim->leaving ? STORE_LEAVING : STORE_SENDING;
    }
    return true;
}

static bool add_facts(const struct memory *memory, const struct thing *thing, bool body_too, uint64_t now,
                      struct pool *pool, struct store_item *item)
{
    const struct memory_message *message = &thing->message;
    const struct store_row *row = &message->row;
    const struct memory_body *body = &memory_find(memory, KIND_BODY, thing->id, "")->body;

    item->id = thing->id;
    item->lease = message->lease;
    item->created = row->created;
    item->not_before = row->not_before;
    item->stood = memory_stood(memory, message, now);
    item->deadline = row->deadline;
    item->deadline_tells = row->deadline_tells;
    item->silent = row->silent;
    item->priority = row->priority;
    item->size = row->size;
    item->pieces = row->pieces;
    item->lost = message->lost;
    item->total = row->recipient_count;
    body_too &= body->count == 1;
    if (body_too) {
        item->body = body->pieces[0];
        item->body.at = pool_text(pool, item->body);
    }
    return (!body_too || item->body.at) && (item->account = memory_text(pool, row->account)) &&
           (item->submitter = memory_text(pool, row->submitter)) &&
           (item->message_id = memory_text(pool, row->message_id)) &&
           (item->from = memory_text(pool, row->from));
}

static bool fill_envelope(struct envelope *envelope, const struct store_row *row, struct err *err)
{
    envelope->ret = row->ret;
    envelope->body = row->body;
    envelope->size = row->size;
    if (!envelope_set_sender(envelope, span_of(row->sender), err) ||
        (*row->envid && !envelope_set_envid(envelope, span_of(row->envid), err)))
        return false;
    envelope->smtputf8 = row->smtputf8;
    return true;
}

static bool take(struct memory *memory, const struct thing *due, const struct store_claim *claim,
                 size_t room, uint64_t now, struct pool *pool, struct store_item *item, struct err *err)
{
    struct thing *thing = memory_edit(memory, due);

    item->envelope = envelope_new();
    if (!thing || !item->envelope)
        return err_no_memory(err);
    struct memory_message *message = &thing->message;
    if (!(item->tied_to = memory_text(pool, message->via)))
        return err_no_memory(err);
    if (!fill_envelope(item->envelope, &message->row, err) ||
        !add_recipients(thing, claim, room, now, pool, item, err))
        return false;
    message->lease = memory->next_lease++;
    message->until = claim->until;
    if (claim->leaving && (!(message->stuck = memory_text(&thing->pool, claim->by ? claim->by : claim->account)) ||
                           !(message->via = memory_text(&thing->pool, claim->via))))
        return err_no_memory(err);
    return (add_facts(memory, thing, !claim->late, now, pool, item) && memory_refresh(memory, thing, now)) || err_no_memory(err);
}

bool memory_claim(struct store *store, const struct store_claim *claim, uint64_t now,
                         struct store_items *ret, struct err *err)
{
    struct memory *memory = memory_of(store);
    size_t room = claim->recipients ? claim->recipients : 1, most = claim->messages ? claim->messages : 1;
    uint64_t bytes = 0;

    ret->at = pool_array(&ret->pool, most, sizeof *ret->at);
    if (!ret->at)
        return err_no_memory(err);
    for (;;) {
        const struct thing *due = first_of(memory, claim, now, &ret->next_due);
        if (!due || ret->count == most || room == 0)
            return true;
        bytes += due->message.row.size;
        bool alone = due->message.lost > 0;
        if (ret->count && ((bytes > claim->bytes && !claim->late) || alone))
            return true;
        struct store_item *item = &ret->at[ret->count++];
        if (!take(memory, due, claim, room, now, &ret->pool, item, err))
            return false;
        if (alone) {
            first_of(memory, claim, now, &ret->next_due);
            return true;
        }
        room -= item->envelope->count;
    }
}

/* The leased message, NULL where it is another's by now. */
static const struct thing *leased(const struct memory *memory, uint64_t id, uint64_t lease)
{
    const struct thing *thing = memory_open_message(memory, id);
    return thing && thing->message.lease == lease && lease ? thing : NULL;
}

static bool names(const struct store_lease *lease, uint32_t number)
{
    for (size_t i = 0; i < lease->count && lease->recipients; i++)
        if (lease->recipients[i] == number)
            return true;
    return lease->recipients == NULL;
}

static bool leave(struct thing *thing, const char *by, const struct store_lease *lease)
{
    struct store_row *row = &thing->message.row;

    for (size_t i = 0; i < row->recipient_count; i++)
        if (row->recipients[i].state == STORE_SENDING && names(lease, row->recipients[i].number))
            row->recipients[i].state = STORE_LEAVING;
    return (thing->message.stuck = memory_text(&thing->pool, by)) &&
           (thing->message.via = memory_text(&thing->pool, lease->via));
}

bool memory_leaving(struct store *store, const char *by, struct store_lease *leases, size_t count,
                           uint64_t now, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct thing *is = leased(memory_of(store), leases[i].id, leases[i].lease);
        leases[i].gone = !is || is->message.until <= now || *is->message.removed_by;
        struct thing *thing = leases[i].gone ? NULL : memory_edit(memory_of(store), is);
        if (!leases[i].gone && (!thing || !leave(thing, by, &leases[i])))
            return err_no_memory(err);
    }
    return true;
}

bool memory_extend(struct store *store, struct store_lease *leases, size_t count, uint64_t until,
                          uint64_t now, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct thing *is = leased(memory_of(store), leases[i].id, leases[i].lease);
        leases[i].gone = !is || is->message.until <= now;
        struct thing *thing = leases[i].gone ? NULL : memory_edit(memory_of(store), is);
        if (!leases[i].gone && !thing)
            return err_no_memory(err);
        if (thing)
            thing->message.until = until;
    }
    return true;
}

static bool settle_recipient(struct thing *thing, struct store_row_recipient *recipient,
                             const struct store_outcome *outcome, const char *by, uint64_t now)
{
    bool removed = *thing->message.removed_by && (STORE_WAITING & STORE_IN(outcome->state));

    bool back = outcome->state == STORE_QUEUED;
    recipient->state = removed ? STORE_REMOVED : back ? recipient->was : outcome->state;
    recipient->unsure |= outcome->state == STORE_UNKNOWN;
    recipient->next = outcome->next;
    recipient->wanted |= removed ? 0 : outcome->reports;
    if (back)
        return true;
    recipient->tries++;
    recipient->at = now;
    recipient->reply = outcome->reply;
    memcpy(recipient->enhanced, outcome->enhanced, sizeof recipient->enhanced);
    return (recipient->cause = memory_text(&thing->pool, outcome->cause)) &&
           (recipient->text = memory_text(&thing->pool, outcome->text)) &&
           (recipient->by = memory_text(&thing->pool, by));
}

/* One event for each run of outcomes that are alike. */
static bool add_outcomes(struct thing *thing, const struct store_settlement *settlement, uint64_t now)
{
    for (size_t i = 0, run; i < settlement->count; i += run) {
        const struct store_outcome *outcome = &settlement->outcomes[i];
        for (run = 1; i + run < settlement->count && store_outcomes_alike(outcome + run - 1, outcome + run); run++)
            ;
        struct store_event event = { now, store_event_of(outcome->state), outcome->number, (uint32_t)run,
                                     .reply = outcome->reply, .by = settlement->by, .cause = outcome->cause,
                                     .text = outcome->text };
        memcpy(event.enhanced, outcome->enhanced, sizeof event.enhanced);
        if (outcome->state != STORE_QUEUED && !memory_add_event(thing, &event))
            return false;
    }
    return true;
}

static bool has_lease(enum store_state state, const struct memory_message *message)
{
    return state == STORE_SENDING || state == STORE_LEAVING || (state == STORE_UNKNOWN && message->until == 0);
}

static bool settle_all(struct thing *thing, const struct store_settlement *settlement, uint64_t now,
                       struct err *err)
{
    struct memory_message *message = &thing->message;

    for (size_t i = 0; i < settlement->count; i++) {
        const struct store_outcome *outcome = &settlement->outcomes[i];
        if (outcome->number >= message->row.recipient_count ||
            !has_lease(message->row.recipients[outcome->number].state, message))
            return store_lease_lost(err, settlement->id);
        struct store_row_recipient *recipient = &message->row.recipients[outcome->number];
        if (!settle_recipient(thing, recipient, outcome, store_text(settlement->by), now))
            return err_no_memory(err);
        if (outcome->reports && message->report_due == STORE_NEVER)
            message->report_due = now;
        if (outcome->state != STORE_QUEUED)
            message->lost = 0;
    }
    return add_outcomes(thing, settlement, now) || err_no_memory(err);
}

/* The lease is over when nothing is left in it. */
static void end_lease(struct memory_message *message)
{
    struct store_sum sum = memory_sum(message);

    if (!sum.by_state[STORE_SENDING] && !sum.by_state[STORE_LEAVING])
        message->until = 0;
}

bool memory_settle(struct store *store, const struct store_settlement *settlement, uint64_t now,
                          struct err *err)
{
    struct memory *memory = memory_of(store);
    const struct thing *is = leased(memory, settlement->id, settlement->lease);
    struct thing *thing = is ? memory_edit(memory, is) : NULL;

    if (!is)
        return store_lease_lost(err, settlement->id);
    if (!thing)
        return err_no_memory(err);
    if (!settle_all(thing, settlement, now, err))
        return false;
    struct store_sum sum = memory_sum(&thing->message);
    if (settlement->hold && store_sum_is_open(&sum) &&
        !memory_hold(thing, settlement->hold, settlement->hold_text, settlement->by, now))
        return err_no_memory(err);
    end_lease(&thing->message);
    return memory_refresh(memory, thing, now) || err_no_memory(err);
}

static bool is_put_off(const struct store_row_recipient *recipient, uint64_t until)
{
    return recipient->state == STORE_DEFERRED && recipient->next == until;
}

static bool hasten_one(struct memory *memory, const struct store_wait *wait, uint64_t at, uint64_t now)
{
    const struct thing *is = memory_open_message(memory, wait->id);
    struct thing *thing = NULL;

    for (size_t i = 0; is && i < is->message.row.recipient_count; i++) {
        if (!is_put_off(&is->message.row.recipients[i], wait->next))
            continue;
        if (!thing && !(thing = memory_edit(memory, is)))
            return false;
        is = thing;
        thing->message.row.recipients[i].next = at;
    }
    return !thing || memory_refresh(memory, thing, now);
}

bool memory_hasten(struct store *store, const struct store_wait *waits, size_t count, uint64_t at, uint64_t now,
                   struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (waits[i].next > at && !hasten_one(memory_of(store), &waits[i], at, now))
            return err_no_memory(err);
    return true;
}
