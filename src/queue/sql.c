#include "queue/sql.h"

#include <errno.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "queue/sql_log.h"

#include "base/banned.h"

struct sql {
    struct sql_log *log;
    sqlite3 *db;
    const struct sql_texts *texts;
    sqlite3_stmt **statements; /* by number; NULL: not yet */
    size_t log_pages;
};

/* Errors ----------------------------------------------------------------------------------------------------- */

static bool is_full(int code, int sys)
{
    return code == SQLITE_FULL || (code == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT));
}

/* Our statements and our schema fit together: where they don't, or break the schema's rules, it is not what it was. */
static bool is_damage(int kind)
{
    static const int kinds[] = { SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_ERROR, SQLITE_SCHEMA, SQLITE_CONSTRAINT,
                                 SQLITE_MISMATCH };

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (kind == kinds[i])
            return true;
    return false;
}

static bool failed(const struct sql *sql, int code, struct err *err)
{
    int sys = sqlite3_system_errno(sql->db);
    const char *words = sqlite3_errmsg(sql->db);
    int kind = code & 0xff;

    if (kind == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM)
        return err_no_memory(err);
    if (is_full(kind, sys))
        return err_found(err, ERR_IO, "disk:full", "the queue's disk is full");
    if (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN) {
        err_sys(err, ERR_IO, sys ? sys : EIO, "the queue's file: %s", words);
        if (err)
            err->fact = "disk:failed";
        return false;
    }
    if (is_damage(kind))
        return err_found(err, ERR_IO, "store:damaged", "the queue's file is damaged: %s", words);
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED)
        return err_found(err, ERR_LATER, "store:locked", "the queue's file is in another program's hands");
    if (kind == SQLITE_READONLY || kind == SQLITE_PERM)
        return err_found(err, ERR_IO, "disk:read-only", "the queue's file can't be written");
    return err_set(err, ERR_INTERNAL, "the queue's file: %s (%d)", words, code);
}

/* Begins and ends -------------------------------------------------------------------------------------------- */

static int on_commit(void *of, sqlite3 *db, const char *name, int pages)
{
    struct sql *sql = of;
    (void)db, (void)name;

    sql->log_pages = (size_t)pages;
    return SQLITE_OK;
}

/* Stands in the place of SQLite's own, which would copy the log into the file whenever it finds it long: we do, when
 * nobody waits (sqlite_rest()). Not by PRAGMA wal_autocheckpoint = 0: that takes any hook away, ours too. */
static void count_log_pages(struct sql *sql)
{
    sqlite3_wal_hook(sql->db, on_commit, sql);
}

