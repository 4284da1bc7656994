#include "queue/sqlite_int.h"

#include "base/banned.h"

/* Claim ------------------------------------------------------------------------------------------------------- */

struct claiming {
    struct sqlite *sqlite;
    const struct store_claim *claim;
    uint64_t now, account;
    uint64_t due_by;             /* of a message's recipients, those that are due then */
    struct store_items *items;
    size_t messages, recipients; /* room left */
    uint64_t bytes;
    bool full;                   /* no more fit */
};

/* The most urgent slot from `slot` on in which somebody stands; false: none. */
static bool next_slot(struct claiming *c, uint64_t slot, uint64_t *ret_slot, bool *ret_any, struct err *err)
{
    struct sql_rows rows = sql_ask(c->sqlite->sql, QUERY_ACCOUNT_SLOT, SQL_NUMBER(c->account), SQL_NUMBER(slot));

    *ret_any = sql_next(&rows) && !sql_is_null(&rows, 0);
    *ret_slot = *ret_any ? sql_number(&rows, 0) : 0;
    return sql_end(&rows, err);
}

/* As many as there is room for. */
static bool read_messages(struct claiming *c, struct sql_rows rows, struct sqlite_message *messages, size_t *ret_count,
                          struct err *err)
{
    size_t count = 0;
    bool ok = true;

    while (ok && count < c->messages && sql_next(&rows))
        ok = sqlite_read_message(c->sqlite, &rows, &c->items->pool, &messages[count++], err);
    *ret_count = count;
    return sql_end(&rows, ok ? err : NULL) && ok;
}

/* The first in line there, and whoever is due with it. */
static struct sql_rows ask_line(const struct claiming *c, uint64_t slot)
{
    const char *by = c->claim->by ? c->claim->by : c->claim->account;

    return sql_ask(c->sqlite->sql, QUERY_MESSAGE_IN_LINE, SQL_NUMBER(c->account), SQL_NUMBER(slot), SQL_NUMBER(c->now),
                   SQL_TEXT(by), SQL_NUMBER(c->messages), SQL_NUMBER(c->claim->tied));
}

static bool add_envelope(const struct store_row *row, struct envelope *envelope, struct err *err)
{
    envelope->ret = row->ret;
    envelope->body = row->body;
    envelope->size = row->size;
    if (!envelope_set_sender(envelope, span_of(row->sender), err))
        return false;
    return !*row->envid || envelope_set_envid(envelope, span_of(row->envid), err);
}

static bool add_recipient(const struct sql_rows *rows, struct pool *pool, struct store_item *item,
                          struct err *err)
{
    struct store_row_recipient is;
    size_t at = item->envelope->count;

    if (!sqlite_read_recipient(rows, pool, &is, err))
        return false;
    item->recipients[at] = (struct store_open_recipient){
        .number = is.number, .was = is.state, .tries = is.tries, .told = is.wanted | is.told, .next = is.next,
        .cause = is.cause, .text = is.text,
    };
    return envelope_add_dsn(item->envelope, span_of(is.address), is.notify, span_of(is.orcpt), err) &&
           (item->envelope->count == at + 1 || sqlite_damaged(err, "a recipient is there twice"));
}

/* Those due now, up to the room there is; one more says that it is partial. */
static bool add_recipients(struct claiming *c, const struct store_row *row, struct store_item *item,
                           struct err *err)
{
    size_t most = c->recipients < row->recipient_total ? c->recipients : row->recipient_total;
    struct sql_rows rows = sql_ask(c->sqlite->sql, QUERY_RECIPIENT_DUE, SQL_NUMBER(row->id), SQL_NUMBER(c->due_by),
                                   SQL_NUMBER(row->deadline), SQL_NUMBER(most + 1));
    bool ok = true;

    item->recipients = pool_array(&c->items->pool, most, sizeof *item->recipients);
    if (!item->recipients)
        ok = err_no_memory(err);
    while (ok && sql_next(&rows)) {
        item->partial = item->envelope->count == most;
        if (item->partial)
            break;
        ok = add_recipient(&rows, &c->items->pool, item, err);
    }
    return sql_end(&rows, ok ? err : NULL) && ok;
}

