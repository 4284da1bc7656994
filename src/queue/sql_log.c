#include "queue/sql_log.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#include "base/banned.h"

enum { GATHERED_MAX = 128 * 1024 };

struct sql_log {
    sqlite3_vfs vfs; /* the usual one's functions, but for opening */
    sqlite3_vfs *usual;
    char name[40];
};

/* The log. What SQLite opens beside it is the usual way's own. */
struct file {
    sqlite3_file base;
    sqlite3_int64 at; /* in the file, of the first octet gathered */
    int len;
    char *gathered;
    int lost; /* why some of it is not in the file, and never will be; SQLITE_OK: all of it is */
    sqlite3_int64 lost_at; /* and all behind */
    sqlite3_file real; /* as long as the usual way's files are: the last */
};

static struct file *of(sqlite3_file *file)
{
    return (struct file *)file;
}

/* What was gathered goes out. Where it can't, SQLite may have taken it for written long ago, and the error for one of what
 * it asks now: of a read it undoes a statement, and goes on to commit what it believes to be there. So nothing is written
 * or synced any more: the commit fails, and the file is opened anew. */
static int flush(struct file *file)
{
    if (file->lost == SQLITE_OK && file->len) {
        file->lost = file->real.pMethods->xWrite(&file->real, file->gathered, file->len, file->at);
        file->lost_at = file->at;
    }
    file->len = 0;
    return file->lost;
}

static int log_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 at)
{
    struct file *file = of(base);
    int bad = file->lost;

    if (bad == SQLITE_OK && (at != file->at + file->len || len > GATHERED_MAX - file->len))
        bad = flush(file);
    if (bad != SQLITE_OK || len > GATHERED_MAX)
        return bad != SQLITE_OK ? bad : file->real.pMethods->xWrite(&file->real, bytes, len, at);
    if (!file->len)
        file->at = at;
    memcpy(file->gathered + file->len, bytes, (size_t)len);
    file->len += len;
    return SQLITE_OK;
}

static int log_read(sqlite3_file *base, void *bytes, int len, sqlite3_int64 at)
{
    int bad = flush(of(base));

    return bad != SQLITE_OK && at + len > of(base)->lost_at ? bad : of(base)->real.pMethods->xRead(&of(base)->real, bytes, len, at);
}

static int log_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    int bad = flush(of(base));

    return bad != SQLITE_OK ? bad : of(base)->real.pMethods->xTruncate(&of(base)->real, size);
}

static int log_sync(sqlite3_file *base, int how)
{
    int bad = flush(of(base));

    return bad != SQLITE_OK ? bad : of(base)->real.pMethods->xSync(&of(base)->real, how);
}

static int log_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    int bad = flush(of(base));

    return bad != SQLITE_OK ? bad : of(base)->real.pMethods->xFileSize(&of(base)->real, ret_size);
}

/* What is still gathered belongs to no commit. */
static int log_close(sqlite3_file *base)
{
    mem_free(of(base)->gathered);
    return of(base)->real.pMethods->xClose(&of(base)->real);
}

static int log_lock(sqlite3_file *base, int how)
{
    return of(base)->real.pMethods->xLock(&of(base)->real, how);
}

static int log_unlock(sqlite3_file *base, int how)
{
    return of(base)->real.pMethods->xUnlock(&of(base)->real, how);
}

static int log_is_locked(sqlite3_file *base, int *ret_is)
{
    return of(base)->real.pMethods->xCheckReservedLock(&of(base)->real, ret_is);
}

static int log_control(sqlite3_file *base, int what, void *with)
{
    return of(base)->real.pMethods->xFileControl(&of(base)->real, what, with);
}

static int log_sector(sqlite3_file *base)
{
    return of(base)->real.pMethods->xSectorSize(&of(base)->real);
}

static int log_traits(sqlite3_file *base)
{
    return of(base)->real.pMethods->xDeviceCharacteristics(&of(base)->real);
}

/* Version 1: a log is neither mapped nor shared. */
static const sqlite3_io_methods methods = {
    1,        log_close,     log_read,    log_write,  log_truncate, log_sync, log_size,
    log_lock, log_unlock,    log_is_locked, log_control, log_sector, log_traits,
    NULL, NULL, NULL, NULL, NULL, NULL,
};

static int open_log(struct sql_log *log, const char *name, struct file *file, int flags, int *ret_flags)
{
    file->base.pMethods = NULL; /* nothing is to be closed */
    file->gathered = mem_resize(NULL, 1, GATHERED_MAX);
    if (!file->gathered)
        return SQLITE_NOMEM;
    int bad = log->usual->xOpen(log->usual, name, &file->real, flags, ret_flags);
    if (bad != SQLITE_OK) {
        if (file->real.pMethods)
            file->real.pMethods->xClose(&file->real);
        mem_free(file->gathered);
        return bad;
    }
    file->at = file->len = 0;
    file->lost = SQLITE_OK;
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    struct sql_log *log = (struct sql_log *)vfs;

    if (flags & SQLITE_OPEN_WAL)
        return open_log(log, name, of(file), flags, ret_flags);
    return log->usual->xOpen(log->usual, name, file, flags, ret_flags);
}

/* The others of its functions look at what the usual one keeps of itself, and that is copied. */
struct sql_log *sql_log_new(void)
{
    OWN(sql_log) log = NEW(sql_log);
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);

    if (!log || !usual)
        return NULL;
    log->usual = usual;
    log->vfs = *usual;
    log->vfs.pNext = NULL;
    log->vfs.szOsFile += (int)sizeof(struct file);
    log->vfs.xOpen = open_file;
    log->vfs.zName = log->name;
    snprintf(log->name, sizeof log->name, "outpost-%p", (void *)log);
    return sqlite3_vfs_register(&log->vfs, 0) == SQLITE_OK ? GIVE(log) : NULL;
}

const char *sql_log_name(const struct sql_log *log)
{
    return log->name;
}

void sql_log_free(struct sql_log *log)
{
    if (!log)
        return;
    sqlite3_vfs_unregister(&log->vfs);
    mem_free(log);
}
