#include "queue/sqlite_int.h"

#include "base/banned.h"

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
                      SQL_NUMBER((uint64_t)(removed ? state : is->was)), SQL_NUMBER(next),
                      SQL_NUMBER(removed ? 0 : outcome->reports));
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

/* Put off ----------------------------------------------------------------------------------------------------- */

static bool hasten_one(struct sqlite *sqlite, const struct store_wait *wait, uint64_t at, uint64_t now, struct err *err)
{
    HELD(pool) pool = { NULL };
    struct sqlite_message message;
    struct err why = { 0 };

    if (!sqlite_find(sqlite, wait->id, &pool, &message, &why)) {
        bool aside = why.fact && (span_is(span_of(why.fact), "store:gone") || span_is(span_of(why.fact), "store:damaged"));
        if (!aside && err)
            *err = why;
        return aside;
    }
    return sql_do(sqlite->sql, err, QUERY_RECIPIENT_HASTEN, SQL_NUMBER(wait->id), SQL_NUMBER(wait->next), SQL_NUMBER(at)) &&
           (!sql_changed(sqlite->sql) || sqlite_refresh_sum(sqlite, &message, now, err));
}

bool sqlite_hasten(struct store *store, const struct store_wait *waits, size_t count, uint64_t at, uint64_t now,
                   struct err *err)
{
    bool ok = true;

    for (size_t i = 0; ok && i < count; i++)
        ok = waits[i].next <= at || hasten_one(sqlite_of(store), &waits[i], at, now, err);
    return ok;
}
