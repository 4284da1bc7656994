#include "queue/sqlite_int.h"

#include "base/banned.h"

enum { READ_AT_ONCE = 100, STEPS_OF_A_PAGE = 5000 };

/* A walk in the order of ids: what is open, then, where it is asked for, what is over -------------------------- */

struct walking {
    struct sqlite *sqlite;
    const struct store_filter *filter;
    struct store_cursor *cursor;
    struct sqlite_message *messages; /* READ_AT_ONCE of them, borrowed until the next read */
    size_t count, at;
    struct pool pool; /* of these */
};

static void walking_done(struct walking *walking)
{
    pool_done(&walking->pool);
}

/* Where one account's are asked for, its own index leads past the others'. */
static struct sql_rows ask_more(struct walking *w)
{
    const struct sqlite_account *account = w->filter->account ? sqlite_account(w->sqlite, w->filter->account) : NULL;

    if (w->cursor->history || !w->filter->account)
        return sql_ask(w->sqlite->sql, w->cursor->history ? QUERY_HISTORY_NEXT : QUERY_MESSAGE_NEXT,
                       SQL_NUMBER(w->cursor->id), SQL_NUMBER(READ_AT_ONCE));
    return sql_ask(w->sqlite->sql, QUERY_MESSAGE_NEXT_OF, SQL_NUMBER(w->cursor->id), SQL_NUMBER(READ_AT_ONCE),
                   SQL_NUMBER(account ? account->id : 0));
}

static bool read_more(struct walking *w, struct err *err)
{
    struct sql_rows rows = ask_more(w);
    bool ok = true;

    w->count = w->at = 0;
    pool_done(&w->pool);
    w->messages = pool_array(&w->pool, READ_AT_ONCE, sizeof *w->messages);
    if (!w->messages)
        ok = err_no_memory(err);
    while (ok && w->count < READ_AT_ONCE && sql_next(&rows))
        ok = sqlite_read_message(w->sqlite, &rows, &w->pool, &w->messages[w->count++], err);
    return sql_end(&rows, ok ? err : NULL) && ok;
}

static void next_part(struct walking *w)
{
    bool history = !w->cursor->history && store_filter_asks_history(w->filter);

    *w->cursor = (struct store_cursor){ .history = true, .end = !history };
}

/* The next message, or NULL in *ret at the end; the cursor is past it. */
static bool walk(struct walking *w, struct sqlite_message **ret, struct err *err)
{
    *ret = NULL;
    while (w->at == w->count && !w->cursor->end) {
        if (!read_more(w, err))
            return false;
        if (w->count == 0)
            next_part(w);
    }
    if (w->at < w->count) {
        *ret = &w->messages[w->at++];
        w->cursor->id = (*ret)->row.id;
    }
    return true;
}

/* Ids are looked up one by one: the cursor counts them. */
static bool look_up(struct walking *w, struct sqlite_message **ret, struct err *err)
{
    const uint64_t *ids = w->filter->ids;
    bool there = false, ok = true;

    *ret = NULL;
    while (ok && !there && w->cursor->id < w->filter->id_count) {
        const size_t queries[] = { QUERY_MESSAGE_GET, QUERY_HISTORY_GET };
        uint64_t id = ids[w->cursor->id++];
        for (size_t i = 0; ok && !there && i < COUNT(queries); i++) {
            struct sql_rows rows = sql_ask(w->sqlite->sql, queries[i], SQL_NUMBER(id));
            there = sql_next(&rows);
            if (there && !w->messages)
                w->messages = pool_array(&w->pool, 1, sizeof *w->messages);
            ok = !there || (w->messages ? sqlite_read_message(w->sqlite, &rows, &w->pool, w->messages, err)
                                        : err_no_memory(err));
            ok = sql_end(&rows, ok ? err : NULL) && ok;
        }
    }
    if (ok && there)
        *ret = w->messages;
    w->cursor->end = !there;
    return ok;
}

static bool next_message(struct walking *w, struct sqlite_message **ret, struct err *err)
{
    return w->filter->id_count ? look_up(w, ret, err) : walk(w, ret, err);
}