/* A body of one piece comes along. */
static bool add_body(struct claiming *c, const struct store_row *row, struct store_item *item, struct err *err)
{
    struct sql_rows rows;
    struct span bytes;

    if (row->pieces > 1 || c->claim->late)
        return true;
    bool ok = sqlite_piece(c->sqlite, &rows, row->id, 0, &bytes, err);
    if (ok && bytes.len != row->size)
        ok = sqlite_damaged(err, store_text_damaged);
    if (ok)
        item->body = (struct span){ pool_text(&c->items->pool, bytes), bytes.len };
    if (!sql_end(&rows, ok ? err : NULL))
        return false;
    if (ok)
        return item->body.at || err_no_memory(err);
    return err->kind == ERR_NONE ? sqlite_damaged(err, store_text_damaged) : false;
}

static void add_facts(struct claiming *c, const struct sqlite_message *message, struct store_item *item)
{
    const struct store_row *row = &message->row;
    const struct sqlite_account *account = sqlite_account_by_id(c->sqlite, message->account);

    item->id = row->id;
    item->created = row->created;
    item->stood = sqlite_parked_for(account, c->now) - message->parked;
    item->not_before = row->not_before;
    item->deadline = row->deadline;
    item->deadline_tells = row->deadline_tells;
    item->silent = row->silent;
    item->priority = row->priority;
    item->size = row->size;
    item->pieces = row->pieces;
    item->lost = (uint32_t)message->lost;
    item->total = row->recipient_total;
    item->account = row->account;
    item->submitter = row->submitter;
    item->message_id = row->message_id;
    item->from = row->from;
    item->tied_to = message->via;
}

/* Read, not yet taken. False with a fact other than store:damaged is an error; with it, the message is. (`err` is
 * claim_one()'s own, never NULL.) */
static bool read_item(struct claiming *c, const struct sqlite_message *message, struct store_item *item,
                      struct err *err)
{
    if (message->damaged)
        return sqlite_damaged(err, message->row.held_text);
    add_facts(c, message, item);
    item->envelope = envelope_new();
    if (!item->envelope)
        return err_no_memory(err);
    if (!add_envelope(&message->row, item->envelope, err) || !add_recipients(c, &message->row, item, err))
        return err->kind == ERR_DATA ? sqlite_damaged(err, "an address makes no sense") : false;
    item->envelope->smtputf8 = message->row.smtputf8;
    if (item->envelope->count == 0)
        return sqlite_damaged(err, "nobody is due for a message that is");
    return add_body(c, &message->row, item, err);
}

static bool take(struct claiming *c, const struct sqlite_message *message, struct store_item *item,
                 struct err *err)
{
    struct sql *sql = c->sqlite->sql;
    const char *by = c->claim->by ? c->claim->by : c->claim->account;
    bool leaving = c->claim->leaving;
    uint32_t last = item->recipients[item->envelope->count - 1].number;

    item->lease = c->sqlite->next_lease++;
    return sql_do(sql, err, QUERY_MESSAGE_CLAIM, SQL_NUMBER(item->id), SQL_NUMBER(c->claim->until),
                  SQL_NUMBER(item->lease), SQL_TEXT(leaving ? by : message->stuck),
                  SQL_TEXT(leaving ? store_text(c->claim->via) : message->via)) &&
           sql_do(sql, err, QUERY_RECIPIENT_CLAIM, SQL_NUMBER(item->id), SQL_NUMBER(c->due_by),
                  SQL_NUMBER(message->row.deadline), SQL_NUMBER(last),
                  SQL_NUMBER(leaving ? STORE_LEAVING : STORE_SENDING)) &&
           sqlite_count(c->sqlite, message->account, message->row.state, -1, err) &&
           sqlite_count(c->sqlite, message->account, STORE_SENDING, 1, err);
}

