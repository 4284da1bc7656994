#include "queue/sqlite_int.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

/* In memory ---------------------------------------------------------------------------------------------------- */

static void account_done(struct sqlite_account *account)
{
    mem_free(account->name);
    mem_free(account->parked_because);
    mem_free(account->parked_text);
}

static void forget_accounts(struct sqlite *sqlite)
{
    for (size_t i = 0; i < sqlite->account_count; i++)
        account_done(&sqlite->accounts[i]);
    sqlite->account_count = 0;
}

void sqlite_accounts_done(struct sqlite *sqlite)
{
    forget_accounts(sqlite);
    mem_free(sqlite->accounts);
    mem_free(sqlite->tallies);
    mem_free(sqlite->log);
    sqlite->accounts = NULL;
    sqlite->tallies = NULL;
    sqlite->log = NULL;
    sqlite->account_room = sqlite->tally_room = 0;
    sqlite->log_count = sqlite->log_room = 0;
}

static bool grow(void *at, size_t *room, size_t need, size_t size)
{
    void **array = at;
    size_t more = *room ? *room : 16;

    while (more < need)
        more *= 2;
    if (*room >= need)
        return true;
    void *moved = mem_resize(*array, more, size);
    if (!moved)
        return false;
    memset((char *)moved + *room * size, 0, (more - *room) * size);
    *array = moved;
    *room = more;
    return true;
}

/* Room for one account more, and its counts. */
static bool room_for_account(struct sqlite *sqlite)
{
    size_t need = sqlite->account_count + 1;

    return grow(&sqlite->accounts, &sqlite->account_room, need, sizeof *sqlite->accounts) &&
           grow(&sqlite->tallies, &sqlite->tally_room, need, sizeof *sqlite->tallies);
}

static bool add_account(struct sqlite *sqlite, const struct sqlite_account *is)
{
    if (!room_for_account(sqlite))
        return false;
    struct sqlite_account account = *is;
    account.name = str_copy(is->name);
    account.parked_because = str_copy(is->parked_because);
    account.parked_text = str_copy(is->parked_text);
    if (!account.name || !account.parked_because || !account.parked_text) {
        account_done(&account);
        return false;
    }
    sqlite->accounts[sqlite->account_count++] = account;
    return true;
}

static bool read_account(struct sqlite *sqlite, const struct sql_rows *rows, struct err *err)
{
    /* The texts are borrowed for the moment: add_account() copies. */
    const struct sqlite_account account = {
        .id = sql_number(rows, 0),
        .name = (char *)(uintptr_t)sql_text(rows, 1),
        .parked_since = sql_number(rows, 2),
        .parked_told = sql_number(rows, 3),
        .parked_for = sql_number(rows, 4),
        .parked_because = (char *)(uintptr_t)sql_text(rows, 5),
        .parked_text = (char *)(uintptr_t)sql_text(rows, 6),
    };

    if (account.id != sqlite->account_count + 1)
        return sqlite_damaged(err, "an account is missing");
    return add_account(sqlite, &account) || err_no_memory(err);
}

bool sqlite_accounts_reload(struct sqlite *sqlite, struct err *err)
{
    struct sql_rows rows = sql_ask_values(sqlite->sql, QUERY_ACCOUNT_ALL, NULL, 0);
    bool ok = true;

    forget_accounts(sqlite);
    while (ok && sql_next(&rows))
        ok = read_account(sqlite, &rows, err);
    return sql_end(&rows, ok ? err : NULL) && ok;
}

bool sqlite_accounts_load(struct sqlite *sqlite, struct err *err)
{
    if (!sqlite_accounts_reload(sqlite, err))
        return false;
    struct sql_rows rows = sql_ask_values(sqlite->sql, QUERY_TALLY_ALL, NULL, 0);
    bool ok = true;
    for (size_t i = 0; i < sqlite->tally_room; i++)
        sqlite->tallies[i] = (struct tally){ 0 };
    while (ok && sql_next(&rows)) {
        uint64_t id = sql_number(&rows, 0), account = id / 16, state = id % 16;
        if (account == 0 || account > sqlite->account_count || state >= STORE_STATE_COUNT)
            ok = sqlite_damaged(err, "a count is nobody's");
        else
            sqlite->tallies[account - 1].counts[state] = sql_number(&rows, 1);
    }
    return sql_end(&rows, ok ? err : NULL) && ok;
}

struct sqlite_account *sqlite_account(const struct sqlite *sqlite, const char *name)
{
    for (size_t i = 0; i < sqlite->account_count; i++)
        if (strcmp(sqlite->accounts[i].name, name) == 0)
            return &sqlite->accounts[i];
    return NULL;
}

struct sqlite_account *sqlite_account_by_id(const struct sqlite *sqlite, uint64_t id)
{
    return id && id <= sqlite->account_count ? &sqlite->accounts[id - 1] : NULL;
}

