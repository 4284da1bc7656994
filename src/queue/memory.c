#include "queue/memory_int.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

enum { EVENTS_MAX = 200, STEPS_OF_A_PAGE = 1000 };

static struct memory *of(struct store *store)
{
    return (struct memory *)store;
}

/* Accounts -------------------------------------------------------------------------------------------------- */

static const struct thing *find_account(const struct memory *memory, const char *name)
{
    return memory_find(memory, KIND_ACCOUNT, 0, name);
}

static struct thing *edit_account(struct memory *memory, const char *name)
{
    const struct thing *there = find_account(memory, name);

    if (there)
        return memory_edit(memory, there);
    struct thing *thing = memory_add(memory, KIND_ACCOUNT, 0, name);
    if (thing)
        thing->account = (struct store_account){ .name = thing->name, .parked_because = "", .parked_text = "" };
    return thing;
}

static uint64_t parked_for(const struct store_account *account, uint64_t now)
{
    bool goes_on = account->parked_since && now > account->parked_since;
    return account->parked_for + (goes_on ? now - account->parked_since : 0);
}

static bool is_parked(const struct memory *memory, const char *name)
{
    const struct thing *thing = find_account(memory, name);
    return thing && thing->account.parked_since;
}

static uint64_t stood(const struct memory *memory, const struct memory_message *message, uint64_t now)
{
    const struct thing *thing = find_account(memory, message->row.account);
    return thing ? parked_for(&thing->account, now) - message->base : 0;
}

/* Messages -------------------------------------------------------------------------------------------------- */

static const struct thing *find_open(const struct memory *memory, uint64_t id)
{
    const struct thing *thing = memory_find(memory, KIND_MESSAGE, id, "");
    return thing && thing->message.row.done == 0 ? thing : NULL;
}

static bool add_event(struct thing *thing, const struct store_event *event)
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

static struct store_sum sum_of(const struct memory_message *message)
{
    struct store_sum sum = STORE_SUM_NONE;

    for (size_t i = 0; i < message->row.recipient_count; i++) {
        const struct store_row_recipient *recipient = &message->row.recipients[i];
        store_sum_add(&sum, recipient->state, recipient->next, recipient->wanted);
    }
    return sum;
}

static void release(struct memory_message *message)
{
    message->held = false;
    message->row.held_because = message->row.held_text = message->row.held_by = "";
}

/* After its recipients changed: what it is now, when it is due, and whether it is over. */
static bool refresh(struct memory *memory, struct thing *thing, uint64_t now)
{
    struct memory_message *message = &thing->message;
    struct store_sum sum = sum_of(message);

    message->row.state = store_sum_state(&sum, message->held);
    message->row.next = store_sum_due(&sum, message->held, message->row.deadline, now);
    if (!sum.wanted)
        message->report_due = STORE_NEVER;
    store_tell_due(&memory->store, message->row.account, message->row.next);
    if (store_sum_is_open(&sum) || sum.wanted)
        return true;
    message->row.done = now;
    release(message);
    return memory_remove(memory, memory_find(memory, KIND_BODY, thing->id, ""));
}

static bool hold(struct thing *thing, const char *because, const char *text, const char *by, uint64_t now)
{
    struct memory_message *message = &thing->message;

    message->held = true;
    return (message->row.held_because = memory_text(&thing->pool, because)) &&
           (message->row.held_text = memory_text(&thing->pool, text)) &&
           (message->row.held_by = memory_text(&thing->pool, by)) &&
           add_event(thing, &(struct store_event){ .at = now, .kind = STORE_EVENT_HELD, .by = by, .cause = because, .text = text });
}

/* Body ------------------------------------------------------------------------------------------------------ */

static bool add_piece(struct thing *thing, struct span piece)
{
    struct memory_body *body = &thing->body;
    struct span *pieces = pool_array(&thing->pool, body->count + 1, sizeof *pieces);
    char *bytes = pool_text(&thing->pool, piece);

    if (!pieces || !bytes)
        return false;
    if (body->count)
        memcpy(pieces, body->pieces, body->count * sizeof *pieces);
    pieces[body->count++] = (struct span){ bytes, piece.len };
    body->pieces = pieces;
    body->size += piece.len;
    return true;
}

