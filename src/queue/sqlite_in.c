#include "queue/sqlite_int.h"

#include "queue/checksum.h"

#include "base/banned.h"

/* Bodies ------------------------------------------------------------------------------------------------------ */

static uint64_t piece_id(uint64_t id, uint32_t piece)
{
    return id * SQLITE_PIECES_MAX + piece;
}

/* As the file can keep it: a positive number, and not the largest. */
static uint64_t sum_of(struct span bytes, uint64_t row)
{
    return checksum(bytes, row) >> 2;
}

static bool put_piece(struct sqlite *sqlite, uint64_t id, uint32_t piece, struct span bytes, struct err *err)
{
    uint64_t row = piece_id(id, piece);

    if (piece >= SQLITE_PIECES_MAX)
        return err_found(err, ERR_LIMIT, "size:too-big", "the message is too large for the queue");
    return sql_do(sqlite->sql, err, QUERY_BODY_PUT, SQL_NUMBER(row), SQL_NUMBER(sum_of(bytes, row)),
                  SQL_BYTES(bytes));
}

bool sqlite_piece(struct sqlite *sqlite, struct sql_rows *rows, uint64_t id, uint32_t piece,
                  struct span *ret_bytes, struct err *err)
{
    uint64_t row = piece_id(id, piece);

    *rows = sql_ask(sqlite->sql, QUERY_BODY_GET, SQL_NUMBER(row));
    if (!sql_next(rows))
        return false;
    *ret_bytes = sql_bytes(rows, 1);
    return (ret_bytes->len <= STORE_PIECE_MAX && sql_number(rows, 0) == sum_of(*ret_bytes, row)) ||
           sqlite_damaged(err, store_text_damaged);
}

/* Is the body there, as far as it was added? */
static bool is_there(struct sqlite *sqlite, const struct store_body *body, bool *ret_is, struct err *err)
{
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_DRAFT_GET, SQL_NUMBER(body->id));

    *ret_is = body->id && sql_next(&rows) && sql_number(&rows, 0) == body->pieces &&
              sql_number(&rows, 1) == body->size;
    return sql_end(&rows, err);
}

/* Room is kept on the disk, so that what was taken can be sent, and people be told. */
static bool has_room(const struct sqlite *sqlite, struct err *err)
{
    return !sqlite->nearly_full ||
           err_found(err, ERR_IO, "disk:reserve", "less than %u %% of the queue's disk is free",
                     sqlite->options.reserve_percent);
}

bool sqlite_body_add(struct store *store, struct store_body *body, struct span piece, uint64_t now,
                     struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    struct store_body more = *body;
    bool there = true;

    if (!has_room(sqlite, err))
        return false;
    if (!more.pieces)
        more.id = sqlite->next_id++;
    else if (!is_there(sqlite, body, &there, err))
        return false;
    if (!there)
        return store_gone(err, body->id);
    if (!put_piece(sqlite, more.id, more.pieces, piece, err))
        return false;
    more.pieces++;
    more.size += piece.len;
    if (!sql_do(sqlite->sql, err, QUERY_DRAFT_PUT, SQL_NUMBER(more.id), SQL_NUMBER(now), SQL_NUMBER(more.pieces),
                SQL_NUMBER(more.size)))
        return false;
    *body = more;
    return true;
}

static bool drop(struct sqlite *sqlite, const struct store_body *body, struct err *err)
{
    return sql_do(sqlite->sql, err, QUERY_DRAFT_END, SQL_NUMBER(body->id)) &&
           sqlite_end_body(sqlite, body->id, body->pieces, err);
}

bool sqlite_body_drop(struct store *store, const struct store_body *body, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    bool there;

    return is_there(sqlite, body, &there, err) && (!there || drop(sqlite, body, err));
}

/* Is it a message's that is not over? */
static bool is_message(struct sqlite *sqlite, uint64_t id, bool *ret_is, struct err *err)
{
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_MESSAGE_GET, SQL_NUMBER(id));

    *ret_is = sql_next(&rows);
    return sql_end(&rows, err);
}

bool sqlite_body_read(struct store *store, uint64_t id, uint32_t piece, struct buf *out, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    struct sql_rows rows;
    struct span bytes;
    struct err why = { 0 };
    bool is;

    if (!is_message(sqlite, id, &is, err))
        return false;
    if (!is || piece >= SQLITE_PIECES_MAX)
        return store_gone(err, id);
    bool ok = sqlite_piece(sqlite, &rows, id, piece, &bytes, &why);
    if (ok)
        buf_add_span(out, bytes);
    if (!sql_end(&rows, err))
        return false;
    if (ok)
        return !out->full || err_no_memory(err);
    if (why.kind == ERR_NONE)
        return store_gone(err, id);
    if (err)
        *err = why;
    return false;
}

/* Accept ------------------------------------------------------------------------------------------------------ */

/* Sets ret->repeated where the key came before, with the same content. */
static bool look_at_key(struct sqlite *sqlite, const struct store_order *order, uint64_t account, uint64_t now,
                        struct store_accepted *ret, struct err *err)
{
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_KEY_GET, SQL_TEXT(order->submitter), SQL_NUMBER(account),
                                   SQL_TEXT(order->envelope->key));
    bool there = sql_next(&rows) && sql_number(&rows, 1) > now;
    bool same = there && span_equal(sql_bytes(&rows, 2), order->content);

    if (same)
        *ret = (struct store_accepted){ sql_number(&rows, 0), true };
    if (!sql_end(&rows, err))
        return false;
    if (there)
        return same || err_found(err, ERR_DATA, "store:key-reused", "this key came before, with another message");
    return sql_do(sqlite->sql, err, QUERY_KEY_PUT, SQL_TEXT(order->submitter), SQL_NUMBER(account),
                  SQL_TEXT(order->envelope->key), SQL_NUMBER(ret->id), SQL_NUMBER(now + STORE_KEY_MS),
                  SQL_BYTES(order->content));
}

