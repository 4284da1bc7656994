#include "queue/sqlite_int.h"

#include "base/banned.h"

enum {
    FREE_PAGES_MOST = 4096,
    PIECES_MOST = 128, /* of bodies, in one sweep */
};

struct sweeping {
    struct sqlite *sqlite;
    const struct store_sweep *sweep;
    uint64_t now;
    size_t left; /* steps */
    bool more;   /* of bodies */
};

/* Ids that a query of one column gives, as many as steps are left. */
static bool read_ids(struct sweeping *s, struct sql_rows rows, struct pool *pool, uint64_t **ret_ids,
                     size_t *ret_count, struct err *err)
{
    uint64_t *ids = pool_array(pool, s->left, sizeof *ids);

    *ret_ids = ids;
    *ret_count = 0;
    while (ids && *ret_count < s->left && sql_next(&rows))
        ids[(*ret_count)++] = sql_number(&rows, 0);
    return sql_end(&rows, err) && (ids || err_no_memory(err));
}

/* Leases that ran out ----------------------------------------------------------------------------------------- */

static bool lose_lease(struct sweeping *s, uint64_t id, struct err *err)
{
    HELD(pool) pool = { NULL };
    struct sqlite_message message;
    struct sql *sql = s->sqlite->sql;
    const struct store_event lost = { .at = s->now, .kind = STORE_EVENT_LOST };
    bool good;

    if (!sqlite_find_good(s->sqlite, id, &pool, &message, &good, err))
        return false;
    if (!good)
        return true;
    if (!sql_do(sql, err, QUERY_RECIPIENT_LOST, SQL_NUMBER(id), SQL_NUMBER(s->now)) ||
        !sql_do(sql, err, QUERY_RECIPIENT_UNKNOWN, SQL_NUMBER(id), SQL_NUMBER(s->sweep->unknown_next),
                SQL_NUMBER(s->now)) ||
        !sqlite_add_event(s->sqlite, &message, &lost, err))
        return false;
    if (*message.removed_by && !sqlite_remove_waiting(s->sqlite, &message, message.removed_by, s->now, err))
        return false;
    if (++message.lost >= STORE_LOST_MAX &&
        !sqlite_hold(s->sqlite, &message, "", store_text_lost, "", s->now, err))
        return false;
    return sqlite_refresh_sum(s->sqlite, &message, s->now, err);
}

static bool sweep_leases(struct sweeping *s, struct err *err)
{
    uint64_t until = s->sweep->reborn ? STORE_NEVER : s->now;

    for (size_t i = 0; i < s->sqlite->account_count && s->left; i++) {
        HELD(pool) pool = { NULL };
        uint64_t *ids;
        size_t count;
        struct sql_rows rows = sql_ask(s->sqlite->sql, QUERY_MESSAGE_LEASED,
                                       SQL_NUMBER(s->sqlite->accounts[i].id), SQL_NUMBER(until),
                                       SQL_NUMBER(s->left));
        if (!read_ids(s, rows, &pool, &ids, &count, err))
            return false;
        for (size_t k = 0; k < count; k++, s->left--)
            if (!lose_lease(s, ids[k], err))
                return false;
    }
    return true;
}

/* What is not needed any more --------------------------------------------------------------------------------- */

/* Some of its pieces, from the front; the draft itself with the last of them. */
static bool sweep_pieces(struct sqlite *sqlite, uint64_t id, bool *ret_gone, struct err *err)
{
    struct sql *sql = sqlite->sql;
    uint64_t at = id * SQLITE_PIECES_MAX, end = at + SQLITE_PIECES_MAX;
    struct sql_rows rows = sql_ask(sql, QUERY_BODY_NEXT, SQL_NUMBER(at));
    uint64_t first = sql_next(&rows) ? sql_number(&rows, 0) : end;

    if (!sql_end(&rows, err))
        return false;
    *ret_gone = first >= end;
    if (*ret_gone)
        return sql_do(sql, err, QUERY_DRAFT_END, SQL_NUMBER(id));
    uint64_t until = first + SQLITE_PIECES_AT_ONCE;
    return sql_do(sql, err, QUERY_BODY_END, SQL_NUMBER(first), SQL_NUMBER(until < end ? until : end));
}

static bool sweep_bodies(struct sweeping *s, struct err *err)
{
    HELD(pool) pool = { NULL };
    uint64_t *ids, before = s->sweep->reborn ? STORE_NEVER : s->sweep->bodies_before;
    size_t count, most = s->left;
    unsigned pieces = 0;
    struct sql_rows rows = sql_ask(s->sqlite->sql, QUERY_DRAFT_OLD, SQL_NUMBER(before), SQL_NUMBER(most));

    if (!read_ids(s, rows, &pool, &ids, &count, err))
        return false;
    for (size_t i = 0; i < count; i++, s->left--)
        for (bool gone = false; !gone; pieces += SQLITE_PIECES_AT_ONCE) {
            if (pieces >= PIECES_MOST) { /* the rest another time */
                s->more = true;
                return true;
            }
            if (!sweep_pieces(s->sqlite, ids[i], &gone, err))
                return false;
        }
    s->sqlite->ended_bodies = s->sqlite->ended_bodies && count == most;
    return true;
}