static const struct thing *find_body(const struct memory *memory, const struct store_body *body)
{
    const struct thing *thing = body->id ? memory_find(memory, KIND_BODY, body->id, "") : NULL;
    bool is_it = thing && !thing->body.accepted && thing->body.count == body->pieces &&
                 thing->body.size == body->size;
    return is_it ? thing : NULL;
}

static bool memory_body_add(struct store *store, struct store_body *body, struct span piece, uint64_t now,
                            struct err *err)
{
    struct memory *memory = of(store);
    const struct thing *there = find_body(memory, body);

    if (!there && body->pieces)
        return store_gone(err, body->id);
    struct thing *thing = there ? memory_edit(memory, there)
                                : memory_add(memory, KIND_BODY, memory->next_id++, "");
    if (!thing || !add_piece(thing, piece))
        return err_no_memory(err);
    thing->body.touched = now;
    body->id = thing->id;
    body->pieces++;
    body->size += piece.len;
    return true;
}

static bool memory_body_drop(struct store *store, const struct store_body *body, struct err *err)
{
    const struct thing *thing = find_body(of(store), body);

    return !thing || memory_remove(of(store), thing) || err_no_memory(err);
}

static bool memory_body_read(struct store *store, uint64_t id, uint32_t piece, struct buf *out,
                             struct err *err)
{
    const struct thing *thing = memory_find(of(store), KIND_BODY, id, "");

    if (!thing || !thing->body.accepted || piece >= thing->body.count)
        return store_gone(err, id);
    buf_add_span(out, thing->body.pieces[piece]);
    return !out->full || err_no_memory(err);
}

/* In -------------------------------------------------------------------------------------------------------- */

static bool key_name(struct buf *name, const struct store_order *order)
{
    buf_addf(name, "%zu:%s%zu:%s%s", strlen(order->submitter), order->submitter, strlen(order->account),
             order->account, order->envelope->key);
    return !name->full;
}

/* True with ret->repeated: it came before. */
static bool look_at_key(struct memory *memory, const struct store_order *order, uint64_t now,
                        struct store_accepted *ret, struct err *err)
{
    HELD(buf) name = BUF(4 * STORE_NAME_MAX);

    if (!order->envelope->key)
        return true;
    if (!key_name(&name, order))
        return err_no_memory(err);
    const struct thing *there = memory_find(memory, KIND_KEY, 0, buf_text(&name));
    if (there && there->key.until > now) {
        if (!span_equal(there->key.content, order->content))
            return err_found(err, ERR_DATA, "store:key-reused", "this key came before, with another message");
        *ret = (struct store_accepted){ there->key.message, true };
        return true;
    }
    struct thing *thing = there ? memory_edit(memory, there) : memory_add(memory, KIND_KEY, 0, buf_text(&name));
    if (!thing)
        return err_no_memory(err);
    thing->key = (struct memory_key){ ret->id, now + STORE_KEY_MS, order->content };
    thing->key.content.at = pool_text(&thing->pool, order->content);
    return thing->key.content.at || err_no_memory(err);
}

static bool fill_recipients(struct thing *thing, const struct store_order *order, uint64_t now)
{
    const struct envelope *envelope = order->envelope;
    struct store_row *row = &thing->message.row;

    row->recipient_count = row->recipient_total = envelope->count;
    row->recipients = pool_array(&thing->pool, envelope->count, sizeof *row->recipients);
    if (!row->recipients)
        return false;
    for (size_t i = 0; i < envelope->count; i++) {
        struct store_row_recipient *recipient = &row->recipients[i];
        *recipient = (struct store_row_recipient){
            .number = (uint32_t)i, .notify = envelope->recipients[i].notify, .state = STORE_QUEUED,
            .next = order->not_before > now ? order->not_before : now, .cause = "", .text = "", .by = "",
        };
        if (!(recipient->address = memory_text(&thing->pool, envelope->recipients[i].address)) ||
            !(recipient->orcpt = memory_text(&thing->pool, envelope->recipients[i].orcpt)))
            return false;
    }
    return true;
}