/* Does one of its recipients fit? */
static bool seek(struct sqlite *sqlite, const struct store_filter *filter, const struct store_row *row,
                 bool *ret_found, struct err *err)
{
    struct store_seeking seeking = { 0 };
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_RECIPIENT_FROM, SQL_NUMBER(row->id), SQL_NUMBER(0),
                                   SQL_NUMBER(STORE_NEVER));

    while (!(*ret_found = store_found(&seeking, filter, row)) && sql_next(&rows))
        store_seek(&seeking, filter, sql_text(&rows, 1), sql_text(&rows, 10));
    return sql_end(&rows, err);
}

static bool fits(struct walking *w, struct sqlite_message *message, uint64_t now, bool *ret_fits, struct err *err)
{
    enum store_state state = message->row.state;
    bool ok = true;

    sqlite_shown(w->sqlite, message, now);
    *ret_fits = store_filter_fits(w->filter, &message->row);
    if (*ret_fits && store_filter_asks_recipients(w->filter))
        ok = seek(w->sqlite, w->filter, &message->row, ret_fits, err);
    if (!message->row.done)
        message->row.state = state; /* as it is kept */
    return ok;
}

/* Showing ----------------------------------------------------------------------------------------------------- */

static bool copy_texts(struct pool *pool, struct store_row *row)
{
    const char **texts[] = { &row->account,    &row->submitter,    &row->sender,    &row->from,   &row->message_id,
                             &row->envid,      &row->held_because, &row->held_text, &row->held_by };

    for (size_t i = 0; i < COUNT(texts); i++)
        if (!(*texts[i] = sqlite_keep_text(pool, *texts[i])))
            return false;
    return true;
}

static bool show_row(struct sqlite *sqlite, struct sqlite_message *message, uint64_t from, size_t recipients,
                     uint64_t now, struct pool *pool, struct store_row *ret, struct err *err)
{
    sqlite_shown(sqlite, message, now);
    *ret = message->row;
    return (copy_texts(pool, ret) || err_no_memory(err)) &&
           sqlite_add_recipients(sqlite, ret, from, recipients, pool, err);
}

bool sqlite_list(struct store *store, const struct store_filter *filter, struct store_cursor *cursor,
                 size_t rows, size_t recipients, uint64_t now, struct store_rows *ret, struct err *err)
{
    HELD(walking) walking = { .sqlite = sqlite_of(store), .filter = filter, .cursor = cursor };

    ret->at = pool_array(&ret->pool, rows, sizeof *ret->at);
    if (!ret->at)
        return err_no_memory(err);
    for (size_t steps = 0; ret->count < rows && steps < STEPS_OF_A_PAGE; steps++) {
        struct sqlite_message *message;
        bool fit;
        if (!next_message(&walking, &message, err))
            return false;
        if (!message)
            return true;
        if (!fits(&walking, message, now, &fit, err) ||
            (fit && !show_row(walking.sqlite, message, 0, recipients, now, &ret->pool, &ret->at[ret->count++], err)))
            return false;
    }
    return true;
}

static bool read_event(const struct sql_rows *rows, struct pool *pool, struct store_event *ret, struct err *err)
{
    uint64_t kind = sql_number(rows, 1), enhanced = sql_number(rows, 5);

    *ret = (struct store_event){ .at = sql_number(rows, 0), .kind = (enum store_event_kind)kind,
                                 .first = (uint32_t)sql_number(rows, 2), .count = (uint32_t)sql_number(rows, 3),
                                 .reply = (uint16_t)sql_number(rows, 4) };
    ret->enhanced[0] = (uint16_t)(enhanced / 1000000 % 10);
    ret->enhanced[1] = (uint16_t)(enhanced / 1000 % 1000);
    ret->enhanced[2] = (uint16_t)(enhanced % 1000);
    if (kind > STORE_EVENT_TOLD)
        return sqlite_damaged(err, "an event makes no sense");
    return ((ret->by = sqlite_keep_text(pool, sql_text(rows, 6))) &&
            (ret->cause = sqlite_keep_text(pool, sql_text(rows, 7))) &&
            (ret->text = sqlite_keep_text(pool, sql_text(rows, 8)))) ||
           err_no_memory(err);
}

