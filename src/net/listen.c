#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "net/host.h"
#include "net/stream_int.h"
#include "net/unix_path.h"

#include "base/banned.h"

enum {
    LISTEN_MAGIC = 0x6c697374,
    BACKLOG = 4096, /* the system cuts it to its own limit */
    RETRY_MS = 100, /* for a caller who found no memory */
    PORT_TRIES = 16, /* for a port that is free on both loopback addresses */
    UNIX_MODE = 0600,
};

struct listener {
    uint32_t magic;
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle;
    uv_timer_t retry;
    struct loop *loop;
    struct unix_path path; /* libuv takes the file away by this name */
    bool is_unix, paused, waits; /* waits: somebody is at the door */
    unsigned handles;
    struct listener *other; /* ::1 where this is 127.0.0.1 */
    void (*came)(void *who, struct stream *stream);
    void *who;
};

static void on_retry(uv_timer_t *retry);

/* libuv keeps the caller, and asks the system for no other, until he is accepted. */
static void open_door(struct listener *listener)
{
    if (listener->paused || !listener->waits)
        return;
    struct stream *stream = stream_new(listener->loop, listener->is_unix);
    if (!stream) {
        uv_timer_start(&listener->retry, on_retry, RETRY_MS, 0);
        return;
    }
    listener->waits = false;
    if (uv_accept(&listener->handle.stream, &stream->handle.stream) != 0) {
        stream_free(stream);
        return;
    }
    stream_connected(stream);
    listener->came(listener->who, stream);
}

static void on_retry(uv_timer_t *retry)
{
    open_door(OBJ(listener, LISTEN_MAGIC, retry->data));
}

static void on_caller(uv_stream_t *handle, int status)
{
    struct listener *listener = OBJ(listener, LISTEN_MAGIC, handle->data);

    if (status < 0)
        return;
    listener->waits = true;
    open_door(listener);
}

static bool failed(struct err *err, int sys, const char *where, unsigned port)
{
    if (port)
        err_sys(err, ERR_IO, sys, "listening on %s port %u", where, port);
    else
        err_sys(err, ERR_IO, sys, "listening on %s", where);
    if (err)
        err->fact = "listen:failed";
    return false;
}

static bool bind_tcp(struct listener *listener, const struct listen_plan *plan, struct err *err)
{
    struct sockaddr_storage address;
    struct ip ip;

    if (!ip_parse(span_of(plan->address), &ip))
        return err_set(err, ERR_CONFIG, "\"%.100s\" is not an IP address to listen on",
                       plan->address ? plan->address : "");
    ip_to_sockaddr(ip, plan->port, &address);
    int bad = uv_tcp_bind(&listener->handle.tcp, (struct sockaddr *)&address, 0);
    return bad == 0 || failed(err, loop_errno(bad), plan->address, plan->port);
}

/* A socket left behind by a process that is gone: nobody answers it. */
static void remove_stale(const struct unix_path *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat about;

    if (lstat(path->name, &about) != 0 || !S_ISSOCK(about.st_mode))
        return;
    memcpy(address.sun_path, path->name, sizeof path->name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED)
        unlink(path->name);
    close(fd);
}

_Static_assert(UNIX_PATH_MAX + 1 == sizeof((struct sockaddr_un *)NULL)->sun_path, "the system's room for a name");

/* Nobody can connect before it listens, so its mode is in time. */
static bool bind_unix(struct listener *listener, const struct listen_plan *plan, struct err *err)
{
    mode_t mode = plan->unix_mode ? plan->unix_mode : UNIX_MODE;

    if (!unix_path_open(plan->unix_path, &listener->path, err))
        return false;
    remove_stale(&listener->path);
    int bad = uv_pipe_bind(&listener->handle.pipe, listener->path.name);
    if (bad)
        return failed(err, loop_errno(bad), plan->unix_path, 0);
    if (chmod(listener->path.name, mode) != 0)
        return err_sys(err, ERR_IO, errno, "setting the mode of %s", plan->unix_path);
    return true;
}

static bool inherit(struct listener *listener, int fd, struct err *err)
{
    int bad = listener->is_unix ? uv_pipe_open(&listener->handle.pipe, fd)
                                : uv_tcp_open(&listener->handle.tcp, fd);

    return bad == 0 || err_sys(err, ERR_IO, loop_errno(bad), "taking over a listening socket");
}

static bool bind_any(struct listener *listener, const struct listen_plan *plan, struct err *err)
{
    if (plan->inherited)
        return inherit(listener, plan->inherited, err);
    if (plan->unix_path)
        return bind_unix(listener, plan, err);
    return bind_tcp(listener, plan, err);
}