static bool fill_message(struct memory *memory, struct thing *thing, const struct store_order *order,
                         const struct thing *body, uint64_t now)
{
    const struct envelope *envelope = order->envelope;
    const struct thing *account = find_account(memory, order->account);
    const struct store_row row = {
        .id = thing->id, .created = now, .size = body->body.size, .pieces = (uint32_t)body->body.count,
        .account = order->account, .submitter = order->submitter, .sender = envelope->sender,
        .from = order->from, .message_id = order->message_id, .envid = envelope->envid,
        .ret = envelope->ret, .body = envelope->body, .smtputf8 = envelope->smtputf8,
        .silent = order->silent, .deadline_tells = order->deadline_tells, .priority = order->priority,
        .not_before = order->not_before, .deadline = order->deadline,
        .report_of = order->tells ? order->tells->id : 0,
    };

    thing->message = (struct memory_message){
        .report_due = STORE_NEVER, .stuck = "", .removed_by = "",
        .base = account ? parked_for(&account->account, now) : 0,
    };
    return memory_copy_row(&thing->pool, &row, 0, 0, &thing->message.row) &&
           fill_recipients(thing, order, now) &&
           add_event(thing, &(struct store_event){ .at = now, .kind = STORE_EVENT_ACCEPTED, .by = order->submitter });
}

static struct thing *take_body(struct memory *memory, const struct store_order *order, struct err *err)
{
    const struct thing *there = order->body ? find_body(memory, order->body) : NULL;

    if (!there && order->body && order->body->pieces) {
        store_gone(err, order->body->id);
        return NULL;
    }
    struct thing *body = there ? memory_edit(memory, there)
                               : memory_add(memory, KIND_BODY, memory->next_id++, "");
    if (!body || (order->last.len && !add_piece(body, order->last))) {
        err_no_memory(err);
        return NULL;
    }
    body->body.accepted = true;
    return body;
}

static bool mark_told(struct memory *memory, const struct store_told *told, const char *text, uint64_t now,
                      bool *ret_any, struct err *err);

static bool tells(struct memory *memory, const struct store_order *order, uint64_t id, uint64_t now,
                  struct err *err)
{
    HELD(buf) text = BUF(STORE_TEXT_MAX);
    bool any;

    if (!order->tells)
        return true;
    buf_addf(&text, "message %llu", (unsigned long long)id);
    if (text.full)
        return err_no_memory(err);
    if (!mark_told(memory, order->tells, buf_text(&text), now, &any, err))
        return false;
    return any || err_found(err, ERR_DATA, "store:told-already", "of this somebody was told before");
}

static bool memory_accept(struct store *store, const struct store_order *order, uint64_t now,
                          struct store_accepted *ret, struct err *err)
{
    struct memory *memory = of(store);
    struct thing *body = take_body(memory, order, err);

    if (!body)
        return false;
    *ret = (struct store_accepted){ body->id, false };
    if (!look_at_key(memory, order, now, ret, err))
        return false;
    if (ret->repeated)
        return memory_remove(memory, body) || err_no_memory(err);

    struct thing *thing = edit_account(memory, order->account)
                              ? memory_add(memory, KIND_MESSAGE, body->id, "")
                              : NULL;
    if (!thing || !fill_message(memory, thing, order, body, now) || !refresh(memory, thing, now))
        return err_no_memory(err);
    return tells(memory, order, thing->id, now, err);
}

/* Out ------------------------------------------------------------------------------------------------------- */

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
           (!*message->stuck || span_is(span_of(message->stuck), by));
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
        if (message->row.next <= now && (!first || is_first(&message->row, &first->message.row)))
            first = shelf->at[i];
    }
    return first;
}

