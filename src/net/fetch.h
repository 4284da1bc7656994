/* One HTTPS request and its answer, on the loop. By libcurl, which is loaded at the first of them.
 *
 * Verified TLS always, 1.2 at least (see `plain` and `any_date` for the two who need less). Names are looked up by us and
 * handed over. Redirects are followed by hand: of a GET only, three at most, to https only, and to another host only
 * where the caller says so. No cookie is kept, and no cache. A line is: by the loop, for a minute, and for requests to the same
 * host and port with the same CA file, proxy and detour only; the second request costs one round trip, and
 * no lookup.
 */
#ifndef OUTPOST_NET_FETCH_H
#define OUTPOST_NET_FETCH_H

#include "base/buf.h"
#include "base/err.h"
#include "net/dial.h"

struct fetch;

enum { FETCH_BODY_MAX = 64 * 1024, FETCH_REDIRECTS_MAX = 3 };

/* A body too large for memory. Read from any place on, and not always only once. */
struct fetch_upload {
    uint64_t size;
    /* Fills up to `room` bytes from the place `at` on, one at least; all of it comes to `size`. May block on a
     * file. A failure ends the fetch with `err`. */
    bool (*read)(void *of, uint64_t at, char *into, size_t room, size_t *ret_len, struct err *err);
    void *of;
};

/* Everything in it is borrowed until `done` was called or the fetch was cancelled. */
struct fetch_plan {
    const char *url;            /* https://... */
    bool post;                  /* POST with `body`; else GET */
    struct span body;
    const struct fetch_upload *upload; /* in place of `body`; NULL: none */
    bool once; /* it changes something over there: see below */
    const char *const *headers; /* "Name: value" lines, NULL ends; NULL: none. No CR, no LF */
    struct resolver *resolver;
    struct dial_detours detours; /* --connect-to; a detour goes there directly, by no proxy */
    const char *ca_file;        /* as net/trust.h has it */
    const char *proxy;          /* http://[user:password@]host[:port], or socks5://host:port; NULL: none */
    size_t body_max;            /* of the answer; 0: FETCH_BODY_MAX */
    uint64_t deadline;          /* of loop_now(), for all of it, redirects too; UINT64_MAX: none */
    uint64_t quiet_ms;          /* patience for a connection, and for a line on which nothing moves; 0: none */
    /* The URL is somebody else's idea: no request to an address that is not on the public net, looked at
     * after the lookup; unless a detour leads there. Through a proxy, names are the proxy's to judge. */
    bool public_only;
    bool plain; /* http:// is good, too: for what proves itself, as a certificate does by its signature */
    /* A certificate may have any dates, all else of it holds: for who asks there what time it is, to know whether the
     * dates are wrong or the clock. A GET without a header and without a secret. */
    bool any_date;
    /* May a redirect lead to this host? NULL: to no other one. */
    bool (*may_follow)(void *who, const char *host);
};

/* `once`: a line that was kept may turn out to be dead when a request is on its way, and then it is asked
 * again on a new one - unless it says `once`. Then a request of which all has left without an answer is
 * ERR_UNKNOWN: it may have been obeyed. Any other failure means that it was not. */

struct fetch_headers;

struct fetch_answer {
    unsigned status; /* 200, 404, ...: any that came, but for a redirect that was followed */
    struct buf *body; /* for the callee to take or to leave; wiped */
    const char *url;  /* the one that answered in the end */
    const struct fetch_headers *headers; /* good until `done` returns */
};

/* "Retry-After", ASCII case aside, the last if there are several; at == NULL where there is none. */
struct span fetch_header(const struct fetch_headers *headers, const char *name);

/* Exactly one of `answer` and `err` is given. Facts: name:..., cert:..., tls:handshake,
 * https:unreachable. */
typedef void fetch_done(void *who, const struct fetch_answer *answer, const struct err *err);

/* `done` is called once, never from within this. On failure it is not. */
MUST_USE bool fetch_start(struct loop *loop, const struct fetch_plan *plan, fetch_done *done,
                          void *who, struct fetch **ret_fetch, struct err *err);
/* `done` is not called any more. NULL is nothing. */
void fetch_cancel(struct fetch *fetch);

#endif
