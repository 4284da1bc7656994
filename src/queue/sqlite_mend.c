#include "queue/sqlite.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/file.h"
#include "queue/checksum.h"
#include "queue/sqlite_int.h"

#include "base/banned.h"

/* Rows are carried over as they are, the new file's first version of each table taking them. */
#define MARKS_3  "?, ?, ?"
#define MARKS_11 MARKS_3 ", " MARKS_3 ", " MARKS_3 ", ?, ?"
#define MARKS_18 MARKS_11 ", " MARKS_3 ", " MARKS_3 ", ?"
#define MARKS_23 MARKS_18 ", " MARKS_3 ", ?, ?"
#define MARKS_38 MARKS_23 ", " MARKS_11 ", " MARKS_3 ", ?"

#define MEND_QUERIES(X)                                                                                 \
    X(BEGIN, "BEGIN")                                                                                   \
    X(COMMIT, "COMMIT")                                                                                 \
    X(META_OLD, "SELECT value FROM meta WHERE name = ?1")                                               \
    X(META_PUT, "UPDATE meta SET value = ?2 WHERE name = ?1")                                           \
    X(ACCOUNT_OLD, "SELECT * FROM account WHERE id >= ?1 ORDER BY id LIMIT 1")                          \
    X(ACCOUNT_NEW, "INSERT INTO account VALUES (" MARKS_3 ", " MARKS_3 ", ?)")                          \
    X(ACCOUNT_LOST, "INSERT OR IGNORE INTO account (id, name) VALUES (?1, 'lost-' || ?1)")              \
    X(ACCOUNT_LAST, "SELECT max(coalesce((SELECT max(account) FROM message), 0), "                      \
                    "coalesce((SELECT max(account) FROM history), 0), "                                 \
                    "coalesce((SELECT max(id) FROM account), 0))")                                      \
    X(MESSAGE_OLD, "SELECT * FROM message WHERE id >= ?1 ORDER BY id LIMIT 1")                          \
    X(MESSAGE_NEW, "INSERT INTO message VALUES (" MARKS_38 ")")                                         \
    X(MESSAGE_HOLD, "UPDATE message SET held = 1, held_text = ?2, total = ?3, "                         \
                    "state = CASE slot WHEN 32 THEN state ELSE 8 END, "                                 \
                    "slot = CASE slot WHEN 32 THEN slot ELSE 33 END, "                                  \
                    "late = NULL, born = NULL, wished = NULL WHERE id = ?1")                            \
    X(MESSAGE_END, "DELETE FROM message WHERE id = ?1")                                                 \
    X(MESSAGE_FACTS, "SELECT pieces, size, total FROM message WHERE id = ?1")                           \
    X(HISTORY_OLD, "SELECT * FROM history WHERE id >= ?1 ORDER BY id LIMIT 1")                          \
    X(HISTORY_NEW, "INSERT INTO history VALUES (" MARKS_23 ")")                                         \
    X(RECIPIENTS_OLD, "SELECT * FROM recipient WHERE message = ?1 ORDER BY number")                     \
    X(RECIPIENT_NEW, "INSERT OR IGNORE INTO recipient VALUES (" MARKS_18 ")")                           \
    X(EVENTS_OLD, "SELECT * FROM event WHERE message = ?1 ORDER BY number")                             \
    X(EVENT_NEW, "INSERT OR IGNORE INTO event VALUES (" MARKS_11 ")")                                   \
    X(BODY_OLD, "SELECT * FROM body WHERE id = ?1")                                                     \
    X(BODY_NEW, "INSERT INTO body VALUES (" MARKS_3 ")")                                                \
    X(KEYS_OLD, "SELECT * FROM key WHERE until > ?1")                                                   \
    X(KEY_NEW, "INSERT OR IGNORE INTO key VALUES (" MARKS_3 ", " MARKS_3 ")")                           \
    X(MARKS_OLD, "SELECT * FROM mark WHERE kind > ?1")                                                  \
    X(MARK_NEW, "INSERT OR IGNORE INTO mark VALUES (" MARKS_3 ")")                                      \
    X(TALLY, "INSERT OR REPLACE INTO tally SELECT account * 16 + state, count(*) FROM message "         \
             "GROUP BY account, state")

enum {
#define X(name, text) MEND_##name,
    MEND_QUERIES(X)
#undef X
};

