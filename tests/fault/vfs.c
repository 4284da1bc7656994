#include "vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 8, SECTOR = 512 };

struct file {
    sqlite3_file base;
    sqlite3_file *real; /* right behind */
    char *path;
    char *synced; /* what is on the disk for certain */
    size_t synced_len;
    bool was_synced; /* ever: else it may not even be there */
};

static sqlite3_vfs *real_vfs;
static struct file *files[FILES_MAX];
static struct {
    unsigned what, nth, counted;
    enum vfs_how how;
    uint64_t chance;
    bool happened;
} plan;

/* The power goes ---------------------------------------------------------------------------------------------- */

static uint64_t toss(void)
{
    plan.chance = plan.chance * 6364136223846793005u + 1442695040888963407u;
    return plan.chance >> 33;
}

static size_t read_all(int fd, char *at, size_t len)
{
    size_t got = 0;

    for (ssize_t n; got < len && (n = pread(fd, at + got, len - got, (off_t)got)) > 0;)
        got += (size_t)n;
    return got;
}

static void lose(const struct file *file)
{
    int fd = open(file->path, O_RDWR);
    struct stat st;

    if (fd < 0 || fstat(fd, &st))
        return;
    if (!file->was_synced && toss() % 2) {
        unlink(file->path);
        close(fd);
        return;
    }
    size_t len = (size_t)st.st_size;
    char *now = malloc(len + 1);
    read_all(fd, now, len);
    for (size_t at = 0; at < len; at += SECTOR) {
        char old[SECTOR] = { 0 }; /* zeros where the file was shorter */
        size_t n = len - at < SECTOR ? len - at : SECTOR;
        size_t known = file->synced_len > at ? file->synced_len - at : 0;
        if (known)
            memcpy(old, file->synced + at, known < n ? known : n);
        if (memcmp(now + at, old, n) != 0 && toss() % 2 && pwrite(fd, old, n, (off_t)at) < 0)
            abort();
    }
    if (len > file->synced_len && toss() % 3 == 0 && ftruncate(fd, (off_t)file->synced_len))
        abort();
    free(now);
    close(fd);
}

static void end(void)
{
    if (plan.how == VFS_LOSES_POWER)
        for (size_t i = 0; i < FILES_MAX; i++)
            if (files[i])
                lose(files[i]);
    kill(getpid(), SIGKILL);
}

/* Is it this one's turn? Then it ends here, or is to fail. */
static bool turn(enum vfs_what what)
{
    if (!(plan.what & what) || !plan.nth)
        return false;
    plan.counted++;
    bool now = plan.counted == plan.nth || (plan.how == VFS_STAYS_FULL && plan.counted > plan.nth);
    plan.happened |= now;
    if (now && (plan.how == VFS_KILLS || plan.how == VFS_LOSES_POWER))
        end();
    return now;
}

static bool is_late(void)
{
    return plan.how == VFS_FAILS_LATE;
}

static int code(int otherwise)
{
    return plan.how == VFS_IS_FULL || plan.how == VFS_STAYS_FULL ? SQLITE_FULL : otherwise;
}

/* Files ------------------------------------------------------------------------------------------------------- */

static struct file *of(sqlite3_file *file)
{
    return (struct file *)file;
}

static void remember(struct file *file)
{
    sqlite3_int64 size = 0;

    file->real->pMethods->xFileSize(file->real, &size);
    free(file->synced);
    file->synced = malloc((size_t)size + 1);
    file->synced_len = (size_t)size;
    file->real->pMethods->xRead(file->real, file->synced, (int)size, 0);
    file->was_synced = true;
}

static int file_close(sqlite3_file *base)
{
    struct file *file = of(base);
    int rc = file->real->pMethods->xClose(file->real);

    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i] == file)
            files[i] = NULL;
    free(file->synced);
    free(file->path);
    return rc;
}

static int file_read(sqlite3_file *base, void *at, int n, sqlite3_int64 offset)
{
    if (turn(VFS_READ))
        return SQLITE_IOERR_READ;
    return of(base)->real->pMethods->xRead(of(base)->real, at, n, offset);
}