bool sqlite_end_bodies(struct sqlite *sqlite, struct err *err)
{
    static const struct store_sweep ended = { .bodies_before = 1, .most = 100 };
    struct sweeping sweeping = { sqlite, &ended, 0, ended.most, false };

    return sweep_bodies(&sweeping, err);
}

static bool sweep_keys(struct sweeping *s, struct err *err)
{
    if (!sql_do(s->sqlite->sql, err, QUERY_KEY_OLD, SQL_NUMBER(s->now), SQL_NUMBER(s->left)))
        return false;
    uint64_t gone = sql_changed(s->sqlite->sql);
    s->left -= gone < s->left ? gone : s->left;
    return true;
}

static bool forget(struct sqlite *sqlite, uint64_t id, struct err *err)
{
    struct sql *sql = sqlite->sql;

    return sql_do(sql, err, QUERY_HISTORY_END, SQL_NUMBER(id)) &&
           sql_do(sql, err, QUERY_RECIPIENT_END, SQL_NUMBER(id)) &&
           sql_do(sql, err, QUERY_EVENT_END, SQL_NUMBER(id));
}

/* The old part of the history, which is in the order of ids: up to what was not even accepted then. What was accepted
 * before and was over after is looked at again each time around. */
static bool sweep_history(struct sweeping *s, struct err *err)
{
    HELD(pool) pool = { NULL };
    uint64_t *ids = pool_array(&pool, s->left, sizeof *ids), before = s->sweep->history_before;
    size_t count = 0, seen = 0;

    if (!ids)
        return err_no_memory(err);
    struct sql_rows rows = sql_ask(s->sqlite->sql, QUERY_HISTORY_OLD, SQL_NUMBER(s->sqlite->swept_history),
                                   SQL_NUMBER(s->left));
    while (seen < s->left && sql_next(&rows) && sql_number(&rows, 1) < before) {
        s->sqlite->swept_history = sql_number(&rows, 0);
        if (sql_number(&rows, 2) < before)
            ids[count++] = s->sqlite->swept_history;
        seen++;
    }
    if (!sql_end(&rows, err))
        return false;
    if (seen < s->left)
        s->sqlite->swept_history = 0;
    for (size_t i = 0; i < count; i++)
        if (!forget(s->sqlite, ids[i], err))
            return false;
    s->left -= seen;
    /* Their numbers are not given again, though one was the largest. */
    return count == 0 || sql_do(s->sqlite->sql, err, QUERY_META_PUT, SQL_TEXT("floor"),
                                SQL_NUMBER(s->sqlite->next_id - 1));
}

/* Free pages are the next messages' place; many more than that go back to the disk. */
static bool compact(struct sweeping *s, bool *ret_more, struct err *err)
{
    uint64_t free_pages, pages;
    struct sql *sql = s->sqlite->sql;

    if (!sql_get(sql, "PRAGMA freelist_count", &free_pages, err) || !sql_get(sql, "PRAGMA page_count", &pages, err))
        return false;
    *ret_more = free_pages > FREE_PAGES_MOST && free_pages > pages / 4;
    return !*ret_more || sql_run(sql, "PRAGMA incremental_vacuum(256)", err);
}

bool sqlite_sweep(struct store *store, const struct store_sweep *sweep, uint64_t now, bool *ret_more,
                  struct err *err)
{
    static bool (*const parts[])(struct sweeping *, struct err *) = { sweep_leases, sweep_bodies, sweep_keys,
                                                                      sweep_history };
    struct sweeping sweeping = { sqlite_of(store), sweep, now, sweep->most, false };
    bool free_more = false;

    for (size_t i = 0; i < COUNT(parts) && sweeping.left; i++)
        if (!parts[i](&sweeping, err))
            return false;
    if (sweeping.left && !sweep->reborn && !compact(&sweeping, &free_more, err))
        return false;
    *ret_more = sweeping.left == 0 || sweeping.more || free_more;
    return true;
}

/* Check --------------------------------------------------------------------------------------------------------- */

static void found(struct store_checking *checking, const char *text, uint64_t id)
{
    HELD(buf) out = BUF(sizeof checking->text - 1);

    checking->damaged++;
    if (checking->text[0])
        return;
    buf_addf(&out, "message %llu: %s", (unsigned long long)id, text);
    if (!out.full)
        memcpy(checking->text, buf_text(&out), out.len + 1);
}