static uint64_t first_due(const struct store_order *order, uint64_t now)
{
    return order->not_before > now ? order->not_before : now;
}

static bool add_recipients(struct sqlite *sqlite, const struct store_order *order, uint64_t id, uint64_t now,
                           struct err *err)
{
    for (size_t i = 0; i < order->envelope->count; i++) {
        const struct recipient *recipient = &order->envelope->recipients[i];
        if (!sql_do(sqlite->sql, err, QUERY_RECIPIENT_ADD, SQL_NUMBER(id), SQL_NUMBER(i),
                    SQL_NUMBER(first_due(order, now)), SQL_NUMBER(recipient->notify),
                    SQL_TEXT(recipient->address), SQL_TEXT(store_text(recipient->orcpt))))
            return false;
    }
    return true;
}

static struct store_lateness lateness_of(const struct store_order *order, const struct sqlite_account *account,
                                         uint64_t now)
{
    const struct envelope *envelope = order->envelope;
    const struct store_row row = {
        .created = now, .not_before = order->not_before, .deadline = order->deadline,
        .deadline_tells = order->deadline_tells, .silent = order->silent,
    };
    struct store_sum sum = STORE_SUM_NONE;

    for (size_t i = 0; i < envelope->count; i++)
        store_sum_add(&sum, &(struct store_row_recipient){ .next = now, .notify = envelope->recipients[i].notify });
    return store_lateness(&sum, &row, false, sqlite_parked_for(account, now));
}

static bool add_message(struct sqlite *sqlite, const struct store_order *order,
                        const struct sqlite_account *account, const struct store_body *body, uint64_t now,
                        struct err *err)
{
    const struct envelope *envelope = order->envelope;
    uint64_t slot = (uint64_t)(9 - order->priority), next = first_due(order, now);
    uint64_t due = order->deadline > now && order->deadline < next ? order->deadline : next;

    const struct store_lateness lateness = lateness_of(order, account, now);
    struct sql_value late[3];

    sqlite_lateness(&lateness, late);
    store_tell_due(&sqlite->store, order->account, due);
    return sql_do(sqlite->sql, err, QUERY_MESSAGE_ADD, SQL_NUMBER(body->id), SQL_NUMBER(account->id),
                  SQL_NUMBER(slot), SQL_NUMBER(due), SQL_NUMBER(STORE_QUEUED), SQL_NUMBER(now),
                  SQL_NUMBER(sqlite_parked_for(account, now)), SQL_NUMBER(body->size),
                  SQL_NUMBER(body->pieces), SQL_NUMBER(envelope->count), SQL_NUMBER(slot),
                  SQL_NUMBER(order->not_before), SQL_NUMBER(order->deadline),
                  SQL_NUMBER(order->deadline_tells), SQL_NUMBER(order->silent),
                  SQL_NUMBER(envelope->smtputf8), SQL_NUMBER((uint64_t)envelope->body),
                  SQL_NUMBER((uint64_t)envelope->ret), SQL_NUMBER(order->tells ? order->tells->id : 0),
                  SQL_TEXT(order->submitter), SQL_TEXT(envelope->sender), SQL_TEXT(store_text(order->from)),
                  SQL_TEXT(store_text(order->message_id)), SQL_TEXT(store_text(envelope->envid)), late[0], late[1],
                  late[2]) &&
           sqlite_count(sqlite, account->id, STORE_QUEUED, 1, err);
}

static bool tell(struct sqlite *sqlite, const struct store_order *order, uint64_t id, uint64_t now,
                 struct err *err)
{
    HELD(buf) text = BUF(STORE_TEXT_MAX);
    bool any;

    buf_addf(&text, "message %llu", (unsigned long long)id);
    if (text.full)
        return err_no_memory(err);
    if (!sqlite_mark_told(sqlite, order->tells, buf_text(&text), now, &any, err))
        return false;
    return any || err_found(err, ERR_DATA, "store:told-already", "of this somebody was told before");
}

/* The body as it was added, which may be nothing; else store:gone. */
static bool take_body(struct sqlite *sqlite, const struct store_order *order, struct store_body *ret_body,
                      struct err *err)
{
    bool there;

    *ret_body = order->body ? *order->body : (struct store_body){ 0 };
    if (!ret_body->pieces) {
        *ret_body = (struct store_body){ .id = sqlite->next_id++ };
        return true;
    }
    if (!is_there(sqlite, ret_body, &there, err))
        return false;
    return there ? sql_do(sqlite->sql, err, QUERY_DRAFT_END, SQL_NUMBER(ret_body->id))
                 : store_gone(err, ret_body->id);
}

bool sqlite_accept(struct store *store, const struct store_order *order, uint64_t now,
                   struct store_accepted *ret, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    struct store_body body;

    if ((!order->tells && !has_room(sqlite, err)) || !take_body(sqlite, order, &body, err))
        return false;
    struct sqlite_account *account = sqlite_account_make(sqlite, order->account, err);
    *ret = (struct store_accepted){ body.id, false };
    if (!account || (order->envelope->key && !look_at_key(sqlite, order, account->id, now, ret, err)))
        return false;
    if (ret->repeated)
        return sqlite_end_body(sqlite, body.id, body.pieces, err);
    if (order->last.len && !put_piece(sqlite, body.id, body.pieces++, order->last, err))
        return false;
    body.size += order->last.len;
    return add_message(sqlite, order, account, &body, now, err) &&
           add_recipients(sqlite, order, body.id, now, err) &&
           (!order->tells || tell(sqlite, order, body.id, now, err));
}
