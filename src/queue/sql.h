/* SQLite as the queue uses it: one connection, one thread, prepared statements by number, values bound and never
 * written into the text. Only sql.c and sql_log.c know the library.
 *
 *     struct sql_rows rows = sql_ask(sql, QUERY_X, SQL_NUMBER(id), SQL_TEXT(name));
 *     while (sql_next(&rows))
 *         ... sql_number(&rows, 0), sql_text(&rows, 1)         good until the next call
 *     if (!sql_end(&rows, err))
 *         return false;
 *
 *     if (!sql_do(sql, err, QUERY_Y, SQL_NUMBER(id))) ...       no rows are expected
 *
 * A statement is asked again only after its end. Numbers are unsigned; one above INT64_MAX is kept as that, and read
 * as UINT64_MAX; a negative one in a file is read as 0. No text and no bytes are NULL in the file.
 *
 * Errors: ERR_MEMORY; ERR_IO disk:full, disk:failed, disk:read-only, store:damaged; ERR_LATER store:locked.
 */
#ifndef OUTPOST_QUEUE_SQL_H
#define OUTPOST_QUEUE_SQL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct sql;

/* The statements, by number; prepared when first used. */
struct sql_texts {
    const char *const *at;
    size_t count;
};

/* Opens the file, which is there and may be empty; nothing is read or written yet. */
MUST_USE bool sql_open(const char *path, const struct sql_texts *texts, struct sql **ret_sql, struct err *err);
/* Gone at once; what is in the log of changes stays there, for the next one to read. NULL is nothing. */
void sql_free(struct sql *sql);
OWNED(sql);
/* In order: the changes go into the file, and the log away. */
void sql_close(struct sql *sql);

/* Text of our own, of one or more statements. */
MUST_USE bool sql_run(struct sql *sql, const char *text, struct err *err);
/* A pragma's or a query's single number; 0 where it gives none. */
MUST_USE bool sql_get(struct sql *sql, const char *text, uint64_t *ret_number, struct err *err);

struct sql_value {
    enum { SQL_IS_NUMBER, SQL_IS_TEXT, SQL_IS_BYTES, SQL_IS_NULL } kind;
    uint64_t number;
    struct span bytes;
};
#define SQL_NUMBER(n) ((struct sql_value){ .kind = SQL_IS_NUMBER, .number = (n) })
#define SQL_TEXT(t)   ((struct sql_value){ .kind = SQL_IS_TEXT, .bytes = span_of(t) })
#define SQL_BYTES(b)  ((struct sql_value){ .kind = SQL_IS_BYTES, .bytes = (b) })
#define SQL_NULL      ((struct sql_value){ .kind = SQL_IS_NULL })

struct sql_rows {
    struct sql *sql;
    void *statement; /* NULL: it could not be prepared */
    int code;        /* the library's, of the last step */
};

struct sql_rows sql_ask_values(struct sql *sql, size_t query, const struct sql_value *values, size_t count);
#define sql_ask(sql, query, ...) \
    sql_ask_values((sql), (query), (const struct sql_value[]){ __VA_ARGS__ }, \
                   sizeof((const struct sql_value[]){ __VA_ARGS__ }) / sizeof(struct sql_value))
bool sql_next(struct sql_rows *rows);
/* Done with it, wherever it stands. False: it had failed. */
MUST_USE bool sql_end(struct sql_rows *rows, struct err *err);

uint64_t sql_number(const struct sql_rows *rows, int column);
bool sql_is_null(const struct sql_rows *rows, int column);
const char *sql_text(const struct sql_rows *rows, int column); /* never NULL */
struct span sql_bytes(const struct sql_rows *rows, int column);

/* For rows that are handed on as they are. */
int sql_columns(const struct sql_rows *rows);
struct sql_value sql_value_at(const struct sql_rows *rows, int column);

MUST_USE bool sql_do_values(struct sql *sql, struct err *err, size_t query, const struct sql_value *values,
                            size_t count);
#define sql_do(sql, err, query, ...) \
    sql_do_values((sql), (err), (query), (const struct sql_value[]){ __VA_ARGS__ }, \
                  sizeof((const struct sql_value[]){ __VA_ARGS__ }) / sizeof(struct sql_value))

#define sql_say(sql, err, query) sql_do_values((sql), (err), (query), NULL, 0) /* without values */

/* How many rows the last change changed. */
uint64_t sql_changed(const struct sql *sql);
/* How many rows were changed since it was opened. */
uint64_t sql_changes(const struct sql *sql);
/* Is a transaction open? An error may have ended it. */
bool sql_in_transaction(const struct sql *sql);

/* How many pages the log of changes has. */
size_t sql_log_pages(const struct sql *sql);
/* Moves them into the file, and syncs it. `all`: the log is emptied, too. */
MUST_USE bool sql_checkpoint(struct sql *sql, bool all, struct err *err);

#endif