/* One that can't be read is held, with what is wrong with it, and the others go on. */
static bool hold_damaged(struct claiming *c, struct sqlite_message *message, const struct err *why,
                         struct err *err)
{
    if (message->damaged) /* beyond counting */
        return sql_do(c->sqlite->sql, err, QUERY_MESSAGE_ASIDE, SQL_NUMBER(message->row.id));
    return sqlite_hold(c->sqlite, message, "", why->text, "", c->now, err) &&
           sqlite_refresh_sum(c->sqlite, message, c->now, err);
}

static bool is_damage(const struct err *err)
{
    return err->fact && span_is(span_of(err->fact), "store:damaged");
}

static bool claim_one(struct claiming *c, struct sqlite_message *message, struct err *err)
{
    struct store_item item = { 0 };
    struct err why = { 0 };
    bool alone = message->lost > 0, first = c->items->count == 0;

    bool large = message->row.size > c->bytes && !c->claim->late;

    if (!first && (large || alone || c->recipients == 0)) {
        c->full = true;
        return true;
    }
    if (!read_item(c, message, &item, &why)) {
        envelope_free(item.envelope);
        if (is_damage(&why))
            return hold_damaged(c, message, &why, err);
        if (err)
            *err = why;
        return false;
    }
    c->items->at[c->items->count++] = item;
    c->messages--;
    c->recipients -= item.envelope->count;
    c->bytes = c->bytes > message->row.size ? c->bytes - message->row.size : 0;
    c->full = alone || c->messages == 0;
    return take(c, message, &c->items->at[c->items->count - 1], err);
}

static bool claim_slot(struct claiming *c, uint64_t slot, struct sqlite_message *messages, struct err *err)
{
    size_t asked, count;

    do {
        asked = c->messages;
        if (!read_messages(c, ask_line(c, slot), messages, &count, err))
            return false;
        for (size_t i = 0; i < count && !c->full; i++)
            if (!claim_one(c, &messages[i], err))
                return false;
    } while (count == asked && !c->full); /* damaged ones may have stood before others */
    return true;
}

/* When the next one is due that this claimer may have. */
static bool look_ahead(struct claiming *c, struct err *err)
{
    const char *by = c->claim->by ? c->claim->by : c->claim->account;
    bool any = true;

    c->items->next_due = STORE_NEVER;
    for (uint64_t slot = 0;; slot++) {
        if (!next_slot(c, slot, &slot, &any, err))
            return false;
        if (!any)
            return true;
        struct sql_rows rows = sql_ask(c->sqlite->sql, QUERY_LINE_DUE, SQL_NUMBER(c->account), SQL_NUMBER(slot),
                                       SQL_TEXT(by), SQL_NUMBER(c->claim->tied));
        if (sql_next(&rows) && sql_number(&rows, 0) < c->items->next_due)
            c->items->next_due = sql_number(&rows, 0);
        if (!sql_end(&rows, err))
            return false;
    }
}

/* Is it due for this claim? */
static bool is_due(const struct claiming *c, const struct sqlite_message *message)
{
    const char *by = c->claim->by ? c->claim->by : c->claim->account;

    return message->account == c->account && message->slot <= SLOT_LAST && message->due <= c->now &&
           ((!*message->stuck && !c->claim->tied) || span_is(span_of(message->stuck), by));
}

/* What has precedence, if it is there. */
static bool claim_first(struct claiming *c, struct sqlite_message *message, struct err *err)
{
    struct err why = { 0 };

    if (!c->claim->first)
        return true;
    if (sqlite_find(c->sqlite, c->claim->first, &c->items->pool, message, &why))
        return !is_due(c, message) || claim_one(c, message, err);
    if (err && why.fact && !is_damage(&why) && !span_is(span_of(why.fact), "store:gone"))
        *err = why;
    return why.fact && (is_damage(&why) || span_is(span_of(why.fact), "store:gone"));
}