static bool add_recipients(struct thing *thing, const struct store_claim *claim, size_t room, uint64_t now,
                           struct pool *pool, struct store_item *item, struct err *err)
{
    struct store_row *row = &thing->message.row;

    item->recipients = pool_array(pool, row->recipient_count, sizeof *item->recipients);
    if (!item->recipients)
        return err_no_memory(err);
    for (size_t i = 0; i < row->recipient_count; i++) {
        struct store_row_recipient *recipient = &row->recipients[i];
        if (!store_is_due(recipient->state, recipient->next, row->deadline, now))
            continue;
        if (item->envelope->count == room) {
            item->partial = true;
            break;
        }
        item->recipients[item->envelope->count] = (struct store_open_recipient){
            recipient->number, recipient->state, recipient->tries, recipient->wanted | recipient->told };
        if (!envelope_add_dsn(item->envelope, span_of(recipient->address), recipient->notify,
                              span_of(recipient->orcpt), err))
            return false;
        recipient->state = claim->leaving ? STORE_LEAVING : STORE_SENDING;
    }
    return true;
}

static bool add_facts(const struct memory *memory, const struct thing *thing, uint64_t now, struct pool *pool,
                      struct store_item *item)
{
    const struct memory_message *message = &thing->message;
    const struct store_row *row = &message->row;
    const struct memory_body *body = &memory_find(memory, KIND_BODY, thing->id, "")->body;

    item->id = thing->id;
    item->lease = message->lease;
    item->created = row->created;
    item->stood = stood(memory, message, now);
    item->deadline = row->deadline;
    item->deadline_tells = row->deadline_tells;
    item->silent = row->silent;
    item->priority = row->priority;
    item->size = row->size;
    item->pieces = row->pieces;
    item->lost = message->lost;
    if (body->count == 1) {
        item->body = body->pieces[0];
        item->body.at = pool_text(pool, item->body);
    }
    return (body->count > 1 || item->body.at) && (item->account = memory_text(pool, row->account)) &&
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
    if (!fill_envelope(item->envelope, &message->row, err) ||
        !add_recipients(thing, claim, room, now, pool, item, err))
        return false;
    message->lease = memory->next_lease++;
    message->until = claim->until;
    if (claim->leaving &&
        !(message->stuck = memory_text(&thing->pool, claim->by ? claim->by : claim->account)))
        return err_no_memory(err);
    return (add_facts(memory, thing, now, pool, item) && refresh(memory, thing, now)) || err_no_memory(err);
}

static bool memory_claim(struct store *store, const struct store_claim *claim, uint64_t now,
                         struct store_items *ret, struct err *err)
{
    struct memory *memory = of(store);
    size_t room = claim->recipients ? claim->recipients : 1, most = claim->messages ? claim->messages : 1;
    uint64_t bytes = 0;

    ret->at = pool_array(&ret->pool, most, sizeof *ret->at);
    if (!ret->at)
        return err_no_memory(err);
    for (;;) {
        const struct thing *due = first_due(memory, claim, now, &ret->next_due);
        if (!due || ret->count == most || room == 0)
            return true;
        bytes += due->message.row.size;
        bool alone = due->message.lost > 0;
        if (ret->count && (bytes > claim->bytes || alone))
            return true;
        struct store_item *item = &ret->at[ret->count++];
        if (!take(memory, due, claim, room, now, &ret->pool, item, err))
            return false;
        if (alone) {
            first_due(memory, claim, now, &ret->next_due);
            return true;
        }
        room -= item->envelope->count;
    }
}

/* The leased message, NULL where it is another's by now. */
static const struct thing *leased(const struct memory *memory, uint64_t id, uint64_t lease)
{
    const struct thing *thing = find_open(memory, id);
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
    return (thing->message.stuck = memory_text(&thing->pool, by));
}