struct sqlite_account *sqlite_account_make(struct sqlite *sqlite, const char *name, struct err *err)
{
    struct sqlite_account *there = sqlite_account(sqlite, name);

    if (there)
        return there;
    sqlite->accounts_changed = true;
    const struct sqlite_account account = { .id = sqlite->account_count + 1, .name = (char *)(uintptr_t)name,
                                            .parked_because = (char *)(uintptr_t) "",
                                            .parked_text = (char *)(uintptr_t) "" };
    if (!sql_do(sqlite->sql, err, QUERY_ACCOUNT_ADD, SQL_NUMBER(account.id), SQL_TEXT(name)))
        return NULL;
    if (!add_account(sqlite, &account)) {
        err_no_memory(err);
        return NULL;
    }
    return &sqlite->accounts[sqlite->account_count - 1];
}

uint64_t sqlite_parked_for(const struct sqlite_account *account, uint64_t now)
{
    bool goes_on = account->parked_since && now > account->parked_since;
    return account->parked_for + (goes_on ? now - account->parked_since : 0);
}

/* Counts ------------------------------------------------------------------------------------------------------ */

static void add_to_count(struct sqlite *sqlite, struct tally_change change)
{
    struct tally *tally = &sqlite->tallies[change.account - 1];
    uint64_t *count = &tally->counts[change.state];

    if (change.by > 0)
        ++*count;
    else if (*count) /* a damaged file's may be too small */
        --*count;
    tally->changed |= STORE_IN(change.state);
}

bool sqlite_count(struct sqlite *sqlite, uint64_t account, enum store_state state, int by, struct err *err)
{
    struct tally_change change = { (uint32_t)account, (uint8_t)state, (int8_t)by };

    if (!grow(&sqlite->log, &sqlite->log_room, sqlite->log_count + 1, sizeof *sqlite->log))
        return err_no_memory(err);
    sqlite->log[sqlite->log_count++] = change;
    add_to_count(sqlite, change);
    return true;
}

void sqlite_counts_undo(struct sqlite *sqlite, size_t since)
{
    while (sqlite->log_count > since) {
        struct tally_change change = sqlite->log[--sqlite->log_count];
        change.by = (int8_t)-change.by;
        add_to_count(sqlite, change);
    }
}

static bool write_tally(struct sqlite *sqlite, size_t at, struct err *err)
{
    struct tally *tally = &sqlite->tallies[at];

    for (uint64_t state = 0; state < STORE_STATE_COUNT; state++)
        if ((tally->changed & STORE_IN(state)) &&
            !sql_do(sqlite->sql, err, QUERY_TALLY_PUT, SQL_NUMBER((at + 1) * 16 + state),
                    SQL_NUMBER(tally->counts[state])))
            return false;
    tally->changed = 0;
    return true;
}

bool sqlite_counts_write(struct sqlite *sqlite, struct err *err)
{
    for (size_t i = 0; i < sqlite->account_count; i++)
        if (sqlite->tallies[i].changed && !write_tally(sqlite, i, err))
            return false;
    return true;
}

/* The words --------------------------------------------------------------------------------------------------- */

static bool ask_number(struct sql_rows rows, uint64_t *ret, bool *ret_any, struct err *err)
{
    *ret = 0;
    *ret_any = sql_next(&rows) && !sql_is_null(&rows, 0);
    if (*ret_any)
        *ret = sql_number(&rows, 0);
    return sql_end(&rows, err);
}

/* The earliest in line, whatever its priority. */
static bool next_due(struct sqlite *sqlite, uint64_t account, uint64_t *ret_due, struct err *err)
{
    struct sql *sql = sqlite->sql;
    bool any = true;

    *ret_due = STORE_NEVER;
    for (uint64_t slot = 0, due; any; slot++) {
        if (!ask_number(sql_ask(sql, QUERY_ACCOUNT_SLOT, SQL_NUMBER(account), SQL_NUMBER(slot)), &slot,
                        &any, err))
            return false;
        if (!any)
            break;
        if (!ask_number(sql_ask(sql, QUERY_ACCOUNT_DUE, SQL_NUMBER(account), SQL_NUMBER(slot)), &due,
                        &any, err))
            return false;
        if (due < *ret_due)
            *ret_due = due;
    }
    return true;
}

static bool fill_account(struct sqlite *sqlite, const struct sqlite_account *is, uint64_t now,
                         struct pool *pool, struct store_account *ret, struct err *err)
{
    bool any;
    const uint64_t *counts = sqlite->tallies[is->id - 1].counts;

