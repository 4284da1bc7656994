#include "queue/sqlite.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "os/file.h"
#include "os/space.h"
#include "queue/sqlite_int.h"

#include "base/banned.h"

/* The log is moved into the file when it has so many pages, and nobody waits. */
enum { LOG_PAGES = 2000 };

static const char *const texts[] = {
#define X(name, text) [QUERY_##name] = text,
    SQLITE_QUERIES(X)
#undef X
};
static const struct sql_texts queries = { texts, COUNT(texts) };

/* Opening ------------------------------------------------------------------------------------------------------- */

/* The file, ours alone, before SQLite would make it; its directory knows of it for good. */
static bool make_file(const struct sqlite *sqlite, struct err *err)
{
    if (file_exists(sqlite->path))
        return true;
    return file_write_new(sqlite->options.disk, sqlite->path, SPAN_NONE, FILE_MADE(0600), err);
}

static bool meta_get(struct sqlite *sqlite, const char *name, uint64_t *ret, struct err *err)
{
    struct sql_rows rows = sql_ask(sqlite->sql, QUERY_META_GET, SQL_TEXT(name));

    *ret = sql_next(&rows) ? sql_number(&rows, 0) : 0;
    return sql_end(&rows, err);
}

static bool meta_put(struct sqlite *sqlite, const char *name, uint64_t value, struct err *err)
{
    return sql_do(sqlite->sql, err, QUERY_META_PUT, SQL_TEXT(name), SQL_NUMBER(value));
}

static bool get_number(struct sqlite *sqlite, size_t query, uint64_t *ret, struct err *err)
{
    struct sql_rows rows = sql_ask(sqlite->sql, query, SQL_NUMBER(0));

    *ret = sql_next(&rows) ? sql_number(&rows, 0) : 0;
    return sql_end(&rows, err);
}

static bool last_id(struct sqlite *sqlite, uint64_t *ret, struct err *err)
{
    struct sql_rows rows = sql_ask_values(sqlite->sql, QUERY_LAST_ID, NULL, 0);
    uint64_t floor;

    *ret = sql_next(&rows) ? sql_number(&rows, 0) : 0;
    if (!sql_end(&rows, err) || !meta_get(sqlite, "floor", &floor, err))
        return false;
    *ret = floor > *ret ? floor : *ret;
    return *ret < INT64_MAX / SQLITE_PIECES_MAX || sqlite_damaged(err, "its numbers are used up");
}

/* Opens the file and reads what is kept in memory. Leaves sqlite->sql NULL on failure. */
static bool open_file(struct sqlite *sqlite, struct err *err)
{
    uint64_t id;

    if (!sql_open(sqlite->path, &queries, &sqlite->sql, err))
        return false;
    if (sqlite_schema(sqlite->sql, err) && last_id(sqlite, &id, err) &&
        get_number(sqlite, QUERY_TALLY_GET, &sqlite->commits, err) && sqlite_accounts_load(sqlite, err)) {
        sqlite->next_id = id + 1;
        sqlite->log_count = 0; /* what memory holds is as the file has it */
        return true;
    }
    sql_free(GIVE(sqlite->sql));
    return false;
}

/* A life begins: leases get numbers that no earlier one gave; what is left unclosed now is a crash. */
static bool begin_life(struct sqlite *sqlite, struct store_opened *ret, struct err *err)
{
    uint64_t clean, life, ahead;

    if (!meta_get(sqlite, "clean", &clean, err) || !meta_get(sqlite, "life", &life, err) ||
        !meta_get(sqlite, "time", &ret->time, err) || !meta_get(sqlite, "ahead", &ahead, err))
        return false;
    ret->crashed = !clean;
    ret->wall = (int64_t)(ahead - INT64_MAX / 2);
    sqlite->next_lease = (life + 1) << 32;
    return sql_say(sqlite->sql, err, QUERY_BEGIN) && meta_put(sqlite, "clean", 0, err) &&
           meta_put(sqlite, "life", life + 1, err) && sql_say(sqlite->sql, err, QUERY_COMMIT);
}

/* Batches ------------------------------------------------------------------------------------------------------- */

