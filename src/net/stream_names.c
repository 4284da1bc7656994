/* Who is at the two ends of a stream, and what its socket is told and asked. */
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/stream_int.h"

#include "base/banned.h"

enum { KEEPALIVE_SECONDS = 60 };

static void show_address(const struct sockaddr *address, char into[STREAM_NAME_MAX])
{
    const struct sockaddr_in6 *v6 = (const void *)address;
    bool is_v6 = address->sa_family == AF_INET6;
    char ip[INET6_ADDRSTRLEN];

    if (uv_ip_name(address, ip, sizeof ip) == 0)
        snprintf(into, STREAM_NAME_MAX, is_v6 ? "[%s]:%u" : "%s:%u", ip,
                 (unsigned)ntohs(v6->sin6_port));
}

static bool is_loopback(const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    if (address->sa_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
}

void stream_connected(struct stream *stream)
{
    struct sockaddr_storage address = { 0 };
    struct sockaddr *any = (struct sockaddr *)&address;
    int len = sizeof address;

    if (stream->is_unix) {
        snprintf(stream->peer, sizeof stream->peer, "unix");
        snprintf(stream->local, sizeof stream->local, "unix");
        stream->loopback = true;
        return;
    }
    uv_tcp_nodelay(&stream->handle.tcp, 1);
    uv_tcp_keepalive(&stream->handle.tcp, 1, KEEPALIVE_SECONDS);
    if (uv_tcp_getpeername(&stream->handle.tcp, any, &len) == 0) {
        show_address(any, stream->peer);
        stream->loopback = is_loopback(any);
    }
    len = sizeof address;
    if (uv_tcp_getsockname(&stream->handle.tcp, any, &len) == 0)
        show_address(any, stream->local);
}

const char *stream_peer(const struct stream *stream)
{
    return stream->peer;
}

const char *stream_local(const struct stream *stream)
{
    return stream->local;
}

bool stream_is_loopback(const struct stream *stream)
{
    return stream->loopback;
}

static bool ip_of(const struct stream *stream, int (*name)(const uv_tcp_t *, struct sockaddr *, int *),
                  struct ip *ret_ip)
{
    struct sockaddr_storage address = { 0 };
    int len = sizeof address;

    return !stream->is_unix && name(&stream->handle.tcp, (struct sockaddr *)&address, &len) == 0 &&
           ip_from_sockaddr((const struct sockaddr *)&address, ret_ip);
}

bool stream_peer_ip(const struct stream *stream, struct ip *ret_ip)
{
    return ip_of(stream, uv_tcp_getpeername, ret_ip);
}

bool stream_own_ip(const struct stream *stream, struct ip *ret_ip)
{
    return ip_of(stream, uv_tcp_getsockname, ret_ip);
}

bool stream_peer_user(const struct stream *stream, uint32_t *ret_uid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    uv_os_fd_t fd;

    if (!stream->is_unix || uv_fileno(&stream->handle.any, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    *ret_uid = peer.uid;
    return true;
}

uint64_t stream_arrived(const struct stream *stream)
{
    uint64_t sent = stream_sent(stream);
    int waits = 0;
    uv_os_fd_t fd;

    if (uv_fileno(&stream->handle.any, &fd) != 0 || ioctl(fd, SIOCOUTQ, &waits) != 0 || waits < 0)
        return sent;
    return (uint64_t)waits < sent ? sent - (uint64_t)waits : 0;
}

bool stream_hung_up(const struct stream *stream)
{
    struct pollfd one = { .events = POLLRDHUP };

    return uv_fileno(&stream->handle.any, &one.fd) != 0 || poll(&one, 1, 0) != 0;
}