    *ret = (struct store_account){ .parked_since = is->parked_since, .parked_told = is->parked_told,
                                   .parked_for = sqlite_parked_for(is, now) };
    for (enum store_state state = 0; state < STORE_STATE_COUNT; state++)
        ret->counts[store_shown(state, is->parked_since != 0)] += counts[state];
    if (!(ret->name = sqlite_keep_text(pool, is->name)) ||
        !(ret->parked_because = sqlite_keep_text(pool, is->parked_because)) ||
        !(ret->parked_text = sqlite_keep_text(pool, is->parked_text)))
        return err_no_memory(err);
    return ask_number(sql_ask(sqlite->sql, QUERY_ACCOUNT_OLDEST, SQL_NUMBER(is->id)), &ret->oldest, &any,
                      err) &&
           next_due(sqlite, is->id, &ret->next_due, err);
}

/* By name: few, so the simplest way will do. */
static const struct sqlite_account *after(const struct sqlite *sqlite, const char *name)
{
    const struct sqlite_account *next = NULL;

    for (size_t i = 0; i < sqlite->account_count; i++) {
        const struct sqlite_account *account = &sqlite->accounts[i];
        if ((!name || strcmp(account->name, name) > 0) && (!next || strcmp(account->name, next->name) < 0))
            next = account;
    }
    return next;
}

bool sqlite_store_accounts(struct store *store, const char *name, uint64_t now, struct store_accounts *ret,
                           struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    const struct sqlite_account *account = name ? sqlite_account(sqlite, name) : after(sqlite, NULL);

    ret->at = pool_array(&ret->pool, sqlite->account_count, sizeof *ret->at);
    if (!ret->at)
        return err_no_memory(err);
    for (; account; account = name ? NULL : after(sqlite, account->name))
        if (!fill_account(sqlite, account, now, &ret->pool, &ret->at[ret->count++], err))
            return false;
    return true;
}

static bool write_account(struct sqlite *sqlite, const struct sqlite_account *account, struct err *err)
{
    sqlite->accounts_changed = true;
    return sql_do(sqlite->sql, err, QUERY_ACCOUNT_PUT, SQL_NUMBER(account->id),
                  SQL_NUMBER(account->parked_since), SQL_NUMBER(account->parked_told),
                  SQL_NUMBER(account->parked_for), SQL_TEXT(account->parked_because),
                  SQL_TEXT(account->parked_text));
}

static bool set_text(char **at, const char *text, struct err *err)
{
    char *copy = str_copy(store_text(text));

    if (!copy)
        return err_no_memory(err);
    mem_free(*at);
    *at = copy;
    return true;
}

bool sqlite_park(struct store *store, const char *name, const char *cause, const char *text, uint64_t now,
                 struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    struct sqlite_account *account = sqlite_account_make(sqlite, name, err);

    if (!account)
        return false;
    sqlite->accounts_changed = true;
    if (!account->parked_since)
        account->parked_since = now;
    if (strcmp(account->parked_because, store_text(cause)) != 0)
        account->parked_told = 0;
    return set_text(&account->parked_because, cause, err) && set_text(&account->parked_text, text, err) &&
           write_account(sqlite, account, err);
}

bool sqlite_unpark(struct store *store, const char *name, uint64_t now, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    struct sqlite_account *account = sqlite_account(sqlite, name);

    if (!account || !account->parked_since)
        return true;
    sqlite->accounts_changed = true;
    account->parked_for = sqlite_parked_for(account, now);
    account->parked_since = account->parked_told = 0;
    store_tell_due(store, name, now);
    return set_text(&account->parked_because, "", err) && set_text(&account->parked_text, "", err) &&
           write_account(sqlite, account, err);
}

bool sqlite_park_told(struct store *store, const char *name, uint64_t now, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    struct sqlite_account *account = sqlite_account(sqlite, name);

    if (!account || !account->parked_since)
        return true;
    account->parked_told = now;
    return write_account(sqlite, account, err);
}

bool sqlite_mark_put(struct store *store, const char *kind, const char *name, struct span bytes,
                     struct err *err)
{
    struct sql *sql = sqlite_of(store)->sql;

    if (bytes.len == 0)
        return sql_do(sql, err, QUERY_MARK_END, SQL_TEXT(kind), SQL_TEXT(name));
    return sql_do(sql, err, QUERY_MARK_PUT, SQL_TEXT(kind), SQL_TEXT(name), SQL_BYTES(bytes));
}

bool sqlite_mark_get(struct store *store, const char *kind, const char *name, struct buf *out, struct err *err)
{
    struct sql_rows rows = sql_ask(sqlite_of(store)->sql, QUERY_MARK_GET, SQL_TEXT(kind), SQL_TEXT(name));

    if (sql_next(&rows))
        buf_add_span(out, sql_bytes(&rows, 0));
    return sql_end(&rows, err) && (!out->full || err_no_memory(err));
}