static const char *const texts[] = {
#define X(name, text) [MEND_##name] = text,
    MEND_QUERIES(X)
#undef X
};
static const struct sql_texts queries = { texts, COUNT(texts) };

enum { COLUMNS_MOST = 40, ROWS_A_COMMIT = 500 };
#define LEAP_MOST (UINT64_C(1) << 48) /* beyond any id */

struct mending {
    const struct sqlite_options *options;
    char *path, *fresh, *kept; /* of the old file, the new one, and the old one's name afterwards */
    struct sql *old, *new;
    struct sqlite_mended *mended;
    size_t rows; /* since the last commit */
};

static void mending_done(struct mending *m)
{
    sql_free(m->old);
    sql_free(m->new);
    mem_free(m->path);
    mem_free(m->fresh);
    mem_free(m->kept);
}

/* Carrying over ----------------------------------------------------------------------------------------------- */

static bool put_row(struct mending *m, size_t query, const struct sql_rows *rows, struct err *err)
{
    struct sql_value values[COLUMNS_MOST];
    int count = sql_columns(rows);

    for (int i = 0; i < count && i < COLUMNS_MOST; i++)
        values[i] = sql_value_at(rows, i);
    return sql_do_values(m->new, err, query, values, (size_t)count);
}

/* All rows of a query, as far as they can be read: what can't be is passed over. */
static bool carry_all(struct mending *m, struct sql_rows rows, size_t query, uint64_t *ret_count, struct err *err)
{
    bool ok = true;

    for (*ret_count = 0; ok && sql_next(&rows); ++*ret_count)
        ok = put_row(m, query, &rows, err);
    if (!sql_end(&rows, NULL))
        m->mended->places++;
    return ok;
}

enum found { ROW, END, DAMAGE };

/* The first row from this id on; DAMAGE where it can't be read. */
static enum found seek(struct sql_rows *rows, struct mending *m, size_t query, uint64_t from)
{
    *rows = sql_ask(m->old, query, SQL_NUMBER(from));
    if (sql_next(rows))
        return ROW;
    return sql_end(rows, NULL) ? END : DAMAGE;
}

static bool is_damaged(struct mending *m, size_t query, uint64_t id)
{
    struct sql_rows rows = sql_ask(m->old, query, SQL_NUMBER(id));

    while (sql_next(&rows))
        ;
    return !sql_end(&rows, NULL);
}

/* Past a place that can't be read: first by leaps, then back to where it ends. False: it has no end. */
static bool past_damage(struct mending *m, size_t query, uint64_t from, uint64_t *ret_id)
{
    uint64_t bad = from, leap = 1;

    m->mended->places++;
    while (is_damaged(m, query, from + leap)) {
        if (leap >= LEAP_MOST)
            return false;
        bad = from + leap;
        leap *= 2;
    }
    for (uint64_t good = from + leap; good - bad > 1;) {
        uint64_t middle = bad + (good - bad) / 2;
        *(is_damaged(m, query, middle) ? &bad : &good) = middle;
    }
    *ret_id = bad + 1;
    return true;
}

static bool fail(struct err *err, const struct err *why)
{
    if (err)
        *err = *why;
    return false;
}

static bool commit_some(struct mending *m, struct err *err)
{
    if (++m->rows < ROWS_A_COMMIT)
        return true;
    m->rows = 0;
    return sql_say(m->new, err, MEND_COMMIT) && sql_say(m->new, err, MEND_BEGIN);
}

/* Each row of a table with an id, and with it what `more` brings. A row that breaks the schema's rules is damage, too. */
static bool carry(struct mending *m, size_t from_query, size_t to_query,
                  bool (*more)(struct mending *, uint64_t id, struct err *), struct err *err)
{
    struct sql_rows rows;
    enum found found;

    for (uint64_t id = 0; (found = seek(&rows, m, from_query, id)) != END;) {
        if (found == DAMAGE && !past_damage(m, from_query, id, &id))
            return true;
        if (found == DAMAGE)
            continue;
        struct err why = { 0 };
        id = sql_number(&rows, 0);
        bool put = put_row(m, to_query, &rows, &why);
        if (!sql_end(&rows, NULL) || (!put && why.fact && span_is(span_of(why.fact), "store:damaged")))
            m->mended->places++;
        else if (!put)
            return fail(err, &why);
        else if (!more(m, id, err))
            return false;
        if (!commit_some(m, err))
            return false;
        id++;
    }
    return true;
}