static struct listener *listener_new(struct loop *loop, bool is_unix)
{
    struct listener *listener = NEW(listener);

    if (!listener)
        return NULL;
    listener->magic = LISTEN_MAGIC;
    listener->loop = loop;
    listener->is_unix = is_unix;
    listener->path.folder = -1;
    if (is_unix)
        uv_pipe_init(loop_uv(loop), &listener->handle.pipe, 0);
    else
        uv_tcp_init(loop_uv(loop), &listener->handle.tcp);
    uv_timer_init(loop_uv(loop), &listener->retry);
    listener->handle.any.data = listener->retry.data = listener;
    listener->handles = 2;
    return listener;
}

static bool open_one(struct loop *loop, const struct listen_plan *plan,
                     void (*came)(void *who, struct stream *stream), void *who,
                     struct listener **ret_listener, struct err *err)
{
    bool is_unix = plan->inherited ? uv_guess_handle(plan->inherited) == UV_NAMED_PIPE
                                   : plan->unix_path != NULL;
    OWN(listener) listener = listener_new(loop, is_unix);

    if (!listener)
        return err_no_memory(err);
    listener->came = came;
    listener->who = who;
    if (!bind_any(listener, plan, err))
        return false;
    int bad = uv_listen(&listener->handle.stream, BACKLOG, on_caller);
    if (bad)
        return failed(err, loop_errno(bad),
                      plan->unix_path ? plan->unix_path
                      : plan->address ? plan->address
                                      : "a socket handed over",
                      is_unix ? 0 : plan->port);
    *ret_listener = GIVE(listener);
    return true;
}

static bool open_both(struct loop *loop, const struct listen_plan *plan,
                      void (*came)(void *who, struct stream *stream), void *who,
                      struct listener **ret_listener, struct err *err)
{
    struct listen_plan one = { .address = "127.0.0.1", .port = plan->port };
    struct err sixth = { 0 };
    OWN(listener) listener = NULL;

    if (!open_one(loop, &one, came, who, &listener, err))
        return false;
    one = (struct listen_plan){ .address = "::1", .port = listener_port(listener) };
    if (!open_one(loop, &one, came, who, &listener->other, &sixth) && sixth.sys != EADDRNOTAVAIL &&
        sixth.sys != EAFNOSUPPORT) {
        if (err)
            *err = sixth;
        return false;
    }
    *ret_listener = GIVE(listener);
    return true;
}

static bool open_everywhere(struct loop *loop, const struct listen_plan *plan,
                            void (*came)(void *who, struct stream *stream), void *who,
                            struct listener **ret_listener, struct err *err)
{
    struct listen_plan one = { .address = "::", .port = plan->port };
    struct err why = { 0 };

    if (open_one(loop, &one, came, who, ret_listener, &why))
        return true;
    if (why.sys == EAFNOSUPPORT || why.sys == EADDRNOTAVAIL) {
        one.address = "0.0.0.0";
        return open_one(loop, &one, came, who, ret_listener, err);
    }
    if (err)
        *err = why;
    return false;
}

bool listen_open(struct loop *loop, const struct listen_plan *plan,
                 void (*came)(void *who, struct stream *stream), void *who,
                 struct listener **ret_listener, struct err *err)
{
    if (plan->address && strcmp(plan->address, LISTEN_EVERYWHERE) == 0)
        return open_everywhere(loop, plan, came, who, ret_listener, err);
    if (!plan->address || strcmp(plan->address, LISTEN_LOOPBACK) != 0)
        return open_one(loop, plan, came, who, ret_listener, err);
    for (unsigned tries = plan->port ? 1 : PORT_TRIES; tries; tries--)
        if (open_both(loop, plan, came, who, ret_listener, err))
            return true;
    return false;
}

uint16_t listener_port(const struct listener *listener)
{
    struct sockaddr_in6 address;
    int len = sizeof address;

    if (listener->is_unix ||
        uv_tcp_getsockname(&listener->handle.tcp, (struct sockaddr *)&address, &len) != 0)
        return 0;
    return ntohs(address.sin6_port); /* where IPv4's is, too */
}

void listener_pause(struct listener *listener, bool paused)
{
    listener->paused = paused;
    open_door(listener);
    if (listener->other)
        listener_pause(listener->other, paused);
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *listener = OBJ(listener, LISTEN_MAGIC, handle->data);

    if (--listener->handles)
        return;
    OBJ_GONE(listener);
    mem_free(listener);
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    listener_free(listener->other);
    uv_close(&listener->handle.any, on_closed);
    unix_path_done(&listener->path);
    uv_close((uv_handle_t *)&listener->retry, on_closed);
}
