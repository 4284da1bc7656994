#include "queue/sqlite_int.h"

#include "base/banned.h"

/* "outp": so that file(1) and we know whose it is. */
#define APPLICATION 0x6f757470

/* Before anything is read: the log then needs no shared memory. */
static const char first[] = "PRAGMA locking_mode = EXCLUSIVE;";

/* Before the first table: the size of a page and how free ones are kept can't be changed later. A message of 10 KB
 * takes 11 KB in pages of 8. */
static const char new_file[] =
    "PRAGMA page_size = 8192;"
    "PRAGMA auto_vacuum = INCREMENTAL;";

/* What holds while it is open. */
static const char always[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA secure_delete = ON;"       /* what is deleted is wiped; 3 % of a message's life */
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA mmap_size = 0;"            /* an error of the disk is an error, not a signal */
    "PRAGMA cell_size_check = ON;"
    "PRAGMA cache_size = -8192;";

/* Tables, indices and nothing else: a trigger or a view would be somebody's who is not us. */
static bool is_ours(struct sql *sql, struct err *err)
{
    uint64_t strange;

    if (!sql_get(sql, "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')", &strange, err))
        return false;
    return !strange || err_found(err, ERR_CONFIG, "store:foreign", "the queue's file has parts that are not ours");
}

static bool set_number(struct sql *sql, const char *pragma, unsigned long number, struct err *err)
{
    HELD(buf) text = BUF(100);

    buf_addf(&text, "PRAGMA %s = %lu", pragma, number);
    return text.full ? err_no_memory(err) : sql_run(sql, buf_text(&text), err);
}

/* One transaction: killed in the middle, it is the old one. */
static bool migrate(struct sql *sql, size_t from, struct err *err)
{
    bool ok = sql_run(sql, "BEGIN IMMEDIATE", err);

    for (size_t i = from; ok && i < sqlite_schemas_count; i++)
        ok = sql_run(sql, sqlite_schemas[i], err);
    ok = ok && set_number(sql, "application_id", APPLICATION, err) &&
         set_number(sql, "user_version", sqlite_schemas_count, err) && sql_run(sql, "COMMIT", err);
    if (!ok && sql_in_transaction(sql) && !sql_run(sql, "ROLLBACK", NULL))
        return false;
    return ok;
}

/* Nothing is written to a file that is not ours to write. */
static bool may_write(uint64_t tables, uint64_t application, uint64_t version, struct err *err)
{
    if (tables && application != APPLICATION)
        return err_found(err, ERR_CONFIG, "store:foreign", "the queue's file is another program's");
    if (version > sqlite_schemas_count)
        return err_found(err, ERR_CONFIG, "store:newer",
                         "the queue's file is from a newer outpost: version %llu, and this one knows %zu",
                         (unsigned long long)version, sqlite_schemas_count);
    return true;
}

bool sqlite_schema_ours(struct sql *sql, struct err *err)
{
    uint64_t application, version, tables;

    if (!sql_run(sql, first, err) || !sql_get(sql, "PRAGMA application_id", &application, err) ||
        !sql_get(sql, "PRAGMA user_version", &version, err) ||
        !sql_get(sql, "SELECT count(*) FROM sqlite_schema", &tables, err) ||
        !may_write(tables, application, version, err) || !is_ours(sql, err))
        return false;
    return version == sqlite_schemas_count ||
           err_found(err, ERR_CONFIG, "store:foreign", "the queue's file is of an older version: open it first");
}

bool sqlite_schema(struct sql *sql, struct err *err)
{
    uint64_t application, version, tables;

    return sql_run(sql, first, err) && sql_get(sql, "PRAGMA application_id", &application, err) &&
           sql_get(sql, "PRAGMA user_version", &version, err) &&
           sql_get(sql, "SELECT count(*) FROM sqlite_schema", &tables, err) &&
           may_write(tables, application, version, err) && is_ours(sql, err) &&
           (tables || sql_run(sql, new_file, err)) && sql_run(sql, always, err) &&
           (version == sqlite_schemas_count || migrate(sql, version, err));
}