static int file_write(sqlite3_file *base, const void *at, int n, sqlite3_int64 offset)
{
    struct file *file = of(base);

    if (!turn(VFS_WRITE))
        return file->real->pMethods->xWrite(file->real, at, n, offset);
    if (is_late())
        file->real->pMethods->xWrite(file->real, at, n, offset);
    else if (n > 1) /* a part of it went */
        file->real->pMethods->xWrite(file->real, at, n / 2, offset);
    return code(SQLITE_IOERR_WRITE);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *file = of(base);
    bool fails = turn(VFS_CUT);
    int rc = fails && !is_late() ? SQLITE_OK : file->real->pMethods->xTruncate(file->real, size);

    return fails ? SQLITE_IOERR_TRUNCATE : rc;
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct file *file = of(base);
    bool fails = turn(VFS_SYNC);
    (void)flags;

    if (!fails || is_late()) /* what is remembered is what would be left; nothing is really synced */
        remember(file);
    return fails ? code(SQLITE_IOERR_FSYNC) : SQLITE_OK;
}

#define PASS(name, args, values)                        \
    static int file_##name args                         \
    {                                                   \
        sqlite3_file *real = of(base)->real;            \
        return real->pMethods->x##name values;          \
    }
PASS(FileSize, (sqlite3_file *base, sqlite3_int64 *size), (real, size))
PASS(Lock, (sqlite3_file *base, int level), (real, level))
PASS(Unlock, (sqlite3_file *base, int level), (real, level))
PASS(CheckReservedLock, (sqlite3_file *base, int *out), (real, out))
PASS(FileControl, (sqlite3_file *base, int op, void *arg), (real, op, arg))
PASS(SectorSize, (sqlite3_file *base), (real))
PASS(DeviceCharacteristics, (sqlite3_file *base), (real))

static const sqlite3_io_methods methods = {
    1, file_close, file_read, file_write, file_truncate, file_sync, file_FileSize, file_Lock, file_Unlock,
    file_CheckReservedLock, file_FileControl, file_SectorSize, file_DeviceCharacteristics,
    NULL, NULL, NULL, NULL, NULL, NULL, /* no shared memory: one process alone has it */
};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out)
{
    struct file *file = of(base);
    (void)vfs;

    memset(file, 0, sizeof *file);
    file->real = (sqlite3_file *)(file + 1);
    if (turn(VFS_OPEN))
        return SQLITE_CANTOPEN;
    int rc = real_vfs->xOpen(real_vfs, path, file->real, flags, out);
    if (rc != SQLITE_OK)
        return rc;
    base->pMethods = &methods;
    file->path = strdup(path ? path : "");
    if (flags & SQLITE_OPEN_MAIN_DB)
        remember(file); /* what is found was there before */
    for (size_t i = 0; i < FILES_MAX; i++)
        if (!files[i]) {
            files[i] = file;
            return rc;
        }
    abort();
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    (void)vfs;
    if (turn(VFS_DELETE))
        return SQLITE_IOERR_DELETE;
    return real_vfs->xDelete(real_vfs, path, sync);
}

/* Memory ------------------------------------------------------------------------------------------------------ */

struct block {
    _Alignas(16) size_t size;
};

static void *memory_malloc(int n)
{
    struct block *block = turn(VFS_MEMORY) ? NULL : malloc(sizeof *block + (size_t)n);

    if (!block)
        return NULL;
    block->size = (size_t)n;
    return block + 1;
}

static void memory_free(void *at)
{
    if (at)
        free((struct block *)at - 1);
}

static void *memory_realloc(void *at, int n)
{
    struct block *block = turn(VFS_MEMORY) ? NULL : realloc((struct block *)at - 1, sizeof *block + (size_t)n);

    if (!block)
        return NULL;
    block->size = (size_t)n;
    return block + 1;
}

static int memory_size(void *at)
{
    return at ? (int)((struct block *)at - 1)->size : 0;
}

static int memory_roundup(int n)
{
    return (n + 7) & ~7;
}

static int memory_init(void *of)
{
    (void)of;
    return SQLITE_OK;
}

static void memory_shutdown(void *of)
{
    (void)of;
}

void vfs_install(void)
{
    static sqlite3_mem_methods memory = { memory_malloc, memory_free, memory_realloc, memory_size,
                                          memory_roundup, memory_init, memory_shutdown, NULL };
    static sqlite3_vfs vfs;

    sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    sqlite3_initialize();
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "frail";
    vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    sqlite3_vfs_register(&vfs, 1);
}

void vfs_plan(unsigned what, enum vfs_how how, unsigned nth, uint64_t chance)
{
    memset(&plan, 0, sizeof plan);
    plan.what = what;
    plan.how = how;
    plan.nth = nth;
    plan.chance = chance;
}

bool vfs_happened(void)
{
    return plan.happened;
}

unsigned vfs_counted(void)
{
    return plan.counted;
}

unsigned vfs_open_files(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < FILES_MAX; i++)
        count += files[i] != NULL;
    return count;
}