/* A file that somebody else has had his hands on runs no code of his. */
static void be_careful(sqlite3 *db)
{
    static const struct {
        int what, on;
    } switches[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },       { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },  { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
        { SQLITE_DBCONFIG_DQS_DML, 0 },         { SQLITE_DBCONFIG_DQS_DDL, 0 },
        { SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 }, { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
    };

    for (size_t i = 0; i < COUNT(switches); i++)
        sqlite3_db_config(db, switches[i].what, switches[i].on, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_extended_result_codes(db, 1);
}

bool sql_open(const char *path, const struct sql_texts *texts, struct sql **ret_sql, struct err *err)
{
    OWN(sql) sql = NEW(sql);

    if (!sql || !(sql->statements = mem_array(texts->count, sizeof(sqlite3_stmt *))) || !(sql->log = sql_log_new()))
        return err_no_memory(err);
    sql->texts = texts;
    int code = sqlite3_open_v2(path, &sql->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
                               sql_log_name(sql->log));
    if (!sql->db)
        return err_no_memory(err);
    if (code != SQLITE_OK)
        return failed(sql, code, err);
    be_careful(sql->db);
    count_log_pages(sql);
    *ret_sql = GIVE(sql);
    return true;
}

void sql_free(struct sql *sql)
{
    if (!sql)
        return;
    for (size_t i = 0; sql->statements && i < sql->texts->count; i++)
        sqlite3_finalize(sql->statements[i]);
    sqlite3_close(sql->db);
    sql_log_free(sql->log);
    mem_free(sql->statements);
    mem_free(sql);
}

void sql_close(struct sql *sql)
{
    if (sql)
        sqlite3_db_config(sql->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    sql_free(sql);
}

/* Text ------------------------------------------------------------------------------------------------------- */

bool sql_run(struct sql *sql, const char *text, struct err *err)
{
    int code = sqlite3_exec(sql->db, text, NULL, NULL, NULL);

    return code == SQLITE_OK || failed(sql, code, err);
}

static uint64_t to_number(sqlite3_int64 number)
{
    return number == INT64_MAX ? UINT64_MAX : number < 0 ? 0 : (uint64_t)number;
}

bool sql_get(struct sql *sql, const char *text, uint64_t *ret_number, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sql->db, text, -1, &statement, NULL);

    *ret_number = 0;
    if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        *ret_number = to_number(sqlite3_column_int64(statement, 0));
        code = SQLITE_DONE;
    }
    bool ok = code == SQLITE_DONE || failed(sql, code, err);
    sqlite3_finalize(statement);
    return ok;
}

/* Statements ------------------------------------------------------------------------------------------------- */

static int bind(sqlite3_stmt *statement, int at, const struct sql_value *value)
{
    const char *bytes = value->bytes.at ? value->bytes.at : "";

    switch (value->kind) {
    case SQL_IS_NUMBER:
        return sqlite3_bind_int64(statement, at,
                                  value->number > INT64_MAX ? INT64_MAX : (sqlite3_int64)value->number);
    case SQL_IS_TEXT:
        return sqlite3_bind_text64(statement, at, bytes, value->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case SQL_IS_BYTES:
        return sqlite3_bind_blob64(statement, at, bytes, value->bytes.len, SQLITE_STATIC);
    case SQL_IS_NULL:
        break;
    }
    return sqlite3_bind_null(statement, at);
}

struct sql_rows sql_ask_values(struct sql *sql, size_t query, const struct sql_value *values, size_t count)
{
    struct sql_rows rows = { sql, NULL, SQLITE_OK };

    if (!sql->statements[query])
        rows.code = sqlite3_prepare_v3(sql->db, sql->texts->at[query], -1, SQLITE_PREPARE_PERSISTENT,
                                       &sql->statements[query], NULL);
    rows.statement = sql->statements[query];
    for (size_t i = 0; i < count && rows.code == SQLITE_OK; i++)
        rows.code = bind(rows.statement, (int)i + 1, &values[i]);
    return rows;
}

bool sql_next(struct sql_rows *rows)
{
    if (rows->code != SQLITE_OK && rows->code != SQLITE_ROW)
        return false;
    rows->code = sqlite3_step(rows->statement);
    return rows->code == SQLITE_ROW;
}

bool sql_end(struct sql_rows *rows, struct err *err)
{
    int code = rows->code;
    bool ok = code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE || failed(rows->sql, code, err);

    sqlite3_reset(rows->statement);
    return ok;
}

int sql_columns(const struct sql_rows *rows)
{
    return sqlite3_data_count(rows->statement);
}

struct sql_value sql_value_at(const struct sql_rows *rows, int column)
{
    switch (sqlite3_column_type(rows->statement, column)) {
    case SQLITE_NULL:
        return SQL_NULL;
    case SQLITE_TEXT:
        return (struct sql_value){ .kind = SQL_IS_TEXT, .bytes = sql_bytes(rows, column) };
    case SQLITE_BLOB:
        return SQL_BYTES(sql_bytes(rows, column));
    default:
        return SQL_NUMBER(sql_number(rows, column));
    }
}

bool sql_do_values(struct sql *sql, struct err *err, size_t query, const struct sql_value *values, size_t count)
{
    struct sql_rows rows = sql_ask_values(sql, query, values, count);

    while (sql_next(&rows))
        ;
    return sql_end(&rows, err);
}

uint64_t sql_number(const struct sql_rows *rows, int column)
{
    return to_number(sqlite3_column_int64(rows->statement, column));
}

bool sql_is_null(const struct sql_rows *rows, int column)
{
    return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

const char *sql_text(const struct sql_rows *rows, int column)
{
    const unsigned char *text = sqlite3_column_text(rows->statement, column);
    return text ? (const char *)text : "";
}

struct span sql_bytes(const struct sql_rows *rows, int column)
{
    const void *at = sqlite3_column_blob(rows->statement, column);
    int len = sqlite3_column_bytes(rows->statement, column);

    return (struct span){ at, at ? (size_t)len : 0 };
}

uint64_t sql_changed(const struct sql *sql)
{
    return (uint64_t)sqlite3_changes64(sql->db);
}

uint64_t sql_changes(const struct sql *sql)
{
    return (uint64_t)sqlite3_total_changes64(sql->db);
}

bool sql_in_transaction(const struct sql *sql)
{
    return !sqlite3_get_autocommit(sql->db);
}

/* The log ---------------------------------------------------------------------------------------------------- */

size_t sql_log_pages(const struct sql *sql)
{
    return sql->log_pages;
}

bool sql_checkpoint(struct sql *sql, bool all, struct err *err)
{
    int mode = all ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int code = sqlite3_wal_checkpoint_v2(sql->db, NULL, mode, NULL, NULL);

    if (code != SQLITE_OK)
        return failed(sql, code, err);
    sql->log_pages = 0;
    return true;
}
