/* What may stand before a conversation: a load balancer's word of who calls (net/proxy_header.h), and, on a
 * port that serves both, a client that begins with TLS at once.
 *
 *     preamble_read(loop, stream, &plan, told, me, &preamble, &err)
 *         told(me, stream, &found)     once; then session_serve_from(..., found->early, ...)
 */
#ifndef OUTPOST_SESSION_PREAMBLE_H
#define OUTPOST_SESSION_PREAMBLE_H

#include "net/proxy_header.h"
#include "net/stream.h"

enum {
    PREAMBLE_PROXY_MS = 10 * 1000, /* for the balancer's word */
    PREAMBLE_TLS_MS = 500,         /* who begins with TLS has begun by then; others wait to be greeted */
};

struct preamble_plan {
    bool proxy; /* it must be there */
    bool maybe_tls;
};

struct preamble_found {
    struct proxy_header header; /* of a plan with `proxy` */
    bool tls_first;             /* of a plan with `maybe_tls` */
    struct span early;          /* what was read and belongs to the conversation; good for the call */
};

struct preamble;

/* Takes the stream in any case. `told` gets it, silent again; or NULL where the line ended, or no good header
 * came in time. Not told within this call. */
MUST_USE bool preamble_read(struct loop *loop, struct stream *stream, const struct preamble_plan *plan,
                            void (*told)(void *who, struct stream *stream, const struct preamble_found *found),
                            void *who, struct preamble **ret_preamble, struct err *err);
/* Before it is told: hangs up, and it never is. NULL is nothing. */
void preamble_free(struct preamble *preamble);
OWNED(preamble);

#endif
