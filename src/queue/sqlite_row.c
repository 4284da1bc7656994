#include "queue/sqlite_int.h"

#include "mail/address.h"

#include "base/banned.h"

bool sqlite_damaged(struct err *err, const char *what)
{
    return err_found(err, ERR_IO, "store:damaged", "the queue's file is damaged: %s", what);
}

/* 5.7.139 as one number. */
uint64_t sqlite_pack(const uint16_t enhanced[3])
{
    return (uint64_t)enhanced[0] * 1000000 + (uint64_t)enhanced[1] * 1000 + enhanced[2];
}

static void unpack(uint64_t number, uint16_t ret_enhanced[3])
{
    ret_enhanced[0] = (uint16_t)(number / 1000000 % 10);
    ret_enhanced[1] = (uint16_t)(number / 1000 % 1000);
    ret_enhanced[2] = (uint16_t)(number % 1000);
}

/* Reading ----------------------------------------------------------------------------------------------------- */

/* The columns of the queries' ROW_OF_MESSAGE and ROW_OF_HISTORY, in their order. */
enum column {
    ID, ACCOUNT, STATE, CREATED, SIZE, PIECES, TOTAL, PRIORITY, NOT_BEFORE, DEADLINE, DEADLINE_TELLS, SILENT,
    SMTPUTF8, BODY, RET, REPORT_OF, SUBMITTER, SENDER, FROM, MESSAGE_ID, ENVID, DONE, PARKED, SLOT, DUE,
    LEASE, LOST, HELD, EVENTS, REPORT_DUE, STUCK, VIA, REMOVED_BY, HELD_BECAUSE, HELD_TEXT, HELD_BY,
};

static bool read_texts(const struct sql_rows *rows, struct pool *pool, struct sqlite_message *message)
{
    struct store_row *row = &message->row;
    const struct {
        enum column column;
        const char **at;
    } texts[] = {
        { SUBMITTER, &row->submitter },       { SENDER, &row->sender },       { FROM, &row->from },
        { MESSAGE_ID, &row->message_id },     { ENVID, &row->envid },         { STUCK, &message->stuck },
        { REMOVED_BY, &message->removed_by }, { HELD_TEXT, &row->held_text }, { HELD_BY, &row->held_by },
        { HELD_BECAUSE, &row->held_because }, { VIA, &message->via },
    };

    for (size_t i = 0; i < COUNT(texts); i++)
        if (!(*texts[i].at = sqlite_keep_text(pool, sql_text(rows, (int)texts[i].column))))
            return false;
    return true;
}

static bool is_sane(const struct sqlite_message *message, uint64_t priority)
{
    const struct store_row *row = &message->row;

    return message->row.account && row->state < STORE_STATE_COUNT && priority <= SLOT_LAST && row->body <= BODY_BINARY &&
           row->ret <= RET_HEADERS && row->pieces > 0 && row->pieces <= SQLITE_PIECES_MAX &&
           row->recipient_total > 0 && row->recipient_total <= ADDRESS_LIST_MAX;
}

/* Something that can be shown. */
static void make_safe(struct sqlite_message *message)
{
    struct store_row *row = &message->row;

    message->damaged = true;
    row->account = store_text(row->account);
    row->state = row->done ? STORE_REMOVED : STORE_HELD;
    row->ret = RET_UNSAID;
    row->body = BODY_7BIT;
    row->pieces = 0;
    row->recipient_total = 0;
    row->held_text = "what is known of it makes no sense: its row in the file is damaged";
}

bool sqlite_read_message(struct sqlite *sqlite, const struct sql_rows *rows, struct pool *pool,
                         struct sqlite_message *ret, struct err *err)
{
    const struct sqlite_account *account = sqlite_account_by_id(sqlite, sql_number(rows, ACCOUNT));
    uint64_t priority = sql_number(rows, PRIORITY);