/* What a message's recipient says of its end, where it is the only one; behind what came before it. */
static void tell_end(struct store_story *story, const struct store_row_recipient *is)
{
    size_t at = story->event_count;
    struct store_event event = { is->at, store_event_of(is->state), is->number, 1, is->reply, { 0 }, is->by, is->cause,
                                 is->text };

    memcpy(event.enhanced, is->enhanced, sizeof event.enhanced);
    while (at > 1 && (story->events[at - 1].at > is->at ||
                      (story->events[at - 1].at == is->at && story->events[at - 1].kind == STORE_EVENT_TOLD)))
        at--;
    memmove(&story->events[at + 1], &story->events[at], (story->event_count++ - at) * sizeof event);
    story->events[at] = event;
}

static bool add_events(struct sqlite *sqlite, struct store_story *story, struct err *err)
{
    const struct store_row *row = &story->rows.at[0];
    struct pool *pool = &story->rows.pool;
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_EVENT_ALL, SQL_NUMBER(row->id));
    bool ok = true;

    story->events = pool_array(pool, SQLITE_EVENTS_MAX + 2, sizeof *story->events);
    if (!story->events)
        ok = err_no_memory(err);
    else
        story->events[story->event_count++] = (struct store_event){ .at = row->created, .by = row->submitter,
                                                                    .cause = "", .text = "" };
    while (ok && story->event_count <= SQLITE_EVENTS_MAX && sql_next(&rows))
        ok = read_event(&rows, pool, &story->events[story->event_count++], err);
    return sql_end(&rows, ok ? err : NULL) && ok;
}

/* Where there is only one recipient, its row is read for the story, whatever part of the recipients is asked for. */
static bool add_end(struct sqlite *sqlite, struct store_story *story, struct err *err)
{
    struct store_row all = { .id = story->rows.at[0].id, .recipient_total = story->rows.at[0].recipient_total };

    if (all.recipient_total != 1)
        return true;
    if (!sqlite_add_recipients(sqlite, &all, 0, 1, &story->rows.pool, err))
        return false;
    if (all.recipient_count && (STORE_IN(all.recipients[0].state) & (STORE_IN(STORE_DELIVERED) | STORE_IN(STORE_FAILED))))
        tell_end(story, &all.recipients[0]);
    return true;
}

bool sqlite_show(struct store *store, uint64_t id, uint32_t from, size_t recipients, uint64_t now,
                 struct store_story *ret, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    struct store_filter filter = { .ids = &id, .id_count = 1 };
    struct store_cursor cursor = { 0 };
    HELD(walking) walking = { .sqlite = sqlite, .filter = &filter, .cursor = &cursor };
    struct sqlite_message *message;

    if (!next_message(&walking, &message, err))
        return false;
    if (!message)
        return store_gone(err, id);
    ret->rows.at = pool_array(&ret->rows.pool, 1, sizeof *ret->rows.at);
    if (!ret->rows.at)
        return err_no_memory(err);
    return show_row(sqlite, message, from, recipients, now, &ret->rows.pool, &ret->rows.at[ret->rows.count++], err) &&
           add_events(sqlite, ret, err) && add_end(sqlite, ret, err);
}

/* Telling ----------------------------------------------------------------------------------------------------- */

static bool report_row(struct sqlite *sqlite, uint64_t id, uint64_t again, size_t recipients, uint64_t now,
                       struct store_rows *ret, struct err *err)
{
    HELD(pool) pool = { NULL };
    struct sqlite_message message;
    struct store_row *row = &ret->at[ret->count];
    bool good;

