#include "queue/sqlite_int.h"

#include "base/banned.h"

/* Claim ------------------------------------------------------------------------------------------------------- */

struct claiming {
    struct sqlite *sqlite;
    const struct store_claim *claim;
    uint64_t now, account;
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

/* The first in line there, and whoever is due with it, as far as there is room. */
static bool read_line(struct claiming *c, uint64_t slot, struct sqlite_message *messages, size_t *ret_count,
                      struct err *err)
{
    const char *by = c->claim->by ? c->claim->by : c->claim->account;
    struct sql_rows rows = sql_ask(c->sqlite->sql, QUERY_MESSAGE_IN_LINE, SQL_NUMBER(c->account), SQL_NUMBER(slot),
                                   SQL_NUMBER(c->now), SQL_TEXT(by), SQL_NUMBER(c->messages),
                                   SQL_NUMBER(c->claim->tied));
    size_t count = 0;
    bool ok = true;

    while (ok && count < c->messages && sql_next(&rows))
        ok = sqlite_read_message(c->sqlite, &rows, &c->items->pool, &messages[count++], err);
    *ret_count = count;
    return sql_end(&rows, ok ? err : NULL) && ok;
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
    item->recipients[at] = (struct store_open_recipient){ is.number, is.state, is.tries, is.wanted | is.told };
    return envelope_add_dsn(item->envelope, span_of(is.address), is.notify, span_of(is.orcpt), err) &&
           (item->envelope->count == at + 1 || sqlite_damaged(err, "a recipient is there twice"));
}

/* Those due now, up to the room there is; one more says that it is partial. */
static bool add_recipients(struct claiming *c, const struct store_row *row, struct store_item *item,
                           struct err *err)
{
    size_t most = c->recipients < row->recipient_total ? c->recipients : row->recipient_total;
    struct sql_rows rows = sql_ask(c->sqlite->sql, QUERY_RECIPIENT_DUE, SQL_NUMBER(row->id), SQL_NUMBER(c->now),
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

    if (row->pieces > 1)
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
           sql_do(sql, err, QUERY_RECIPIENT_CLAIM, SQL_NUMBER(item->id), SQL_NUMBER(c->now),
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

    if (!first && (message->row.size > c->bytes || alone || c->recipients == 0)) {
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
        if (!read_line(c, slot, messages, &count, err))
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

static bool claim_all(struct claiming *c, struct err *err)
{
    struct sqlite_message *messages = pool_array(&c->items->pool, c->messages, sizeof *messages);
    bool any = true;

    c->items->at = pool_array(&c->items->pool, c->messages, sizeof *c->items->at);
    if (!messages || !c->items->at)
        return err_no_memory(err);
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

bool sqlite_claim(struct store *store, const struct store_claim *claim, uint64_t now, struct store_items *ret,
                  struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    const struct sqlite_account *account = sqlite_account(sqlite, claim->account);
    struct claiming claiming = {
        .sqlite = sqlite, .claim = claim, .now = now, .account = account ? account->id : 0, .items = ret,
        .messages = claim->messages ? claim->messages : 1,
        .recipients = claim->recipients ? claim->recipients : 1, .bytes = claim->bytes,
    };

    ret->next_due = STORE_NEVER;
    return !account || claim_all(&claiming, err);
}

/* Leases ------------------------------------------------------------------------------------------------------ */

/* The message of a lease; *ret_good is false where it is another's by now. */
static bool leased(struct sqlite *sqlite, uint64_t id, uint64_t lease, struct pool *pool,
                   struct sqlite_message *ret, bool *ret_good, struct err *err)
{
    struct err why = { 0 };
    bool there = sqlite_find(sqlite, id, pool, ret, &why);

    *ret_good = there && ret->lease == lease && lease;
    if (there || (why.fact && span_is(span_of(why.fact), "store:gone")))
        return true;
    if (err)
        *err = why;
    return false;
}

static bool leave(struct sqlite *sqlite, const char *by, const struct store_lease *lease, struct err *err)
{
    if (!sql_do(sqlite->sql, err, QUERY_MESSAGE_STICK, SQL_NUMBER(lease->id), SQL_TEXT(by),
                SQL_TEXT(store_text(lease->via))))
        return false;
    if (!lease->recipients)
        return sql_do(sqlite->sql, err, QUERY_RECIPIENT_LEAVE, SQL_NUMBER(lease->id));
    for (size_t i = 0; i < lease->count; i++)
        if (!sql_do(sqlite->sql, err, QUERY_RECIPIENT_LEAVE_ONE, SQL_NUMBER(lease->id),
                    SQL_NUMBER(lease->recipients[i])))
            return false;
    return true;
}

static bool is_alive(const struct sqlite_message *message, uint64_t now)
{
    return message->slot == SLOT_LEASED && message->due > now;
}

bool sqlite_leaving(struct store *store, const char *by, struct store_lease *leases, size_t count,
                    uint64_t now, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    bool ok = true;

    for (size_t i = 0; ok && i < count; i++) {
        HELD(pool) pool = { NULL };
        struct sqlite_message message;
        bool good;
        ok = leased(sqlite, leases[i].id, leases[i].lease, &pool, &message, &good, err);
        leases[i].gone = !ok || !good || !is_alive(&message, now) || *message.removed_by;
        ok = ok && (leases[i].gone || leave(sqlite, by, &leases[i], err));
    }
    return ok;
}

bool sqlite_extend(struct store *store, struct store_lease *leases, size_t count, uint64_t until, uint64_t now,
                   struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    bool ok = true;

    for (size_t i = 0; ok && i < count; i++) {
        HELD(pool) pool = { NULL };
        struct sqlite_message message;
        bool good;
        ok = leased(sqlite, leases[i].id, leases[i].lease, &pool, &message, &good, err);
        leases[i].gone = !ok || !good || !is_alive(&message, now);
        ok = ok && (leases[i].gone ||
                    sql_do(sqlite->sql, err, QUERY_MESSAGE_EXTEND, SQL_NUMBER(leases[i].id), SQL_NUMBER(until)));
    }
    return ok;
}

/* Settle ------------------------------------------------------------------------------------------------------ */

struct settling {
    struct sqlite *sqlite;
    const struct store_settlement *settlement;
    struct sqlite_message *message;
    uint64_t now;
};

/* The recipient as it is, which must be in the lease, or have become unknown by losing it. */
static bool in_lease(struct settling *s, const struct store_outcome *outcome, struct pool *pool,
                     struct store_row_recipient *ret, struct err *err)
{
    struct sql_rows rows = sql_ask(s->sqlite->sql, QUERY_RECIPIENT_ONE, SQL_NUMBER(s->message->row.id),
                                   SQL_NUMBER(outcome->number));
    bool there = sql_next(&rows);
    bool ok = there && sqlite_read_recipient(&rows, pool, ret, err);

    if (!sql_end(&rows, there && !ok ? NULL : err) || (there && !ok))
        return false;
    bool good = ok && (ret->state == STORE_SENDING || ret->state == STORE_LEAVING ||
                       (ret->state == STORE_UNKNOWN && s->message->slot != SLOT_LEASED));
    return good || store_lease_lost(err, s->message->row.id);
}

static bool settle_one(struct settling *s, const struct store_outcome *outcome,
                       const struct store_row_recipient *is, struct err *err)
{
    bool waits = STORE_WAITING & STORE_IN(outcome->state);
    bool removed = waits && *s->message->removed_by;
    enum store_state state = removed ? STORE_REMOVED : outcome->state;
    uint64_t next = waits ? outcome->next : 0;
    const uint64_t id = s->message->row.id;

    if (outcome->state == STORE_QUEUED)
        return sql_do(s->sqlite->sql, err, QUERY_RECIPIENT_BACK, SQL_NUMBER(id), SQL_NUMBER(outcome->number),
                      SQL_NUMBER((uint64_t)(removed ? state : is->was)), SQL_NUMBER(next));
    s->message->lost = 0;
    return sql_do(s->sqlite->sql, err, QUERY_RECIPIENT_SETTLE, SQL_NUMBER(id), SQL_NUMBER(outcome->number),
                  SQL_NUMBER((uint64_t)state), SQL_NUMBER(next), SQL_NUMBER(s->now), SQL_NUMBER(outcome->reply),
                  SQL_NUMBER(sqlite_pack(outcome->enhanced)), SQL_TEXT(store_text(outcome->cause)),
                  SQL_TEXT(store_text(outcome->text)), SQL_TEXT(store_text(s->settlement->by)),
                  SQL_NUMBER(removed ? 0 : outcome->reports), SQL_NUMBER(outcome->state == STORE_UNKNOWN));
}

/* One event for each run of outcomes that are alike. Of a message to one, its last is told by its recipient's row. */
static bool add_events(struct settling *s, struct err *err)
{
    const struct store_settlement *settlement = s->settlement;

    for (size_t i = 0, run; i < settlement->count; i += run) {
        const struct store_outcome *outcome = &settlement->outcomes[i];
        for (run = 1; i + run < settlement->count && store_outcomes_alike(outcome + run - 1, outcome + run); run++)
            ;
        bool waits = STORE_WAITING & STORE_IN(outcome->state);
        if (outcome->state == STORE_QUEUED || (!waits && s->message->row.recipient_total == 1))
            continue;
        struct store_event event = { s->now, store_event_of(outcome->state), outcome->number, (uint32_t)run,
                                     .reply = outcome->reply, .by = settlement->by, .cause = outcome->cause,
                                     .text = outcome->text };
        memcpy(event.enhanced, outcome->enhanced, sizeof event.enhanced);
        if (!sqlite_add_event(s->sqlite, s->message, &event, err))
            return false;
    }
    return true;
}

static bool settle_all(struct settling *s, struct err *err)
{
    HELD(pool) pool = { NULL };

    for (size_t i = 0; i < s->settlement->count; i++) {
        const struct store_outcome *outcome = &s->settlement->outcomes[i];
        struct store_row_recipient is;
        if (!in_lease(s, outcome, &pool, &is, err) || !settle_one(s, outcome, &is, err))
            return false;
        if (outcome->reports && s->message->report_due == STORE_NEVER)
            s->message->report_due = s->now;
    }
    return add_events(s, err);
}

bool sqlite_settle(struct store *store, const struct store_settlement *settlement, uint64_t now,
                   struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    HELD(pool) pool = { NULL };
    struct sqlite_message message;
    struct settling settling = { sqlite, settlement, &message, now };
    bool good;

    if (!leased(sqlite, settlement->id, settlement->lease, &pool, &message, &good, err))
        return false;
    if (!good)
        return store_lease_lost(err, settlement->id);
    if (!settle_all(&settling, err))
        return false;
    struct store_sum sum;
    if (!sqlite_sum(sqlite, message.row.id, &sum, err))
        return false;
    if (settlement->hold && store_sum_is_open(&sum) &&
        !sqlite_hold(sqlite, &message, settlement->hold, settlement->hold_text, settlement->by, now, err))
        return false;
    return sqlite_refresh(sqlite, &message, &sum, now, err);
}