/* All pieces, each as its sum says, and together as large as the message is. */
static bool check_body(struct sqlite *sqlite, const struct store_row *row, struct err *err)
{
    uint64_t size = 0;
    bool ok = true;

    for (uint32_t i = 0; ok && i < row->pieces; i++) {
        struct sql_rows rows;
        struct span bytes = SPAN_NONE;
        ok = sqlite_piece(sqlite, &rows, row->id, i, &bytes, err);
        size += bytes.len;
        if (!sql_end(&rows, ok ? err : NULL))
            return false;
    }
    if (!ok && err->kind != ERR_NONE)
        return false;
    return (ok && size == row->size) || sqlite_damaged(err, store_text_damaged);
}

static bool check_recipients(struct sqlite *sqlite, struct sqlite_message *message, struct err *err)
{
    struct store_sum sum;
    size_t total = 0;

    if (!sqlite_sum(sqlite, message->row.id, &sum, err))
        return false;
    for (size_t i = 0; i < STORE_STATE_COUNT; i++)
        total += sum.by_state[i];
    return total == message->row.recipient_total || sqlite_damaged(err, "recipients are missing");
}

/* A damaged message is held, where that can still be written; what can't be read is left for others to find. */
static bool check_message(struct sqlite *sqlite, struct sqlite_message *message, uint64_t now,
                          struct store_checking *checking, struct err *err)
{
    struct err why = { 0 };

    checking->seen++;
    if (message->damaged) {
        found(checking, message->row.held_text, message->row.id);
        return sql_do(sqlite->sql, err, QUERY_MESSAGE_ASIDE, SQL_NUMBER(message->row.id));
    }
    if (check_recipients(sqlite, message, &why) && check_body(sqlite, &message->row, &why))
        return true;
    if (!why.fact || !span_is(span_of(why.fact), "store:damaged")) {
        *err = why;
        return false;
    }
    found(checking, why.text, message->row.id);
    return message->held || (sqlite_hold(sqlite, message, "", why.text, "", now, err) &&
                             sqlite_refresh_sum(sqlite, message, now, err));
}

static bool check_messages(struct sqlite *sqlite, struct store_checking *checking, size_t most, uint64_t now,
                           struct err *err)
{
    HELD(pool) pool = { NULL };
    struct sqlite_message *messages = pool_array(&pool, most, sizeof *messages);
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_MESSAGE_NEXT, SQL_NUMBER(checking->at), SQL_NUMBER(most));
    size_t count = 0;
    bool ok = messages || err_no_memory(err);

    while (ok && count < most && sql_next(&rows))
        ok = sqlite_read_message(sqlite, &rows, &pool, &messages[count++], err);
    if (!sql_end(&rows, ok ? err : NULL) || !ok)
        return false;
    for (size_t i = 0; i < count; i++) {
        checking->at = messages[i].row.id;
        if (!check_message(sqlite, &messages[i], now, checking, err))
            return false;
    }
    if (count < most) {
        checking->stage++;
        checking->at = 0;
    }
    return true;
}

static bool check_history(struct sqlite *sqlite, struct store_checking *checking, size_t most, uint64_t now,
                          struct err *err)
{
    HELD(pool) pool = { NULL };
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_HISTORY_NEXT, SQL_NUMBER(checking->at), SQL_NUMBER(most));
    struct sqlite_message message;
    size_t count = 0;
    bool ok = true;
    (void)now;

    for (; ok && sql_next(&rows); count++) {
        ok = sqlite_read_message(sqlite, &rows, &pool, &message, err);
        checking->at = sql_number(&rows, 0);
        checking->seen++;
    }
    if (!sql_end(&rows, ok ? err : NULL) || !ok)
        return false;
    if (count < most)
        checking->stage++;
    return true;
}

/* What is counted with each commit, counted again; and the line against the table. */
static bool check_counts(struct sqlite *sqlite, struct store_checking *checking, size_t most, uint64_t now,
                         struct err *err)
{
    uint64_t counts[2] = { 0 };
    static const size_t queries[] = { QUERY_CHECK_LINE, QUERY_CHECK_TABLE };
    (void)most, (void)now;

    for (size_t i = 0; i < COUNT(queries); i++) {
        struct sql_rows rows = sql_ask_values(sqlite->sql, queries[i], NULL, 0);
        counts[i] = sql_next(&rows) ? sql_number(&rows, 0) : 0;
        if (!sql_end(&rows, err))
            return false;
    }
    if (counts[0] != counts[1])
        found(checking, "messages stand in line that are not there, or the other way round", 0);
    checking->stage++;
    checking->end = true;
    return true;
}

bool sqlite_check(struct store *store, struct store_checking *checking, size_t most, uint64_t now,
                  struct err *err)
{
    static bool (*const stages[])(struct sqlite *, struct store_checking *, size_t, uint64_t, struct err *) = {
        check_messages, check_history, check_counts,
    };
    struct err why = { 0 };

    if (checking->end)
        return true;
    if (stages[checking->stage](sqlite_of(store), checking, most, now, &why))
        return true;
    if (err)
        *err = why;
    return false;
}
