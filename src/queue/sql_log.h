/* The log of changes (SQLite's WAL), written in few calls. SQLite writes each page in two, a head of 24 octets and the
 * page; what is committed together here is some twenty of them, one behind the other. They are gathered, and go out
 * before the sync that makes them last. So nothing is promised of them without it: for synchronous = FULL alone,
 * where each commit ends with one.
 */
#ifndef OUTPOST_QUEUE_SQL_LOG_H
#define OUTPOST_QUEUE_SQL_LOG_H

#include "base/own.h"

/* A way to files (a "VFS") for one connection, to be freed after that is closed. */
struct sql_log;
struct sql_log *sql_log_new(void); /* NULL: no memory */
const char *sql_log_name(const struct sql_log *log); /* for sqlite3_open_v2() */
void sql_log_free(struct sql_log *log);
OWNED(sql_log);

#endif