static bool claim_due(struct claiming *c, struct sqlite_message *messages, struct err *err)
{
    bool any = true;

    if (!claim_first(c, messages, err))
        return false;
    for (uint64_t slot = 0; !c->full; slot++) {
        if (!next_slot(c, slot, &slot, &any, err))
            return false;
        if (!any)
            break;
        if (!claim_slot(c, slot, messages, err))
            return false;
    }
    return look_ahead(c, err);
}

/* The ways to get late, and the time by which one is. */
struct way {
    size_t late, next; /* queries */
    uint64_t ms;       /* so old, on the account's own clock; for a deadline 0: by the queue's */
};

/* The account's own clock: it stands while that is parked. */
static uint64_t lived(const struct claiming *c, const struct sqlite_account *account)
{
    return c->now - sqlite_parked_for(account, c->now);
}

/* When the first gets late by this way that is not yet, by the way's clock; which may stand. */
static bool look_for_late(struct claiming *c, const struct way *way, uint64_t clock, uint64_t by, bool stands,
                          struct err *err)
{
    struct sql_rows rows = sql_ask(c->sqlite->sql, way->next, SQL_NUMBER(c->account), SQL_NUMBER(by));
    bool there = sql_next(&rows) && !sql_is_null(&rows, 0) && !stands;
    uint64_t at = there ? c->now + (sql_number(&rows, 0) + way->ms - clock) : STORE_NEVER;

    if (at < c->items->next_due)
        c->items->next_due = at;
    return sql_end(&rows, err);
}

static bool claim_way(struct claiming *c, const struct way *way, struct sqlite_message *messages, struct err *err)
{
    const struct sqlite_account *account = sqlite_account_by_id(c->sqlite, c->account);
    uint64_t clock = way->ms ? lived(c, account) : c->now, by = clock > way->ms ? clock - way->ms : 0;
    size_t count;

    struct sql_rows rows = sql_ask(c->sqlite->sql, way->late, SQL_NUMBER(c->account), SQL_NUMBER(by),
                                   SQL_NUMBER(c->messages));
    if (!read_messages(c, rows, messages, &count, err))
        return false;
    for (size_t i = 0; i < count && !c->full; i++)
        if (!claim_one(c, &messages[i], err))
            return false;
    if (c->full)
        c->items->next_due = c->now;
    return look_for_late(c, way, clock, by, way->ms && account->parked_since, err);
}

static bool claim_late(struct claiming *c, struct sqlite_message *messages, struct err *err)
{
    const struct way ways[] = {
        { QUERY_LATE_DEADLINE, QUERY_NEXT_DEADLINE, 0 },
        { QUERY_LATE_BORN, QUERY_NEXT_BORN, c->claim->late->give_up_ms },
        { QUERY_LATE_WISHED, QUERY_NEXT_WISHED, c->claim->late->delay_ms },
    };

    c->due_by = STORE_SOME_DAY;
    for (size_t i = 0; i < COUNT(ways) && !c->full; i++)
        if (!claim_way(c, &ways[i], messages, err))
            return false;
    return true;
}

static bool claim_all(struct claiming *c, struct err *err)
{
    struct sqlite_message *messages = pool_array(&c->items->pool, c->messages, sizeof *messages);

    c->items->at = pool_array(&c->items->pool, c->messages, sizeof *c->items->at);
    if (!messages || !c->items->at)
        return err_no_memory(err);
    return c->claim->late ? claim_late(c, messages, err) : claim_due(c, messages, err);
}

bool sqlite_claim(struct store *store, const struct store_claim *claim, uint64_t now, struct store_items *ret,
                  struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    const struct sqlite_account *account = sqlite_account(sqlite, claim->account);
    struct claiming claiming = {
        .sqlite = sqlite, .claim = claim, .now = now, .due_by = now, .account = account ? account->id : 0, .items = ret,
        .messages = claim->messages ? claim->messages : 1,
        .recipients = claim->recipients ? claim->recipients : 1, .bytes = claim->bytes,
    };

    ret->next_due = STORE_NEVER;
    return !account || claim_all(&claiming, err);
}
