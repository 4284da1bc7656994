#include "queue/memory_int.h"

#include "base/banned.h"

/* Bodies ----------------------------------------------------------------------------------------------------- */

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

bool memory_body_add(struct store *store, struct store_body *body, struct span piece, uint64_t now,
                            struct err *err)
{
    struct memory *memory = memory_of(store);
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

bool memory_body_drop(struct store *store, const struct store_body *body, struct err *err)
{
    const struct thing *thing = find_body(memory_of(store), body);

    return !thing || memory_remove(memory_of(store), thing) || err_no_memory(err);
}

bool memory_body_read(struct store *store, uint64_t id, uint32_t piece, struct buf *out,
                             struct err *err)
{
    const struct thing *thing = memory_find(memory_of(store), KIND_BODY, id, "");

    if (!thing || !thing->body.accepted || piece >= thing->body.count)
        return store_gone(err, id);
    buf_add_span(out, thing->body.pieces[piece]);
    return !out->full || err_no_memory(err);
}

/* Accept ----------------------------------------------------------------------------------------------------- */

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
    const struct thing *account = memory_account(memory, order->account);
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
        .report_due = STORE_NEVER, .stuck = "", .via = "", .removed_by = "",
        .base = account ? memory_parked_for(&account->account, now) : 0,
    };
    return memory_copy_row(&thing->pool, &row, 0, 0, &thing->message.row) &&
           fill_recipients(thing, order, now) &&
           memory_add_event(thing, &(struct store_event){ .at = now, .kind = STORE_EVENT_ACCEPTED, .by = order->submitter });
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
    if (!memory_mark_told(memory, order->tells, buf_text(&text), now, &any, err))
        return false;
    return any || err_found(err, ERR_DATA, "store:told-already", "of this somebody was told before");
}

bool memory_accept(struct store *store, const struct store_order *order, uint64_t now,
                          struct store_accepted *ret, struct err *err)
{
    struct memory *memory = memory_of(store);
    struct thing *body = take_body(memory, order, err);

    if (!body)
        return false;
    *ret = (struct store_accepted){ body->id, false };
    if (!look_at_key(memory, order, now, ret, err))
        return false;
    if (ret->repeated)
        return memory_remove(memory, body) || err_no_memory(err);

    struct thing *thing = memory_account_edit(memory, order->account)
                              ? memory_add(memory, KIND_MESSAGE, body->id, "")
                              : NULL;
    if (!thing || !fill_message(memory, thing, order, body, now) || !memory_refresh(memory, thing, now))
        return err_no_memory(err);
    return tells(memory, order, thing->id, now, err);
}