    if (!sqlite_find_good(sqlite, id, &pool, &message, &good, err))
        return false;
    if (!good)
        return true;
    if (!show_row(sqlite, &message, 0, 0, now, &ret->pool, row, err) ||
        !sql_do(sqlite->sql, err, QUERY_MESSAGE_REPORT_PUT, SQL_NUMBER(id), SQL_NUMBER(again)))
        return false;
    ret->count++;
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_RECIPIENT_WANTED, SQL_NUMBER(id), SQL_NUMBER(recipients));
    bool ok = true;
    size_t most = row->recipient_total < recipients ? row->recipient_total : recipients;
    row->recipients = pool_array(&ret->pool, most, sizeof *row->recipients);
    if (!row->recipients)
        ok = err_no_memory(err);
    while (ok && row->recipient_count < most && sql_next(&rows))
        ok = sqlite_read_recipient(&rows, &ret->pool, &row->recipients[row->recipient_count++], err);
    return sql_end(&rows, ok ? err : NULL) && ok;
}

static bool reports_due(struct sqlite *sqlite, uint64_t now, size_t most, uint64_t *ids, size_t *ret_count,
                        struct err *err)
{
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_MESSAGE_REPORTS, SQL_NUMBER(now), SQL_NUMBER(most));

    for (*ret_count = 0; *ret_count < most && sql_next(&rows);)
        ids[(*ret_count)++] = sql_number(&rows, 0);
    return sql_end(&rows, err);
}