static bool memory_leaving(struct store *store, const char *by, struct store_lease *leases, size_t count,
                           uint64_t now, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct thing *is = leased(of(store), leases[i].id, leases[i].lease);
        leases[i].gone = !is || is->message.until <= now || *is->message.removed_by;
        struct thing *thing = leases[i].gone ? NULL : memory_edit(of(store), is);
        if (!leases[i].gone && (!thing || !leave(thing, by, &leases[i])))
            return err_no_memory(err);
    }
    return true;
}

static bool memory_extend(struct store *store, struct store_lease *leases, size_t count, uint64_t until,
                          uint64_t now, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct thing *is = leased(of(store), leases[i].id, leases[i].lease);
        leases[i].gone = !is || is->message.until <= now;
        struct thing *thing = leases[i].gone ? NULL : memory_edit(of(store), is);
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

    recipient->state = removed ? STORE_REMOVED : outcome->state;
    recipient->next = outcome->next;
    recipient->wanted |= removed ? 0 : outcome->reports;
    if (outcome->state == STORE_QUEUED)
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
        if (outcome->state != STORE_QUEUED && !add_event(thing, &event))
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
    struct store_sum sum = sum_of(message);

    if (!sum.by_state[STORE_SENDING] && !sum.by_state[STORE_LEAVING])
        message->until = 0;
}

static bool memory_settle(struct store *store, const struct store_settlement *settlement, uint64_t now,
                          struct err *err)
{
    struct memory *memory = of(store);
    const struct thing *is = leased(memory, settlement->id, settlement->lease);
    struct thing *thing = is ? memory_edit(memory, is) : NULL;

    if (!is)
        return store_lease_lost(err, settlement->id);
    if (!thing)
        return err_no_memory(err);
    if (!settle_all(thing, settlement, now, err))
        return false;
    struct store_sum sum = sum_of(&thing->message);
    if (settlement->hold && store_sum_is_open(&sum) &&
        !hold(thing, settlement->hold, settlement->hold_text, settlement->by, now))
        return err_no_memory(err);
    end_lease(&thing->message);
    return refresh(memory, thing, now) || err_no_memory(err);
}

/* Showing --------------------------------------------------------------------------------------------------- */

