#include "files.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "clockwork.h"

enum { FILES_MAX = 4, SECTOR = 512, NAME_LEN = 300 };

struct bytes {
    char *at;
    size_t len, room;
};

static struct file {
    char name[NAME_LEN];
    bool there, was_synced;
    struct bytes now, synced;
    size_t from, to; /* written since the last sync; to 0: nothing */
} files[FILES_MAX];
static bool power;

struct handle {
    sqlite3_file base;
    struct file *file;
    bool deletes;
};

/* Bytes ---------------------------------------------------------------------------------------------------------- */

static bool reach(struct bytes *bytes, size_t len)
{
    if (len > bytes->room) {
        size_t room = len * 2;
        char *at = realloc(bytes->at, room);
        if (!at)
            return false;
        bytes->at = at;
        bytes->room = room;
    }
    if (len > bytes->len) {
        memset(bytes->at + bytes->len, 0, len - bytes->len);
        bytes->len = len;
    }
    return true;
}


static void forget(struct bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct bytes){ 0 };
}

/* Files --------------------------------------------------------------------------------------------------------- */

static struct file *find(const char *name, bool make)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].there && strcmp(files[i].name, name) == 0)
            return &files[i];
    for (size_t i = 0; make && i < FILES_MAX; i++)
        if (!files[i].there && strlen(name) < NAME_LEN) {
            files[i] = (struct file){ .there = true };
            strcpy(files[i].name, name);
            return &files[i];
        }
    return NULL;
}

static void note_written(struct file *file, size_t from, size_t to)
{
    file->from = file->to && file->from < from ? file->from : from;
    file->to = file->to > to ? file->to : to;
}

static bool make_durable(struct file *file)
{
    size_t to = file->to < file->now.len ? file->to : file->now.len;

    if (file->synced.len > file->now.len)
        file->synced.len = file->now.len;
    if (!reach(&file->synced, file->now.len))
        return false;
    if (to > file->from)
        memcpy(file->synced.at + file->from, file->now.at + file->from, to - file->from);
    file->to = 0;
    return true;
}

static void take_away(struct file *file)
{
    forget(&file->now);
    forget(&file->synced);
    file->there = false;
}

void files_begin(void)
{
    sqlite3_randomness(0, NULL); /* its own chance begins anew, too */
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].there)
            take_away(&files[i]);
}

void files_power(bool on)
{
    power = on;
}

static void lose(struct file *file)
{
    struct bytes *now = &file->now, *synced = &file->synced;

    if (!file->was_synced && sim_chance(50)) {
        take_away(file);
        return;
    }
    for (size_t at = 0; at < now->len; at += SECTOR) {
        char old[SECTOR] = { 0 };
        size_t len = now->len - at < SECTOR ? now->len - at : SECTOR;
        size_t known = synced->len > at ? synced->len - at : 0;
        if (known)
            memcpy(old, synced->at + at, known < len ? known : len);
        if (memcmp(now->at + at, old, len) != 0 && sim_chance(50))
            memcpy(now->at + at, old, len);
    }
    if (now->len > synced->len && sim_chance(33))
        now->len = synced->len;
    file->from = 0;
    file->to = now->len;
    if (!make_durable(file))
        abort();
}

void files_lose(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].there)
            lose(&files[i]);
}

/* SQLite's side --------------------------------------------------------------------------------------------------- */

static struct file *of(sqlite3_file *base)
{
    return ((struct handle *)base)->file;
}

static int file_close(sqlite3_file *base)
{
    struct handle *handle = (struct handle *)base;

    if (handle->deletes)
        take_away(handle->file);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *into, int len, sqlite3_int64 from)
{
    const struct bytes *bytes = &of(base)->now;
    size_t at = (size_t)from, wanted = (size_t)len;
    size_t there = bytes->len > at ? bytes->len - at : 0;

    if (there >= wanted) {
        memcpy(into, bytes->at + at, wanted);
        return SQLITE_OK;
    }
    memset(into, 0, wanted);
    if (there)
        memcpy(into, bytes->at + at, there);
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *from, int len, sqlite3_int64 to)
{
    struct file *file = of(base);
    size_t at = (size_t)to, end = at + (size_t)len;

    if (!power)
        return SQLITE_IOERR_WRITE;
    note_written(file, at < file->now.len ? at : file->now.len, end);
    if (!reach(&file->now, end))
        return SQLITE_IOERR_WRITE;
    memcpy(file->now.at + at, from, (size_t)len);
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *file = of(base);

    if (!power)
        return SQLITE_IOERR_TRUNCATE;
    if ((size_t)size < file->now.len)
        file->now.len = (size_t)size;
    note_written(file, file->now.len, (size_t)size);
    return reach(&file->now, (size_t)size) ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct file *file = of(base);

    (void)flags;
    if (!power || !make_durable(file))
        return SQLITE_IOERR_FSYNC;
    file->was_synced = true;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)of(base)->now.len;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *base, int *reserved)
{
    (void)base;
    *reserved = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *with)
{
    (void)base, (void)op, (void)with;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *base)
{
    (void)base;
    return SECTOR;
}

static int file_nature(sqlite3_file *base)
{
    (void)base;
    return 0;
}

static const sqlite3_io_methods methods = {
    1, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_lock, file_reserved,
    file_control, file_sector, file_nature, NULL, NULL, NULL, NULL, NULL, NULL,
};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out)
{
    struct handle *handle = (struct handle *)base;
    bool makes = flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB); /* its file was made before, and is empty */

    (void)vfs;
    *handle = (struct handle){ .file = find(path ? path : "", makes && power) };
    if (!handle->file)
        return SQLITE_CANTOPEN;
    handle->deletes = flags & SQLITE_OPEN_DELETEONCLOSE;
    base->pMethods = &methods;
    if (out)
        *out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    struct file *file = find(path, false);

    (void)vfs, (void)sync;
    if (!power)
        return SQLITE_IOERR_DELETE;
    if (file)
        take_away(file);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *there)
{
    (void)vfs, (void)flags;
    *there = find(path, false) != NULL;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int room, char *into)
{
    (void)vfs;
    if ((size_t)room <= strlen(path))
        return SQLITE_CANTOPEN;
    strcpy(into, path);
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int len, char *into)
{
    (void)vfs;
    memset(into, 7, (size_t)len);
    return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *days)
{
    (void)vfs;
    *days = 2461000.5;
    return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int len, char *into)
{
    (void)vfs, (void)len, (void)into;
    return 0;
}

void files_install(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = NAME_LEN,
        .zName = "simulated",
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
    };

    sqlite3_initialize();
    sqlite3_vfs_register(&vfs, 1);
}