/* What memory holds is as it was before the batch. */
static void forget_batch(struct sqlite *sqlite)
{
    sqlite_counts_undo(sqlite, 0);
    for (size_t i = 0; i < sqlite->tally_room; i++)
        sqlite->tallies[i].changed = 0;
    if (sqlite->sql && sql_in_transaction(sqlite->sql) && !sql_say(sqlite->sql, NULL, QUERY_ROLLBACK))
        sql_free(GIVE(sqlite->sql)); /* it will be opened anew */
    if (sqlite->sql && !sqlite_accounts_reload(sqlite, NULL))
        sql_free(GIVE(sqlite->sql));
    sqlite->dead = false;
}

static bool is_nearly_full(const struct sqlite *sqlite)
{
    struct space space;

    return sqlite->options.reserve_percent && space_of(sqlite->directory, &space, NULL) &&
           space_is_short(&space, sqlite->options.reserve_percent);
}

static bool sqlite_begin(struct store *store, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);

    if (!sqlite->sql && !open_file(sqlite, err))
        return false;
    sqlite->nearly_full = is_nearly_full(sqlite);
    sqlite->log_count = 0;
    sqlite->changes = sql_changes(sqlite->sql);
    return sql_say(sqlite->sql, err, QUERY_BEGIN);
}

/* A savepoint has SQLite copy each page that the job touches, in memory: a third of what it costs to take a message in. */
static bool sqlite_job_begin(struct store *store, bool bare, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);

    if (sqlite->dead) {
        if (err)
            *err = sqlite->death;
        return false;
    }
    sqlite->log_job = sqlite->log_count;
    sqlite->accounts_changed = false;
    sqlite->bare = bare;
    sqlite->job_changes = sql_changes(sqlite->sql);
    return bare || sql_say(sqlite->sql, err, QUERY_JOB);
}

static bool undo_job(struct sqlite *sqlite, struct err *err)
{
    sqlite_counts_undo(sqlite, sqlite->log_job);
    if (sqlite->bare)
        return sql_changes(sqlite->sql) == sqlite->job_changes ||
               err_found(err, ERR_IO, "disk:failed", "what was to be written with it could not be");
    return sql_say(sqlite->sql, err, QUERY_JOB_UNDONE) && sql_say(sqlite->sql, err, QUERY_JOB_KEPT) &&
           (!sqlite->accounts_changed || sqlite_accounts_reload(sqlite, err));
}

/* Some errors end the transaction, and with it the jobs before this one; and a job that can't be ended spoils all of the
 * batch. */
static bool end_job(struct sqlite *sqlite, bool keep, struct err *err)
{
    if (!sql_in_transaction(sqlite->sql))
        return err_found(err, ERR_IO, "disk:failed", "what was to be written with it could not be");
    if (keep)
        return sqlite->bare || sql_say(sqlite->sql, err, QUERY_JOB_KEPT);
    return undo_job(sqlite, err);
}

static bool sqlite_job_end(struct store *store, bool keep, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);

    if (end_job(sqlite, keep, &sqlite->death))
        return true;
    sqlite->dead = true;
    if (err)
        *err = sqlite->death;
    return false;
}

/* Whether a commit was done that failed is known by the file alone. It is opened anew: what the disk did not take is
 * no more to be had by the old descriptor, and what is found now is written once more, by a new one. */
static bool came_through(struct sqlite *sqlite, uint64_t commits)
{
    sql_free(GIVE(sqlite->sql));
    if (!open_file(sqlite, NULL))
        return false;
    if (sqlite->commits == commits && sql_checkpoint(sqlite->sql, true, NULL))
        return true;
    if (sqlite->commits == commits)
        sql_free(GIVE(sqlite->sql)); /* it is there, and can't be made to stay */
    return false;
}

static bool write_counts(struct sqlite *sqlite, struct err *err)
{
    return sqlite_counts_write(sqlite, err) &&
           sql_do(sqlite->sql, err, QUERY_TALLY_PUT, SQL_NUMBER(0), SQL_NUMBER(sqlite->commits + 1));
}

static bool commit_changes(struct sqlite *sqlite, struct err *err)
{
    struct err why = { 0 };
    bool written = write_counts(sqlite, &why);

    if (written && sql_say(sqlite->sql, &why, QUERY_COMMIT)) {
        sqlite->commits++;
        return true;
    }
    if (written && came_through(sqlite, sqlite->commits + 1))
        return true;
    forget_batch(sqlite);
    if (err)
        *err = why;
    return false;
}

