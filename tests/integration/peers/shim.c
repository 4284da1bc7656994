/* A shim before the system's calls, for LD_PRELOAD: makes them behave as they rarely do, but may.
 *
 *   SHIM_SHORT=1   a read or write of a file, a pipe or a socket moves one byte, and every second one is
 *                  interrupted (EINTR), as is every second wait
 *   SHIM_KILL=N    the Nth call that changes what is on the disk does not take place: the process is killed
 *                  (SIGKILL) where it would have begun
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static long number_of(const char *variable)
{
    const char *text = getenv(variable);

    return text ? strtol(text, NULL, 10) : 0;
}

/* ---- short and interrupted ---- */

static __thread unsigned calls;

/* A child's output comes by a socket of the Unix domain. When its other end is closed, libuv takes a read that
 * was not filled for the last of it: the kernel hands out all there is, and never a byte of it. */
static int is_unix(int fd)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;

    return getsockname(fd, (struct sockaddr *)&name, &len) == 0 && name.ss_family == AF_UNIX;
}

/* Small writes to a pipe are whole or not at all (POSIX, write()), and libuv's own pipes are built on that: of
 * pipes only standard input, where nobody knows who writes. */
static int is_moved(int fd, int out)
{
    struct stat about;
    int saved = errno;
    int moved = fstat(fd, &about) == 0 &&
                (S_ISREG(about.st_mode) || (S_ISSOCK(about.st_mode) && (out || !is_unix(fd))) ||
                 (S_ISFIFO(about.st_mode) && !out && fd == STDIN_FILENO));

    errno = saved;
    return moved;
}

enum { IN, OUT };

/* How many bytes may move now; -1: it is interrupted. */
static ssize_t allowed(int fd, size_t len, int out)
{
    if (!len || !number_of("SHIM_SHORT") || !is_moved(fd, out))
        return (ssize_t)len;
    if (calls++ % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return 1;
}

ssize_t read(int fd, void *into, size_t len)
{
    ssize_t most = allowed(fd, len, IN);
    return most < 0 ? -1 : REAL(read)(fd, into, (size_t)most);
}

ssize_t __read_chk(int fd, void *into, size_t len, size_t room)
{
    (void)room;
    return read(fd, into, len);
}

ssize_t pread64(int fd, void *into, size_t len, off64_t at)
{
    ssize_t most = allowed(fd, len, IN);
    return most < 0 ? -1 : REAL(pread64)(fd, into, (size_t)most, at);
}

ssize_t pread(int fd, void *into, size_t len, off_t at)
{
    return pread64(fd, into, len, at);
}

ssize_t __pread64_chk(int fd, void *into, size_t len, off64_t at, size_t room)
{
    (void)room;
    return pread64(fd, into, len, at);
}

ssize_t write(int fd, const void *from, size_t len)
{
    ssize_t most = allowed(fd, len, OUT);
    return most < 0 ? -1 : REAL(write)(fd, from, (size_t)most);
}

ssize_t recv(int fd, void *into, size_t len, int flags)
{
    ssize_t most = allowed(fd, len, IN);
    return most < 0 ? -1 : REAL(recv)(fd, into, (size_t)most, flags);
}

ssize_t send(int fd, const void *from, size_t len, int flags)
{
    ssize_t most = allowed(fd, len, OUT);
    return most < 0 ? -1 : REAL(send)(fd, from, (size_t)most, flags);
}

/* One piece of many, the first that is not empty. */
static ssize_t move_one(int fd, const struct iovec *pieces, int count, int out,
                        ssize_t (*move)(int fd, const struct iovec *pieces, int count))
{
    int at = 0;
    while (at < count && !pieces[at].iov_len)
        at++;
    ssize_t most = at < count ? allowed(fd, pieces[at].iov_len, out) : 0;
    if (most < 0)
        return -1;
    if (at == count || (size_t)most == pieces[at].iov_len)
        return move(fd, pieces, count);
    struct iovec one = { pieces[at].iov_base, (size_t)most };
    return move(fd, &one, 1);
}

ssize_t readv(int fd, const struct iovec *pieces, int count)
{
    return move_one(fd, pieces, count, IN, REAL(readv));
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    return move_one(fd, pieces, count, OUT, REAL(writev));
}

int epoll_pwait(int fd, struct epoll_event *events, int most, int ms, const sigset_t *signals)
{
    if (number_of("SHIM_SHORT") && calls++ % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return REAL(epoll_pwait)(fd, events, most, ms, signals);
}

/* ---- killed ---- */

static void count_down(void)
{
    static long left = -1;

    if (left < 0)
        left = number_of("SHIM_KILL");
    if (left > 0 && --left == 0)
        kill(getpid(), SIGKILL);
}

#define CHANGES(result, name, parameters, arguments) \
    result name parameters                           \
    {                                                \
        count_down();                                \
        return REAL(name) arguments;                 \
    }

CHANGES(int, rename, (const char *from, const char *to), (from, to))
CHANGES(int, link, (const char *from, const char *to), (from, to))
CHANGES(int, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags))
CHANGES(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
CHANGES(int, unlink, (const char *path), (path))
CHANGES(int, unlinkat, (int at, const char *path, int flags), (at, path, flags))
CHANGES(int, mkdir, (const char *path, mode_t mode), (path, mode))
CHANGES(int, fsync, (int fd), (fd))
CHANGES(int, fdatasync, (int fd), (fd))
