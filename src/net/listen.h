/* A place where peers knock: an IP address and a port, both loopback addresses, all addresses there are, a Unix
 * socket, or a socket that systemd hands over (net/activation.h). Each caller becomes a stream. How many are too
 * many is the caller's to say (a mail server says 421 to them); listener_pause() leaves them waiting at the door.
 * "::" takes IPv4 callers, too: they come as ::ffff:192.0.2.1, which net/host.h takes for what it is.
 */
#ifndef OUTPOST_NET_LISTEN_H
#define OUTPOST_NET_LISTEN_H

#include "net/stream.h"

struct listener;

/* 127.0.0.1 and ::1, on one port; the first alone where there is no IPv6. */
#define LISTEN_LOOPBACK "loopback"

/* Every address, of both families; of IPv4 alone where there is no IPv6. */
#define LISTEN_EVERYWHERE "everywhere"

struct listen_plan {
    const char *address;   /* "127.0.0.1", "::", LISTEN_LOOPBACK, LISTEN_EVERYWHERE, or NULL */
    uint16_t port;         /* 0: any that is free; see listener_port() */
    const char *unix_path; /* or this, of any length: a stale socket there is replaced */
    unsigned unix_mode;    /* of the socket file; 0: 0600 */
    int inherited;         /* or a listening descriptor that is ours from now on; 0: none */
};

/* `came` gets each caller: the stream is its to free, and silent until stream_on(). */
MUST_USE bool listen_open(struct loop *loop, const struct listen_plan *plan,
                          void (*came)(void *who, struct stream *stream), void *who,
                          struct listener **ret_listener, struct err *err);

uint16_t listener_port(const struct listener *listener); /* 0 for a Unix socket */
void listener_pause(struct listener *listener, bool paused);

/* The Unix socket's file goes with it. Streams that came stay. */
void listener_free(struct listener *listener);
OWNED(listener);

#endif