    *ret = (struct sqlite_message){
        .row = { .id = sql_number(rows, ID), .created = sql_number(rows, CREATED), .size = sql_number(rows, SIZE),
                 .done = sql_number(rows, DONE), .state = (enum store_state)sql_number(rows, STATE),
                 .ret = (enum envelope_ret)sql_number(rows, RET), .body = (enum envelope_body)sql_number(rows, BODY),
                 .smtputf8 = sql_number(rows, SMTPUTF8), .silent = sql_number(rows, SILENT),
                 .deadline_tells = sql_number(rows, DEADLINE_TELLS), .priority = 9 - (int)priority,
                 .not_before = sql_number(rows, NOT_BEFORE), .deadline = sql_number(rows, DEADLINE),
                 .pieces = (uint32_t)sql_number(rows, PIECES), .report_of = sql_number(rows, REPORT_OF),
                 .recipient_total = sql_number(rows, TOTAL) },
        .account = sql_number(rows, ACCOUNT), .slot = sql_number(rows, SLOT), .due = sql_number(rows, DUE),
        .lease = sql_number(rows, LEASE), .lost = sql_number(rows, LOST), .held = sql_number(rows, HELD),
        .events = sql_number(rows, EVENTS), .parked = sql_number(rows, PARKED),
        .report_due = sql_is_null(rows, REPORT_DUE) ? STORE_NEVER : sql_number(rows, REPORT_DUE),
    };
    if (!read_texts(rows, pool, ret) || (account && !(ret->row.account = sqlite_keep_text(pool, account->name))))
        return err_no_memory(err);
    if (!is_sane(ret, priority))
        make_safe(ret);
    return true;
}

bool sqlite_read_recipient(const struct sql_rows *rows, struct pool *pool,
                           struct store_row_recipient *ret, struct err *err)
{
    *ret = (struct store_row_recipient){
        .number = (uint32_t)sql_number(rows, 0), .notify = (unsigned)sql_number(rows, 3),
        .state = (enum store_state)sql_number(rows, 4), .tries = (uint32_t)sql_number(rows, 5),
        .next = sql_number(rows, 6), .at = sql_number(rows, 7), .reply = (uint16_t)sql_number(rows, 8),
        .wanted = (unsigned)sql_number(rows, 13), .told = (unsigned)sql_number(rows, 14),
        .was = (enum store_state)sql_number(rows, 15), .unsure = sql_number(rows, 16),
    };
    unpack(sql_number(rows, 9), ret->enhanced);
    if (ret->state >= STORE_HELD || !(STORE_WAITING & STORE_IN(ret->was)))
        return sqlite_damaged(err, "a recipient makes no sense");
    if (!((STORE_WAITING) & STORE_IN(ret->state)))
        ret->next = STORE_NEVER;
    return ((ret->address = sqlite_keep_text(pool, sql_text(rows, 1))) &&
            (ret->orcpt = sqlite_keep_text(pool, sql_text(rows, 2))) &&
            (ret->cause = sqlite_keep_text(pool, sql_text(rows, 10))) &&
            (ret->text = sqlite_keep_text(pool, sql_text(rows, 11))) &&
            (ret->by = sqlite_keep_text(pool, sql_text(rows, 12)))) ||
           err_no_memory(err);
}

bool sqlite_find(struct sqlite *sqlite, uint64_t id, struct pool *pool, struct sqlite_message *ret,
                 struct err *err)
{
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_MESSAGE_GET, SQL_NUMBER(id));
    bool there = sql_next(&rows);
    bool ok = there && sqlite_read_message(sqlite, &rows, pool, ret, err);

    if (!sql_end(&rows, there && !ok ? NULL : err))
        return false;
    if (ok && ret->damaged)
        return sqlite_damaged(err, ret->row.held_text);
    return ok || (!there && store_gone(err, id));
}

bool sqlite_find_good(struct sqlite *sqlite, uint64_t id, struct pool *pool, struct sqlite_message *ret,
                      bool *ret_good, struct err *err)
{
    struct err why = { 0 };

    *ret = (struct sqlite_message){ 0 };
    *ret_good = sqlite_find(sqlite, id, pool, ret, &why);
    if (*ret_good)
        return true;
    if (ret->damaged)
        return sql_do(sqlite->sql, err, QUERY_MESSAGE_ASIDE, SQL_NUMBER(id));
    if (err)
        *err = why;
    return false;
}

void sqlite_shown(const struct sqlite *sqlite, struct sqlite_message *message, uint64_t now)
{
    const struct sqlite_account *account = sqlite_account_by_id(sqlite, message->account);
    struct store_row *row = &message->row;

    if (message->damaged) {
        row->next = STORE_NEVER;
        return;
    }
    row->stood = row->done ? message->parked : sqlite_parked_for(account, now) - message->parked;
    row->next = STORE_NEVER;
    if (row->done)
        return;
    row->state = store_shown(row->state, account->parked_since != 0);
    if ((message->slot <= SLOT_LAST && row->state != STORE_PARKED) || message->slot == SLOT_LEASED)
        row->next = message->due;
}