/* The row as it is shown: parked, with the time when something happens of itself. */
static bool show_row(const struct memory *memory, const struct memory_message *message, size_t from,
                     size_t recipients, uint64_t now, struct pool *pool, struct store_row *ret_row)
{
    if (!memory_copy_row(pool, &message->row, from, recipients, ret_row))
        return false;
    bool parked = is_parked(memory, message->row.account);
    ret_row->state = ret_row->done ? ret_row->state : store_shown(ret_row->state, parked);
    ret_row->stood = stood(memory, message, now);
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
        row.state = store_shown(row.state, is_parked(memory, row.account));
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

static bool memory_list(struct store *store, const struct store_filter *filter, struct store_cursor *cursor,
                        size_t rows, size_t recipients, uint64_t now, struct store_rows *ret, struct err *err)
{
    struct memory *memory = of(store);

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

static bool memory_show(struct store *store, uint64_t id, uint32_t from, size_t recipients, uint64_t now,
                        struct store_story *ret, struct err *err)
{
    struct memory *memory = of(store);
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

/* Telling --------------------------------------------------------------------------------------------------- */

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

static bool memory_reports(struct store *store, uint64_t now, uint64_t again, size_t messages,
                           size_t recipients, struct store_rows *ret, uint64_t *ret_next, struct err *err)
{
    struct memory *memory = of(store);
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

static bool mark_told(struct memory *memory, const struct store_told *told, const char *text, uint64_t now,
                      bool *ret_any, struct err *err)
{
    const struct thing *is = find_open(memory, told->id);
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
    if (count && !add_event(thing, &(struct store_event){ .at = now, .kind = STORE_EVENT_TOLD,
                                                          .first = told->recipients[0],
                                                          .count = (uint32_t)count, .text = text }))
        return err_no_memory(err);
    return refresh(memory, thing, now) || err_no_memory(err);
}

static bool memory_told(struct store *store, const struct store_told *told, uint64_t now, struct err *err)
{
    bool any;

    return mark_told(of(store), told, told->how, now, &any, err);
}

/* By hand --------------------------------------------------------------------------------------------------- */

static bool remove_waiting(struct thing *thing, const char *who, uint64_t now)
{
    struct memory_message *message = &thing->message;

    for (size_t i = 0; i < message->row.recipient_count; i++) {
        struct store_row_recipient *recipient = &message->row.recipients[i];
        if (!(STORE_WAITING & STORE_IN(recipient->state)))
            continue;
        recipient->state = STORE_REMOVED;
        recipient->at = now;
    }
    release(message);
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
        return hold(thing, "", "", who, now) && refresh(memory, thing, now);
    if (verb == STORE_VERB_RELEASE) {
        release(&thing->message);
        thing->message.lost = 0;
    }
    reschedule(&thing->message, verb, now);
    if (verb == STORE_VERB_REMOVE && !remove_waiting(thing, who, now))
        return false;
    return add_event(thing, &(struct store_event){ now, events[verb], .by = who }) &&
           refresh(memory, thing, now);
}

static bool memory_change(struct store *store, enum store_verb verb, const struct store_filter *filter,
                          struct store_cursor *cursor, size_t most, bool dry_run, const char *who,
                          uint64_t now, struct store_changed *changed, struct err *err)
{
    struct memory *memory = of(store);

    for (size_t steps = 0; steps < most; steps++) {
        const struct thing *thing = walk(memory, filter, cursor);
        if (!thing)
            return true;
        struct store_sum sum = sum_of(&thing->message);
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

/* Accounts -------------------------------------------------------------------------------------------------- */

static void count_messages(const struct memory *memory, struct store_account *account)
{
    const struct shelf *shelf = &memory->shelves[KIND_MESSAGE];

    account->next_due = STORE_NEVER;
    for (size_t i = 0; i < shelf->count; i++) {
        const struct store_row *row = &shelf->at[i]->message.row;
        if (row->done || !span_is(span_of(row->account), account->name))
            continue;
        account->counts[store_shown(row->state, account->parked_since != 0)]++;
        if (!account->oldest)
            account->oldest = row->created;
        if (row->next < account->next_due)
            account->next_due = row->next;
    }
}

static bool memory_accounts(struct store *store, const char *name, uint64_t now, struct store_accounts *ret,
                            struct err *err)
{
    struct memory *memory = of(store);
    const struct shelf *shelf = &memory->shelves[KIND_ACCOUNT];

    ret->at = pool_array(&ret->pool, shelf->count, sizeof *ret->at);
    if (!ret->at)
        return err_no_memory(err);
    for (size_t i = 0; i < shelf->count; i++) {
        const struct store_account *is = &shelf->at[i]->account;
        if (name && !span_is(span_of(is->name), name))
            continue;
        struct store_account *account = &ret->at[ret->count++];
        *account = *is;
        account->parked_for = parked_for(is, now);
        count_messages(memory, account);
        if (!(account->name = memory_text(&ret->pool, is->name)) ||
            !(account->parked_because = memory_text(&ret->pool, is->parked_because)) ||
            !(account->parked_text = memory_text(&ret->pool, is->parked_text)))
            return err_no_memory(err);
    }
    return true;
}

static bool memory_park(struct store *store, const char *name, const char *cause, const char *text,
                        uint64_t now, struct err *err)
{
    struct thing *thing = edit_account(of(store), name);

    if (!thing)
        return err_no_memory(err);
    struct store_account *account = &thing->account;
    if (!account->parked_since)
        account->parked_since = now;
    if (!span_is(span_of(account->parked_because), store_text(cause)))
        account->parked_told = 0;
    return ((account->parked_because = memory_text(&thing->pool, cause)) &&
            (account->parked_text = memory_text(&thing->pool, text))) ||
           err_no_memory(err);
}

static bool memory_unpark(struct store *store, const char *name, uint64_t now, struct err *err)
{
    const struct thing *is = find_account(of(store), name);

    if (!is || !is->account.parked_since)
        return true;
    struct thing *thing = memory_edit(of(store), is);
    if (!thing)
        return err_no_memory(err);
    struct store_account *account = &thing->account;
    account->parked_for = parked_for(account, now);
    account->parked_since = account->parked_told = 0;
    account->parked_because = account->parked_text = "";
    store_tell_due(store, account->name, now);
    return true;
}

static bool memory_park_told(struct store *store, const char *name, uint64_t now, struct err *err)
{
    const struct thing *is = find_account(of(store), name);
    struct thing *thing = is ? memory_edit(of(store), is) : NULL;

    if (is && !thing)
        return err_no_memory(err);
    if (thing && thing->account.parked_since)
        thing->account.parked_told = now;
    return true;
}

static bool mark_name(struct buf *out, const char *kind, const char *name, struct err *err)
{
    buf_addf(out, "%zu:%s%s", strlen(kind), kind, name);
    return !out->full || err_no_memory(err);
}

static bool memory_mark_put(struct store *store, const char *kind, const char *name, struct span bytes,
                            struct err *err)
{
    HELD(buf) key = BUF(3 * STORE_NAME_MAX);

    if (!mark_name(&key, kind, name, err))
        return false;
    const struct thing *is = memory_find(of(store), KIND_MARK, 0, buf_text(&key));
    if (bytes.len == 0)
        return !is || memory_remove(of(store), is) || err_no_memory(err);
    struct thing *thing = is ? memory_edit(of(store), is)
                             : memory_add(of(store), KIND_MARK, 0, buf_text(&key));
    if (!thing)
        return err_no_memory(err);
    thing->mark = (struct span){ pool_text(&thing->pool, bytes), bytes.len };
    return thing->mark.at || err_no_memory(err);
}

static bool memory_mark_get(struct store *store, const char *kind, const char *name, struct buf *out,
                            struct err *err)
{
    HELD(buf) key = BUF(3 * STORE_NAME_MAX);

    if (!mark_name(&key, kind, name, err))
        return false;
    const struct thing *is = memory_find(of(store), KIND_MARK, 0, buf_text(&key));
    if (is)
        buf_add_span(out, is->mark);
    return !out->full || err_no_memory(err);
}

/* Upkeep ---------------------------------------------------------------------------------------------------- */

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
            recipient->state = STORE_QUEUED;
            recipient->next = now;
        } else if (recipient->state == STORE_LEAVING) {
            recipient->state = STORE_UNKNOWN;
            recipient->next = sweep->unknown_next;
            recipient->at = now;
            recipient->tries++;
        }
    }
    message->until = 0;
    if (!add_event(thing, &(struct store_event){ .at = now, .kind = STORE_EVENT_LOST }))
        return false;
    if (*message->removed_by && !remove_waiting(thing, message->removed_by, now))
        return false;
    if (++message->lost >= STORE_LOST_MAX && !hold(thing, "", store_text_lost, "", now))
        return false;
    return refresh(memory, thing, now);
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
    struct memory *memory = of(store);
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
    checking->seen = of(store)->shelves[KIND_MESSAGE].count;
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

/* Begins and ends ------------------------------------------------------------------------------------------- */

static bool memory_begin(struct store *store, struct err *err)
{
    (void)store, (void)err;
    return true;
}

static bool memory_job_begin(struct store *store, struct err *err)
{
    struct memory *memory = of(store);
    (void)err;

    memory->job++;
    memory->job_began = memory->log_count;
    return true;
}

static bool memory_job_end(struct store *store, bool keep, struct err *err)
{
    struct memory *memory = of(store);
    (void)err;

    if (!keep)
        memory_undo(memory, memory->job_began);
    return true;
}

static bool memory_commit(struct store *store, struct err *err)
{
    (void)err;
    memory_settle_log(of(store));
    return true;
}

static void memory_abort(struct store *store)
{
    memory_undo(of(store), 0);
}

static void memory_close(struct store *store)
{
    memory_abort(store);
    memory_done(of(store));
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
