#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* Is that still the file at the path? Whoever forgets what is locked takes the file away. */
static bool is_there(int fd, const char *path)
{
    struct stat ours, theirs;

    return fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
           ours.st_dev == theirs.st_dev;
}

/* 1: taken; 0: another has it; -1 and errno. */
static int take(int fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return 1;
    return errno == EAGAIN || errno == EACCES ? 0 : -1;
}

bool lock_try(const char *path, struct lock *ret_lock, bool *ret_taken, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int taken = fd < 0 ? -1 : take(fd);

    if (taken < 0) {
        err_sys(err, ERR_CREATE, errno, "locking %s", path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (taken == 0 || !is_there(fd, path)) { /* gone in between: the next try makes it anew */
        close(fd);
        fd = -1;
    }
    *ret_lock = (struct lock){ fd };
    *ret_taken = fd >= 0;
    return true;
}

void lock_done(struct lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
}

bool lock_marked(const struct lock *lock)
{
    char mark = 0;

    return pread(lock->fd, &mark, 1, 0) == 1 && mark == '!';
}

void lock_mark(const struct lock *lock, bool on)
{
    const char mark = on ? '!' : '-';

    while (pwrite(lock->fd, &mark, 1, 0) < 0 && errno == EINTR)
        continue;
}