static bool nothing_more(struct mending *m, uint64_t id, struct err *err)
{
    (void)m, (void)id, (void)err;
    return true;
}

static bool carry_story(struct mending *m, uint64_t id, uint64_t *ret_recipients, struct err *err)
{
    uint64_t events;

    return carry_all(m, sql_ask(m->old, MEND_RECIPIENTS_OLD, SQL_NUMBER(id)), MEND_RECIPIENT_NEW, ret_recipients, err) &&
           carry_all(m, sql_ask(m->old, MEND_EVENTS_OLD, SQL_NUMBER(id)), MEND_EVENT_NEW, &events, err);
}

static bool history_more(struct mending *m, uint64_t id, struct err *err)
{
    uint64_t recipients;

    m->mended->history++;
    return carry_story(m, id, &recipients, err);
}

/* All of its pieces, whole. */
static bool carry_body(struct mending *m, uint64_t id, uint64_t pieces, uint64_t size, bool *ret_whole, struct err *err)
{
    uint64_t carried = 0;

    *ret_whole = true;
    for (uint64_t i = 0; i < pieces; i++) {
        uint64_t row = id * SQLITE_PIECES_MAX + i;
        struct sql_rows rows = sql_ask(m->old, MEND_BODY_OLD, SQL_NUMBER(row));
        bool there = sql_next(&rows), ok = true;
        if (there) {
            struct span bytes = sql_bytes(&rows, 2);
            carried += bytes.len;
            *ret_whole &= sql_number(&rows, 1) == checksum(bytes, row) >> 2;
            ok = put_row(m, MEND_BODY_NEW, &rows, err);
        }
        *ret_whole &= sql_end(&rows, NULL) && there;
        if (!ok)
            return false;
    }
    *ret_whole &= carried == size;
    return true;
}

static bool message_more(struct mending *m, uint64_t id, struct err *err)
{
    struct sql_rows rows = sql_ask(m->new, MEND_MESSAGE_FACTS, SQL_NUMBER(id));
    bool there = sql_next(&rows);
    uint64_t pieces = there ? sql_number(&rows, 0) : 0, size = there ? sql_number(&rows, 1) : 0;
    uint64_t total = there ? sql_number(&rows, 2) : 0, recipients;
    bool whole;

    if (!sql_end(&rows, err) || !carry_story(m, id, &recipients, err))
        return false;
    if (!recipients || !pieces || pieces > SQLITE_PIECES_MAX) { /* to nobody: of no use */
        m->mended->places++;
        return sql_do(m->new, err, MEND_MESSAGE_END, SQL_NUMBER(id));
    }
    if (!carry_body(m, id, pieces, size, &whole, err))
        return false;
    bool all = whole && recipients == total;
    m->mended->messages += all;
    m->mended->held += !all;
    return all || sql_do(m->new, err, MEND_MESSAGE_HOLD, SQL_NUMBER(id),
                         SQL_TEXT(whole ? "some of its recipients could not be read" : store_text_damaged),
                         SQL_NUMBER(recipients));
}

/* Every account that a message names is there, and no number is left out. */
static bool fill_accounts(struct mending *m, struct err *err)
{
    struct sql_rows rows = sql_ask_values(m->new, MEND_ACCOUNT_LAST, NULL, 0);
    uint64_t last = sql_next(&rows) ? sql_number(&rows, 0) : 0;

    if (!sql_end(&rows, err))
        return false;
    for (uint64_t id = 1; id <= last && id < UINT16_MAX; id++)
        if (!sql_do(m->new, err, MEND_ACCOUNT_LOST, SQL_NUMBER(id)))
            return false;
    return true;
}

/* What the old one remembered of itself. Leases get higher numbers than it can have given. */
static bool carry_meta(struct mending *m, struct err *err)
{
    static const char *const names[] = { "life", "time", "ahead", "floor" };

    for (size_t i = 0; i < COUNT(names); i++) {
        struct sql_rows rows = sql_ask(m->old, MEND_META_OLD, SQL_TEXT(names[i]));
        bool there = sql_next(&rows);
        uint64_t value = there ? sql_number(&rows, 0) : 0;
        if (!sql_end(&rows, NULL))
            there = false;
        if (there && !sql_do(m->new, err, MEND_META_PUT, SQL_TEXT(names[i]), SQL_NUMBER(value)))
            return false;
    }
    return true;
}