bool sqlite_reports(struct store *store, uint64_t now, uint64_t again, size_t messages, size_t recipients,
                    struct store_rows *ret, uint64_t *ret_next, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    uint64_t *ids = pool_array(&ret->pool, messages, sizeof *ids);
    size_t count;

    ret->at = pool_array(&ret->pool, messages, sizeof *ret->at);
    if (!ids || !ret->at)
        return err_no_memory(err);
    if (!reports_due(sqlite, now, messages, ids, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!report_row(sqlite, ids[i], again, recipients, now, ret, err))
            return false;
    struct sql_rows rows = sql_ask_values(sqlite->sql, QUERY_MESSAGE_REPORT_NEXT, NULL, 0);
    *ret_next = sql_next(&rows) && !sql_is_null(&rows, 0) ? sql_number(&rows, 0) : STORE_NEVER;
    return sql_end(&rows, err);
}

static bool tell_recipients(struct sqlite *sqlite, const struct store_told *told, size_t *ret_count,
                            struct err *err)
{
    *ret_count = 0;
    for (size_t i = 0; i < told->count; i++) {
        if (!sql_do(sqlite->sql, err, QUERY_RECIPIENT_TOLD, SQL_NUMBER(told->id),
                    SQL_NUMBER(told->recipients[i]), SQL_NUMBER(told->kinds)))
            return false;
        *ret_count += sql_changed(sqlite->sql);
    }
    return true;
}

bool sqlite_mark_told(struct sqlite *sqlite, const struct store_told *told, const char *text, uint64_t now,
                      bool *ret_any, struct err *err)
{
    HELD(pool) pool = { NULL };
    struct sqlite_message message;
    struct err why = { 0 };
    size_t count;

    *ret_any = false;
    if (!sqlite_find(sqlite, told->id, &pool, &message, &why)) {
        if (why.fact && span_is(span_of(why.fact), "store:gone"))
            return true; /* it is over: there is nothing left to be told of */
        if (err)
            *err = why;
        return false;
    }
    if (!tell_recipients(sqlite, told, &count, err) || count == 0)
        return count == 0;
    *ret_any = true;
    message.report_due = now; /* of those who are left, if any are */
    return sqlite_add_event(sqlite, &message,
                            &(struct store_event){ .at = now, .kind = STORE_EVENT_TOLD, .first = told->recipients[0],
                                                   .count = (uint32_t)count, .text = text },
                            err) &&
           sqlite_refresh_sum(sqlite, &message, now, err);
}

bool sqlite_told(struct store *store, const struct store_told *told, uint64_t now, struct err *err)
{
    bool any;

    return sqlite_mark_told(sqlite_of(store), told, told->how, now, &any, err);
}

/* By hand ----------------------------------------------------------------------------------------------------- */

bool sqlite_remove_waiting(struct sqlite *sqlite, struct sqlite_message *message, const char *who, uint64_t now,
                           struct err *err)
{
    message->held = false;
    message->row.held_because = message->row.held_text = message->row.held_by = "";
    message->removed_by = who;
    return sql_do(sqlite->sql, err, QUERY_RECIPIENT_REMOVE, SQL_NUMBER(message->row.id), SQL_NUMBER(now));
}

static bool reschedule(struct sqlite *sqlite, const struct sqlite_message *message, enum store_verb verb,
                       uint64_t now, struct err *err)
{
    static const enum store_state waiting[] = { STORE_QUEUED, STORE_DEFERRED, STORE_UNKNOWN };

    for (size_t i = 0; i < COUNT(waiting); i++) {
        uint64_t keep = STORE_NEVER, next = store_verb_next(verb, waiting[i], keep, message->row.not_before, now);
        if (next != keep && !sql_do(sqlite->sql, err, QUERY_RECIPIENT_NEXT, SQL_NUMBER(message->row.id),
                                    SQL_NUMBER((uint64_t)waiting[i]), SQL_NUMBER(next)))
            return false;
    }
    return true;
}

static bool apply(struct sqlite *sqlite, struct sqlite_message *message, enum store_verb verb, const char *who,
                  uint64_t now, struct err *err)
{
    static const enum store_event_kind events[] = {
        [STORE_VERB_RELEASE] = STORE_EVENT_RELEASED,
        [STORE_VERB_RETRY] = STORE_EVENT_RETRIED,
        [STORE_VERB_REMOVE] = STORE_EVENT_REMOVED,
    };
    struct store_event event = { .at = now, .kind = events[verb], .by = who };

    if (verb == STORE_VERB_HOLD)
        return sqlite_hold(sqlite, message, "", "", who, now, err) && sqlite_refresh_sum(sqlite, message, now, err);
    if (verb == STORE_VERB_RELEASE) {
        message->held = false;
        message->lost = 0;
        message->row.held_because = message->row.held_text = message->row.held_by = "";
    }
    return reschedule(sqlite, message, verb, now, err) &&
           (verb != STORE_VERB_REMOVE || sqlite_remove_waiting(sqlite, message, who, now, err)) &&
           sqlite_add_event(sqlite, message, &event, err) && sqlite_refresh_sum(sqlite, message, now, err);
}

/* A message that makes no sense goes without a trace: there is nothing that could be told of it. */
static bool wipe(struct sqlite *sqlite, uint64_t id, struct err *err)
{
    struct sql *sql = sqlite->sql;

    return sql_do(sql, err, QUERY_MESSAGE_END, SQL_NUMBER(id)) && sql_do(sql, err, QUERY_RECIPIENT_END, SQL_NUMBER(id)) &&
           sql_do(sql, err, QUERY_EVENT_END, SQL_NUMBER(id)) && sqlite_end_body(sqlite, id, SQLITE_PIECES_MAX, err);
}

static bool change_one(struct walking *w, struct sqlite_message *message, enum store_verb verb, bool dry_run,
                       const char *who, uint64_t now, struct store_changed *changed, struct err *err)
{
    struct store_sum sum;
    bool fit;

    if (message->row.done || (message->damaged && verb != STORE_VERB_REMOVE))
        return true;
    if (!fits(w, message, now, &fit, err) || !fit)
        return !fit;
    if (message->damaged) {
        changed->matched++;
        return dry_run || wipe(w->sqlite, message->row.id, err);
    }
    if (!sqlite_sum(w->sqlite, message->row.id, &sum, err))
        return false;
    if (!store_verb_fits(verb, &sum, message->held))
        return true;
    changed->matched++;
    changed->sending += message->slot == SLOT_LEASED;
    return dry_run || apply(w->sqlite, message, verb, who, now, err);
}

bool sqlite_change(struct store *store, enum store_verb verb, const struct store_filter *filter,
                   struct store_cursor *cursor, size_t most, bool dry_run, const char *who, uint64_t now,
                   struct store_changed *changed, struct err *err)
{
    HELD(walking) walking = { .sqlite = sqlite_of(store), .filter = filter, .cursor = cursor };

    for (size_t steps = 0; steps < most; steps++) {
        struct sqlite_message *message;
        if (!next_message(&walking, &message, err))
            return false;
        if (!message)
            return true;
        if (!change_one(&walking, message, verb, dry_run, who, now, changed, err))
            return false;
    }
    return true;
}