/* The recipients that the cursor walks over. */
static bool collect(struct sql_rows *rows, struct store_row *row, size_t most, struct pool *pool,
                    struct err *err)
{
    bool ok = true;

    row->recipients = pool_array(pool, most, sizeof *row->recipients);
    if (!row->recipients)
        ok = err_no_memory(err);
    while (ok && row->recipient_count < most && sql_next(rows))
        ok = sqlite_read_recipient(rows, pool, &row->recipients[row->recipient_count++], err);
    return sql_end(rows, ok ? err : NULL) && ok;
}

bool sqlite_add_recipients(struct sqlite *sqlite, struct store_row *row, uint64_t from, size_t most,
                           struct pool *pool, struct err *err)
{
    size_t left = row->recipient_total > from ? row->recipient_total - from : 0;
    size_t count = left < most ? left : most;
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_RECIPIENT_FROM, SQL_NUMBER(row->id), SQL_NUMBER(from),
                                   SQL_NUMBER(count));

    return collect(&rows, row, count, pool, err);
}

bool sqlite_sum(struct sqlite *sqlite, uint64_t id, struct store_sum *ret_sum, struct err *err)
{
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_RECIPIENT_SUM, SQL_NUMBER(id));
    bool ok = true;

    *ret_sum = (struct store_sum)STORE_SUM_NONE;
    while (ok && sql_next(&rows)) {
        uint64_t state = sql_number(&rows, 0);
        if (state >= STORE_HELD) {
            ok = sqlite_damaged(err, "a recipient makes no sense");
            break;
        }
        bool open = STORE_OPEN & STORE_IN(state);
        /* A row is a whole group: what can't be told of that by its extremes is asked for beside. */
        store_sum_add(ret_sum, &(struct store_row_recipient){
            .state = (enum store_state)state, .next = sql_number(&rows, 2), .told = REPORT_DELAY | REPORT_FAILURE,
            .wanted = (unsigned)sql_number(&rows, 3), .unsure = sql_number(&rows, 4),
        });
        ret_sum->by_state[state] = sql_number(&rows, 1);
        ret_sum->untold |= open && sql_number(&rows, 5);
        ret_sum->wishes |= open && sql_number(&rows, 6);
        ret_sum->ages |= open && sql_number(&rows, 7);
    }
    return sql_end(&rows, ok ? err : NULL) && ok;
}

/* Writing ----------------------------------------------------------------------------------------------------- */

bool sqlite_end_body(struct sqlite *sqlite, uint64_t id, uint64_t pieces, struct err *err)
{
    if (pieces > SQLITE_PIECES_AT_ONCE) {
        sqlite->ended_bodies = true;
        return sql_do(sqlite->sql, err, QUERY_DRAFT_PUT, SQL_NUMBER(id), SQL_NUMBER(0), SQL_NUMBER(0), SQL_NUMBER(0));
    }
    return sql_do(sqlite->sql, err, QUERY_BODY_END, SQL_NUMBER(id * SQLITE_PIECES_MAX),
                  SQL_NUMBER((id + 1) * SQLITE_PIECES_MAX));
}

static bool end_message(struct sqlite *sqlite, const struct sqlite_message *message, enum store_state state,
                        uint64_t now, struct err *err)
{
    const struct sqlite_account *account = sqlite_account_by_id(sqlite, message->account);
    uint64_t stood = sqlite_parked_for(account, now) - message->parked;

    return sql_do(sqlite->sql, err, QUERY_HISTORY_ADD, SQL_NUMBER(message->row.id), SQL_NUMBER(now),
                  SQL_NUMBER((uint64_t)state), SQL_NUMBER(stood)) &&
           sql_do(sqlite->sql, err, QUERY_MESSAGE_END, SQL_NUMBER(message->row.id)) &&
           sqlite_end_body(sqlite, message->row.id, message->row.pieces, err);
}

/* Where it stands in line. One that is being sent stays where its lease put it. */
static void line_up(struct sqlite_message *message, const struct store_sum *sum, uint64_t now)
{
    uint64_t due = store_sum_due(sum, message->held, message->row.deadline, now);

    if (sum->by_state[STORE_SENDING] || sum->by_state[STORE_LEAVING])
        return;
    message->slot = due != STORE_NEVER ? (uint64_t)(9 - message->row.priority)
                  : message->held      ? SLOT_HELD
                                       : SLOT_IDLE;
    message->due = due;
}