static bool sqlite_commit(struct store *store, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);

    if (sqlite->dead) {
        if (err)
            *err = sqlite->death;
        forget_batch(sqlite);
        return false;
    }
    if (sql_changes(sqlite->sql) == sqlite->changes)
        return sql_say(sqlite->sql, err, QUERY_COMMIT);
    return commit_changes(sqlite, err);
}

static void sqlite_abort(struct store *store)
{
    forget_batch(sqlite_of(store));
}

static bool sqlite_rest(struct store *store, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);
    struct err why = { 0 };

    if (!sqlite->sql || sql_log_pages(sqlite->sql) < LOG_PAGES || sql_checkpoint(sqlite->sql, false, &why))
        return true;
    if (why.fact && span_is(span_of(why.fact), "disk:failed"))
        sql_free(GIVE(sqlite->sql)); /* no second try by the same descriptor */
    if (err)
        *err = why;
    return false;
}

static bool sqlite_time_put(struct store *store, uint64_t now, int64_t wall, struct err *err)
{
    struct sqlite *sqlite = sqlite_of(store);

    return meta_put(sqlite, "time", now, err) && meta_put(sqlite, "ahead", (uint64_t)(wall + INT64_MAX / 2), err);
}

/* Closing ------------------------------------------------------------------------------------------------------- */

static void release(struct sqlite *sqlite)
{
    sql_free(sqlite->sql);
    sqlite_accounts_done(sqlite);
    mem_free(sqlite->path);
    mem_free(sqlite->directory);
    mem_free(sqlite);
}

static bool end_bodies(struct sqlite *sqlite)
{
    return sqlite_begin(&sqlite->store, NULL) && sqlite_end_bodies(sqlite, NULL) && sqlite_commit(&sqlite->store, NULL);
}

static void sqlite_close(struct store *store)
{
    struct sqlite *sqlite = sqlite_of(store);

    store_abort(store);
    while (sqlite->sql && sqlite->ended_bodies && end_bodies(sqlite))
        ;
    store_abort(store);
    if (sqlite->sql && meta_put(sqlite, "clean", 1, NULL))
        sql_close(GIVE(sqlite->sql));
    release(sqlite);
}

static const struct store_type sqlite_type = {
    .name = "sqlite",
    .begin = sqlite_begin,
    .job_begin = sqlite_job_begin,
    .job_end = sqlite_job_end,
    .commit = sqlite_commit,
    .abort = sqlite_abort,
    .body_add = sqlite_body_add,
    .body_drop = sqlite_body_drop,
    .body_read = sqlite_body_read,
    .accept = sqlite_accept,
    .claim = sqlite_claim,
    .leaving = sqlite_leaving,
    .extend = sqlite_extend,
    .settle = sqlite_settle,
    .hasten = sqlite_hasten,
    .reports = sqlite_reports,
    .told = sqlite_told,
    .change = sqlite_change,
    .list = sqlite_list,
    .show = sqlite_show,
    .accounts = sqlite_store_accounts,
    .park = sqlite_park,
    .unpark = sqlite_unpark,
    .park_told = sqlite_park_told,
    .mark_put = sqlite_mark_put,
    .mark_get = sqlite_mark_get,
    .sweep = sqlite_sweep,
    .check = sqlite_check,
    .rest = sqlite_rest,
    .time_put = sqlite_time_put,
    .close = sqlite_close,
};

static bool prepare(struct sqlite *sqlite, struct store_opened *ret_opened, struct err *err)
{
    sqlite->directory = str_copy(sqlite->options.directory);
    sqlite->path = file_path(sqlite->options.directory, "queue.db");
    if (!sqlite->directory || !sqlite->path)
        return err_no_memory(err);
    return file_make_dirs(sqlite->options.disk, sqlite->directory, 0700, err) && make_file(sqlite, err) &&
           open_file(sqlite, err) && begin_life(sqlite, ret_opened, err);
}

bool store_sqlite_open(const struct sqlite_options *options, struct store **ret_store,
                       struct store_opened *ret_opened, struct err *err)
{
    struct sqlite *sqlite = NEW(sqlite);

    if (!sqlite)
        return err_no_memory(err);
    sqlite->store.type = &sqlite_type;
    sqlite->options = *options;
    *ret_opened = (struct store_opened){ 0 };
    if (!prepare(sqlite, ret_opened, err)) {
        release(sqlite);
        return err_in(err, "opening the queue in %s", options->directory);
    }
    *ret_store = &sqlite->store;
    return true;
}
