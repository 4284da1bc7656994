#include "net/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

#include "base/banned.h"

/* Names stand between colons, one for each socket, in their order. */
static bool read_names(struct span names, struct activation *activation, struct err *err)
{
    struct span name;

    for (size_t i = 0; i < activation->count && span_split(&names, ':', &name); i++) {
        if (name.len >= ACTIVATION_NAME_MAX)
            return err_set(err, ERR_CONFIG, "$LISTEN_FDNAMES: a name has more than %d bytes",
                           ACTIVATION_NAME_MAX - 1);
        if (name.len)
            memcpy(activation->sockets[i].name, name.at, name.len);
    }
    return true;
}

bool activation_parse(const char *listen_pid, const char *listen_fds, const char *names, unsigned pid,
                      struct activation *ret_activation, struct err *err)
{
    struct activation activation = { 0 };
    uint64_t number, count;

    *ret_activation = activation;
    if (!listen_pid || !listen_fds || !str_to_u64(span_of(listen_pid), 1, UINT32_MAX, &number) || number != pid)
        return true;
    if (!str_to_u64(span_of(listen_fds), 0, ACTIVATION_MAX, &count))
        return err_set(err, ERR_CONFIG, "$LISTEN_FDS: a number up to %d is wanted", ACTIVATION_MAX);
    activation.count = (size_t)count;
    for (size_t i = 0; i < activation.count; i++)
        activation.sockets[i].fd = ACTIVATION_FIRST + (int)i;
    if (!read_names(span_of(names), &activation, err))
        return false;
    *ret_activation = activation;
    return true;
}

static bool is_listening(int fd)
{
    int listens = 0;
    socklen_t len = sizeof listens;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens;
}

/* Ours alone, and never one to block on. */
static bool prepare(int fd, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);

    if (!is_listening(fd))
        return err_set(err, ERR_CONFIG, "what was handed over as descriptor %d is no listening socket", fd);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_sys(err, ERR_INTERNAL, errno, "descriptor %d", fd);
    return true;
}

bool activation_take(struct activation *ret_activation, struct err *err)
{
    bool good = activation_parse(secure_getenv("LISTEN_PID"), secure_getenv("LISTEN_FDS"),
                                 secure_getenv("LISTEN_FDNAMES"), (unsigned)getpid(), ret_activation, err);

    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    for (size_t i = 0; good && i < ret_activation->count; i++)
        good = prepare(ret_activation->sockets[i].fd, err);
    return good;
}

int activation_next(struct activation *activation, const char *name)
{
    for (size_t i = 0; i < activation->count; i++) {
        struct activation_socket *socket = &activation->sockets[i];
        int fd = socket->fd;
        if (!fd || strcmp(socket->name, name) != 0)
            continue;
        socket->fd = 0;
        return fd;
    }
    return 0;
}

size_t activation_close(struct activation *activation)
{
    size_t closed = 0;

    for (size_t i = 0; i < activation->count; i++) {
        if (!activation->sockets[i].fd)
            continue;
        close(activation->sockets[i].fd);
        activation->sockets[i].fd = 0;
        closed++;
    }
    return closed;
}