/* A time that there may not be. */
static struct sql_value some_time(uint64_t time)
{
    return time == STORE_NEVER ? SQL_NULL : SQL_NUMBER(time);
}

void sqlite_lateness(const struct store_lateness *is, struct sql_value ret_values[3])
{
    ret_values[0] = some_time(is->deadline);
    ret_values[1] = some_time(is->born);
    ret_values[2] = some_time(is->wished);
}

static bool put_message(struct sqlite *sqlite, const struct sqlite_message *message, const struct store_sum *sum,
                        struct err *err)
{
    const struct store_row *row = &message->row;
    const struct store_lateness lateness = store_lateness(sum, row, message->held, message->parked);
    struct sql_value late[3];

    sqlite_lateness(&lateness, late);

    return sql_do(sqlite->sql, err, QUERY_MESSAGE_PUT, SQL_NUMBER(row->id), SQL_NUMBER(message->slot),
                  SQL_NUMBER(message->due), SQL_NUMBER((uint64_t)row->state), SQL_NUMBER(message->lost),
                  SQL_NUMBER(message->held), SQL_NUMBER(message->events),
                  some_time(message->report_due),
                  SQL_TEXT(message->removed_by), SQL_TEXT(row->held_because), SQL_TEXT(row->held_text),
                  SQL_TEXT(row->held_by), SQL_TEXT(message->stuck), SQL_TEXT(message->via), late[0], late[1], late[2]);
}

bool sqlite_refresh(struct sqlite *sqlite, struct sqlite_message *message, const struct store_sum *sum,
                    uint64_t now, struct err *err)
{
    struct store_row *row = &message->row;
    enum store_state was = row->state, is = store_sum_state(sum, message->held);
    bool over = !store_sum_is_open(sum) && !sum->wanted;

    store_tell_changed(&sqlite->store, row->id);
    if (over)
        return sqlite_count(sqlite, message->account, was, -1, err) &&
               end_message(sqlite, message, is, now, err);
    if (!sum->wanted)
        message->report_due = STORE_NEVER;
    if (!store_sum_is_tied(sum))
        message->stuck = message->via = "";
    line_up(message, sum, now);
    row->state = is;
    if (message->slot <= SLOT_LAST)
        store_tell_due(&sqlite->store, row->account, message->due);
    return (was == is || (sqlite_count(sqlite, message->account, was, -1, err) &&
                          sqlite_count(sqlite, message->account, is, 1, err))) &&
           put_message(sqlite, message, sum, err);
}

bool sqlite_refresh_sum(struct sqlite *sqlite, struct sqlite_message *message, uint64_t now, struct err *err)
{
    struct store_sum sum;

    return sqlite_sum(sqlite, message->row.id, &sum, err) && sqlite_refresh(sqlite, message, &sum, now, err);
}

bool sqlite_add_event(struct sqlite *sqlite, struct sqlite_message *message, const struct store_event *event,
                      struct err *err)
{
    uint64_t number = message->events++;

    /* Of a very long story the oldest part goes. */
    if (number >= SQLITE_EVENTS_MAX &&
        !sql_do(sqlite->sql, err, QUERY_EVENT_CUT, SQL_NUMBER(message->row.id),
                SQL_NUMBER(number - SQLITE_EVENTS_MAX)))
        return false;
    return sql_do(sqlite->sql, err, QUERY_EVENT_ADD, SQL_NUMBER(message->row.id), SQL_NUMBER(number),
                  SQL_NUMBER(event->at), SQL_NUMBER((uint64_t)event->kind), SQL_NUMBER(event->first),
                  SQL_NUMBER(event->count), SQL_NUMBER(event->reply), SQL_NUMBER(sqlite_pack(event->enhanced)),
                  SQL_TEXT(store_text(event->by)), SQL_TEXT(store_text(event->cause)),
                  SQL_TEXT(store_text(event->text)));
}

bool sqlite_hold(struct sqlite *sqlite, struct sqlite_message *message, const char *because, const char *text,
                 const char *by, uint64_t now, struct err *err)
{
    message->held = true;
    message->row.held_because = store_text(because);
    message->row.held_text = store_text(text);
    message->row.held_by = store_text(by);
    return sqlite_add_event(sqlite, message,
                            &(struct store_event){ .at = now, .kind = STORE_EVENT_HELD, .by = by, .cause = because,
                                                   .text = text },
                            err);
}
