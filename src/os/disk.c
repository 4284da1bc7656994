#include "os/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/banned.h"

static int system_open(const struct disk *disk, const char *path, int flags, mode_t mode)
{
    (void)disk;
    return open(path, flags | O_CLOEXEC, mode);
}

static ssize_t system_read(const struct disk *disk, int fd, void *at, size_t len)
{
    (void)disk;
    return read(fd, at, len);
}

static ssize_t system_write(const struct disk *disk, int fd, const void *at, size_t len)
{
    (void)disk;
    return write(fd, at, len);
}

static int system_sync(const struct disk *disk, int fd)
{
    (void)disk;
    return fsync(fd);
}

static int system_truncate(const struct disk *disk, int fd, off_t len)
{
    (void)disk;
    return ftruncate(fd, len);
}

static int system_close(const struct disk *disk, int fd)
{
    (void)disk;
    return close(fd);
}

static int system_stat(const struct disk *disk, int fd, struct stat *ret_stat)
{
    (void)disk;
    return fstat(fd, ret_stat);
}

static int system_chmod(const struct disk *disk, int fd, mode_t mode)
{
    (void)disk;
    return fchmod(fd, mode);
}

static int system_chown(const struct disk *disk, int fd, uid_t owner, gid_t group)
{
    (void)disk;
    return fchown(fd, owner, group);
}

static int system_rename(const struct disk *disk, const char *from, const char *to)
{
    (void)disk;
    return rename(from, to);
}

static int system_link(const struct disk *disk, const char *from, const char *to)
{
    (void)disk;
    return link(from, to);
}

static int system_unlink(const struct disk *disk, const char *path)
{
    (void)disk;
    return unlink(path);
}

static int system_mkdir(const struct disk *disk, const char *path, mode_t mode)
{
    (void)disk;
    return mkdir(path, mode);
}

static int system_memory(const struct disk *disk)
{
    (void)disk;
    return memfd_create("outpost", MFD_CLOEXEC);
}

const struct disk disk_system = {
    .open = system_open,
    .read = system_read,
    .write = system_write,
    .sync = system_sync,
    .truncate = system_truncate,
    .close = system_close,
    .stat = system_stat,
    .chmod = system_chmod,
    .chown = system_chown,
    .rename = system_rename,
    .link = system_link,
    .unlink = system_unlink,
    .mkdir = system_mkdir,
    .memory = system_memory,
};
