/* Calls a server by name: finds its addresses, tries them as RFC 8305 says (families taken in turns,
 * the next one when the last has not answered within 250 ms, the first that answers wins), and
 * remembers how each try went, for that is what a diagnosis needs.
 */
#ifndef OUTPOST_NET_DIAL_H
#define OUTPOST_NET_DIAL_H

#include "net/host.h"
#include "net/stream.h"

/* ---- other ways: --connect-to HOST:PORT:HOST2:PORT2 ---- */

enum { DIAL_HOST_MAX = 256 };

/* "Who wants HOST:PORT goes to HOST2:PORT2", with curl's meaning: an empty HOST or PORT is any, an
 * empty HOST2 or PORT2 leaves it as it is; IPv6 addresses in brackets. */
struct dial_detour {
    char host[DIAL_HOST_MAX], to_host[DIAL_HOST_MAX];
    uint16_t port, to_port; /* 0: empty */
};

MUST_USE bool dial_detour_parse(struct span text, struct dial_detour *ret_detour, struct err *err);

struct dial_detours {
    const struct dial_detour *at;
    size_t count;
};

/* Where host:port leads: the first detour that fits changes them; both are left as they are when none
 * does. *host stays borrowed, from the caller or from the detours. */
void dial_detour_follow(struct dial_detours detours, const char **host, uint16_t *port);

/* ---- the call ---- */

struct resolver;

struct dial_plan {
    const char *host; /* a name, an IP address, or a Unix socket's path that begins with '/' */
    uint16_t port;
    struct dial_detours detours;
    /* "socks5://HOST:PORT": the line goes through this proxy, which looks up the host's name itself; NULL: none.
     * A detour goes there directly, and so does a Unix socket. */
    const char *proxy;
    struct resolver *resolver;  /* finds the addresses (net/resolve.h); outlives the call */
    const char *source_address; /* our own end, an IP address; NULL: the system's choice */
    uint64_t deadline;          /* of loop_now(), for all of it; UINT64_MAX: none */
    bool short_packets; /* none longer than any network must carry, either way: where long ones get lost, it works so */
};

struct dial_attempt {
    struct ip ip;
    uint16_t port;
    uint64_t ms;      /* how long it took to succeed, fail, or be given up */
    const char *fact; /* NULL: answered; "connect:refused" ... ; "" given up, another was faster */
    int sys;          /* errno, or 0 */
};

struct dial;

/* `done` is told once, never from within dial_start(): a stream that is the callee's to free, or NULL
 * and why: facts name:..., connect:..., proxy:.... The plan's texts need last only for
 * the call. A line through a proxy is not within this machine, wherever the proxy is (stream_is_loopback). */
MUST_USE bool dial_start(struct loop *loop, const struct dial_plan *plan,
                         void (*done)(void *who, struct stream *stream, const struct err *why),
                         void *who, struct dial **ret_dial, struct err *err);

/* How it went so far, in the order tried (with a proxy: to that); good until the dial is freed or moves on. */
const struct dial_attempt *dial_attempts(const struct dial *dial, size_t *ret_count);

/* Before `done`: hangs up, and `done` is never told. */
void dial_free(struct dial *dial);
OWNED(dial);

#endif
