#include "support/killer.h"

#include <stdint.h>
#include <unistd.h>

static void die_in_time(const struct disk *disk)
{
    struct killer *killer = (struct killer *)(void *)(uintptr_t)disk;

    if (killer->until && --killer->until == 0)
        _exit(KILLER_STATUS);
}

#define KILLED(call)                                                                           \
    die_in_time(disk);                                                                         \
    return disk_system.call

static int killed_open(const struct disk *disk, const char *path, int flags, mode_t mode)
{
    KILLED(open(disk, path, flags, mode));
}

static ssize_t killed_read(const struct disk *disk, int fd, void *at, size_t len)
{
    KILLED(read(disk, fd, at, len));
}

static ssize_t killed_write(const struct disk *disk, int fd, const void *at, size_t len)
{
    KILLED(write(disk, fd, at, len));
}

static int killed_sync(const struct disk *disk, int fd)
{
    KILLED(sync(disk, fd));
}

static int killed_close(const struct disk *disk, int fd)
{
    KILLED(close(disk, fd));
}

static int killed_stat(const struct disk *disk, int fd, struct stat *st)
{
    KILLED(stat(disk, fd, st));
}

static int killed_chmod(const struct disk *disk, int fd, mode_t mode)
{
    KILLED(chmod(disk, fd, mode));
}

static int killed_rename(const struct disk *disk, const char *from, const char *to)
{
    KILLED(rename(disk, from, to));
}

static int killed_link(const struct disk *disk, const char *from, const char *to)
{
    KILLED(link(disk, from, to));
}

static int killed_unlink(const struct disk *disk, const char *path)
{
    KILLED(unlink(disk, path));
}

static int killed_mkdir(const struct disk *disk, const char *path, mode_t mode)
{
    KILLED(mkdir(disk, path, mode));
}

void killer_init(struct killer *killer, unsigned nth)
{
    *killer = (struct killer){ disk_system, nth };
    killer->disk.open = killed_open;
    killer->disk.read = killed_read;
    killer->disk.write = killed_write;
    killer->disk.sync = killed_sync;
    killer->disk.close = killed_close;
    killer->disk.stat = killed_stat;
    killer->disk.chmod = killed_chmod;
    killer->disk.rename = killed_rename;
    killer->disk.link = killed_link;
    killer->disk.unlink = killed_unlink;
    killer->disk.mkdir = killed_mkdir;
}