static bool carry_everything(struct mending *m, struct err *err)
{
    uint64_t count;

    return sql_say(m->new, err, MEND_BEGIN) && carry_meta(m, err) &&
           carry(m, MEND_ACCOUNT_OLD, MEND_ACCOUNT_NEW, nothing_more, err) &&
           carry(m, MEND_MESSAGE_OLD, MEND_MESSAGE_NEW, message_more, err) &&
           carry(m, MEND_HISTORY_OLD, MEND_HISTORY_NEW, history_more, err) &&
           carry_all(m, sql_ask(m->old, MEND_KEYS_OLD, SQL_NUMBER(0)), MEND_KEY_NEW, &count, err) &&
           carry_all(m, sql_ask(m->old, MEND_MARKS_OLD, SQL_TEXT("")), MEND_MARK_NEW, &count, err) &&
           fill_accounts(m, err) && sql_say(m->new, err, MEND_TALLY) && sql_say(m->new, err, MEND_COMMIT);
}

/* The files ----------------------------------------------------------------------------------------------------- */

static bool remove_file(const struct disk *disk, const char *path, struct err *err)
{
    return !file_exists(path) || file_remove(disk, path, err);
}

/* A name that is free: queue.db.damaged-1, -2... */
static bool name_kept(struct mending *m, struct err *err)
{
    for (unsigned i = 1; i < 1000; i++) {
        HELD(buf) name = BUF(sizeof m->mended->kept - 1);
        buf_addf(&name, "queue.db.damaged-%u", i);
        mem_free(m->kept);
        m->kept = name.full ? NULL : file_path(m->options->directory, buf_text(&name));
        if (!m->kept)
            return err_no_memory(err);
        if (file_exists(m->kept))
            continue;
        memcpy(m->mended->kept, buf_text(&name), name.len + 1);
        return true;
    }
    return err_set(err, ERR_CREATE, "there are a thousand damaged queues beside it already");
}

static bool prepare(struct mending *m, struct err *err)
{
    const struct disk *disk = m->options->disk;
    HELD(buf) log = BUF(8192);

    m->path = file_path(m->options->directory, "queue.db");
    m->fresh = file_path(m->options->directory, "queue.db.new");
    if (!m->path || !m->fresh)
        return err_no_memory(err);
    buf_addf(&log, "%s-wal", m->fresh);
    return (!log.full || err_no_memory(err)) && name_kept(m, err) && remove_file(disk, buf_text(&log), err) &&
           remove_file(disk, m->fresh, err) &&
           file_write_new(disk, m->fresh, SPAN_NONE, FILE_MADE(0600), err);
}

/* The old one is read, and its log brought into it first: after that the file is all there is. */
static bool open_both(struct mending *m, struct err *err)
{
    return sql_open(m->path, &queries, &m->old, err) && sqlite_schema_ours(m->old, err) &&
           sql_checkpoint(m->old, true, err) && sql_open(m->fresh, &queries, &m->new, err) &&
           sqlite_schema(m->new, err);
}

/* The old one gets a second name, then the new one takes the first: at each moment one of them is there. */
static bool change_places(struct mending *m, struct err *err)
{
    const struct disk *disk = m->options->disk;

    if (!sql_checkpoint(m->new, true, err)) /* closing would not tell */
        return false;
    sql_close(GIVE(m->new));
    sql_close(GIVE(m->old));
    if (disk->link(disk, m->path, m->kept) < 0)
        return err_sys(err, ERR_IO, errno, "keeping the old file");
    return file_move(disk, m->fresh, m->path, err);
}

bool store_sqlite_mend(const struct sqlite_options *options, struct sqlite_mended *ret_mended, struct err *err)
{
    HELD(mending) m = { .options = options, .mended = ret_mended };

    *ret_mended = (struct sqlite_mended){ 0 };
    return (prepare(&m, err) && open_both(&m, err) && carry_everything(&m, err) && change_places(&m, err)) ||
           err_in(err, "mending the queue in %s", options->directory);
}
