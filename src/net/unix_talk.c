#include "net/unix_talk.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/unix_path.h"
#include "os/clock.h"

#include "base/banned.h"

enum { LOOK_FIRST_US = 20, LOOK_LAST_US = 20 * 1000 };

static bool failed(struct err *err, const char *what)
{
    int sys = errno;

    err_sys(err, ERR_LATER, sys, "%s", what);
    if (err)
        err->fact = "daemon:unreachable";
    return false;
}

static bool too_late(struct err *err)
{
    return err_found(err, ERR_LATER, "daemon:unreachable", "the outpost that runs here does not answer");
}

bool unix_talk_open(const char *path, int *ret_talk, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct unix_path name;

    if (!unix_path_open(path, &name, err)) {
        if (err)
            err->kind = ERR_LATER;
        return false;
    }
    memcpy(address.sun_path, name.name, sizeof name.name);
    int talk = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = talk >= 0 && connect(talk, (struct sockaddr *)&address, sizeof address) == 0;
    if (!good) {
        failed(err, path);
        if (talk >= 0)
            close(talk);
    }
    unix_path_done(&name);
    if (good)
        *ret_talk = talk;
    return good;
}

/* Waits for one of these events: 0 where none came in time. */
static short wait_for(int talk, short events, uint64_t until)
{
    struct pollfd one = { .fd = talk, .events = events };

    for (;;) {
        uint64_t now = clock_now(&clock_system);
        uint64_t left = until > now ? until - now : 0;
        int found = poll(&one, 1, left > 60000 ? 60000 : (int)left);
        if (found > 0)
            return one.revents;
        if (found == 0 && clock_now(&clock_system) >= until)
            return 0;
    }
}

bool unix_talk_say(int talk, struct span bytes, uint64_t until, struct err *err)
{
    while (bytes.len) {
        ssize_t sent = send(talk, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent >= 0)
            bytes = span_from(bytes, (size_t)sent);
        else if (errno == EAGAIN && !wait_for(talk, POLLOUT, until))
            return too_late(err);
        else if (errno != EAGAIN && errno != EINTR)
            return failed(err, "handing over");
    }
    return true;
}

/* The system counts what lies between us and the reader, and tells nobody when it changes: so we look, seldomer and
 * seldomer. */
bool unix_talk_heard(int talk, uint64_t until, struct err *err)
{
    struct pollfd one = { .fd = talk, .events = POLLIN };
    int unread = 0;
    char byte;

    for (long us = LOOK_FIRST_US;; us = us < LOOK_LAST_US ? us * 2 : us) {
        const struct timespec pause = { .tv_nsec = us * 1000 };
        if (ioctl(talk, SIOCOUTQ, &unread) != 0)
            return failed(err, "handing over");
        if (!unread || ppoll(&one, 1, &pause, NULL) > 0) {
            ssize_t said = recv(talk, &byte, 1, MSG_PEEK);
            return said > 0 || (said < 0 && errno == EAGAIN) ||
                   err_found(err, ERR_LATER, "daemon:unreachable", "the outpost that runs here hung up");
        }
        if (clock_now(&clock_system) >= until)
            return too_late(err);
    }
}

bool unix_talk_listen(int talk, char *into, size_t room, uint64_t until, size_t *ret_len, struct err *err)
{
    for (;;) {
        ssize_t came = recv(talk, into, room, 0);
        if (came >= 0 || errno == ECONNRESET) {
            *ret_len = came > 0 ? (size_t)came : 0;
            return true;
        }
        if (errno == EAGAIN && !wait_for(talk, POLLIN, until))
            return too_late(err);
        if (errno != EAGAIN && errno != EINTR)
            return failed(err, "listening");
    }
}
