/* The disk as a door: the system calls that os/file makes, so that a test can let the nth one fail, or
 * every write be short. Each answers as its namesake in the system does: -1 and errno.
 */
#ifndef OUTPOST_OS_DISK_H
#define OUTPOST_OS_DISK_H

#include <sys/stat.h>
#include <sys/types.h>

struct disk {
    int (*open)(const struct disk *, const char *path, int flags, mode_t mode);
    ssize_t (*read)(const struct disk *, int fd, void *at, size_t len);
    ssize_t (*write)(const struct disk *, int fd, const void *at, size_t len);
    int (*sync)(const struct disk *, int fd);
    int (*truncate)(const struct disk *, int fd, off_t len);
    int (*close)(const struct disk *, int fd);
    int (*stat)(const struct disk *, int fd, struct stat *ret_stat);
    int (*chmod)(const struct disk *, int fd, mode_t mode);
    int (*chown)(const struct disk *, int fd, uid_t owner, gid_t group);
    int (*rename)(const struct disk *, const char *from, const char *to);
    int (*link)(const struct disk *, const char *from, const char *to);
    int (*unlink)(const struct disk *, const char *path);
    int (*mkdir)(const struct disk *, const char *path, mode_t mode);
    int (*memory)(const struct disk *); /* memfd_create(): a file that is nowhere but in memory */
};

extern const struct disk disk_system;

#endif
