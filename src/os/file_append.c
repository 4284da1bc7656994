/* Adding to a file that is not ours alone. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

static bool failed(struct err *err, enum err_kind kind, int sys, const char *path)
{
    HELD(buf) shown = BUF(PATH_MAX);

    str_printable(&shown, span_of(path), PATH_MAX / 8);
    err_sys(err, kind, sys, "adding to %s", buf_text(&shown));
    if (err && (sys == ENOSPC || sys == EDQUOT))
        err->fact = "disk:full";
    return false;
}

/* ---- NAME.lock ---- */

/* *ret_made: is it ours to take away? Where we may make no file, fcntl's lock must do. */
static bool lock_beside(const struct disk *disk, const char *lock, bool *ret_made, struct err *err)
{
    int fd = disk->open(disk, lock, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

    *ret_made = fd >= 0;
    if (fd >= 0)
        disk->close(disk, fd);
    if (fd >= 0 || errno == EACCES || errno == EPERM || errno == EROFS)
        return true;
    return failed(err, errno == EEXIST ? ERR_LATER : ERR_CREATE, errno, lock);
}

/* ---- the file ---- */

static bool check(const struct stat *st, int *ret_sys)
{
    *ret_sys = S_ISDIR(st->st_mode) ? EISDIR : !S_ISREG(st->st_mode) ? EINVAL : EMLINK;
    return S_ISREG(st->st_mode) && st->st_nlink == 1;
}

static bool write_all(const struct disk *disk, int fd, struct span bytes)
{
    while (bytes.len) {
        ssize_t n = disk->write(disk, fd, bytes.at, bytes.len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            bytes = span_from(bytes, (size_t)n);
    }
    return true;
}

/* What can't be added as a whole is taken back. */
static bool add(const struct disk *disk, int fd, struct span bytes, off_t before)
{
    if (write_all(disk, fd, bytes) && disk->sync(disk, fd) == 0)
        return true;
    int sys = errno;
    disk->truncate(disk, fd, before);
    errno = sys;
    return false;
}

static bool add_locked(const struct disk *disk, int fd, const char *path, struct span bytes, struct err *err)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct stat st;
    int sys;

    if (fcntl(fd, F_OFD_SETLK, &whole) < 0)
        return failed(err, errno == EAGAIN || errno == EACCES ? ERR_LATER : ERR_CREATE, errno, path);
    if (disk->stat(disk, fd, &st) < 0)
        return failed(err, ERR_CREATE, errno, path);
    if (!check(&st, &sys))
        return failed(err, ERR_CREATE, sys, path);
    return add(disk, fd, bytes, st.st_size) || failed(err, ERR_IO, errno, path);
}

static bool open_and_add(const struct disk *disk, const char *path, struct span bytes, mode_t mode,
                         struct err *err)
{
    int fd = disk->open(disk, path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode);

    if (fd < 0)
        return failed(err, ERR_CREATE, errno, path);
    bool ok = add_locked(disk, fd, path, bytes, err);
    if (disk->close(disk, fd) < 0 && ok)
        ok = failed(err, ERR_IO, errno, path);
    return ok;
}

bool file_append(const struct disk *disk, const char *path, struct span bytes, mode_t mode,
                 struct err *err)
{
    HELD(buf) lock = BUF(PATH_MAX);
    bool made_lock;

    buf_addf(&lock, "%s.lock", path);
    if (lock.full)
        return failed(err, ERR_CREATE, ENAMETOOLONG, path);
    if (!lock_beside(disk, buf_text(&lock), &made_lock, err))
        return false;
    bool ok = open_and_add(disk, path, bytes, mode, err);
    if (made_lock)
        disk->unlink(disk, buf_text(&lock));
    return ok;
}
