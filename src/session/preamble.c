#include "session/preamble.h"

#include "base/alloc.h"
#include "net/timer.h"

#include "base/banned.h"

enum { TLS_HANDSHAKE = 0x16 }; /* the first byte of a TLS conversation: RFC 8446, 5.1 */

struct preamble {
    struct loop *loop;
    struct stream *stream;
    struct timer *timer;
    struct preamble_plan plan;
    struct preamble_found found;
    bool has_header;
    struct buf read;
    void (*told)(void *who, struct stream *stream, const struct preamble_found *found);
    void *who;
};

void preamble_free(struct preamble *preamble)
{
    if (!preamble)
        return;
    stream_free(preamble->stream);
    timer_free(preamble->timer);
    buf_done(&preamble->read);
    mem_free(preamble);
}

/* The last thing a function does. */
static void tell(struct preamble *preamble, bool good)
{
    struct stream *stream = good ? GIVE(preamble->stream) : NULL;
    OWN(preamble) over = preamble;

    if (stream)
        stream_read(stream, false);
    over->found.early = span_from(buf_span(&over->read), over->found.header.len);
    over->told(over->who, stream, &over->found);
}

/* Is all known? The conversation's first byte tells, if there is one yet. */
static void decide(struct preamble *preamble)
{
    struct span rest;

    if (preamble->plan.proxy && !preamble->has_header) {
        enum proxy_verdict verdict = proxy_header_read(buf_span(&preamble->read), &preamble->found.header);
        if (verdict == PROXY_MORE)
            return;
        if (verdict == PROXY_NONE) {
            tell(preamble, false);
            return;
        }
        preamble->has_header = true;
        timer_set(preamble->timer, loop_now(preamble->loop) + PREAMBLE_TLS_MS);
    }
    rest = span_from(buf_span(&preamble->read), preamble->found.header.len);
    if (preamble->plan.maybe_tls && !rest.len)
        return;
    preamble->found.tls_first = preamble->plan.maybe_tls && *rest.at == TLS_HANDSHAKE;
    tell(preamble, true);
}

static void came(void *who, struct span bytes)
{
    struct preamble *preamble = who;

    buf_add_span(&preamble->read, bytes);
    if (preamble->read.full)
        tell(preamble, false);
    else
        decide(preamble);
}

static void ended(void *who, const struct err *why)
{
    (void)why;
    tell(who, false);
}

/* Who has not begun with TLS by now waits for our greeting; a balancer that said nothing is none. */
static void rang(void *who)
{
    struct preamble *preamble = who;

    tell(preamble, !preamble->plan.proxy || preamble->has_header);
}

bool preamble_read(struct loop *loop, struct stream *stream, const struct preamble_plan *plan,
                   void (*told)(void *who, struct stream *stream, const struct preamble_found *found),
                   void *who, struct preamble **ret_preamble, struct err *err)
{
    static const struct stream_events line = { came, NULL, ended };
    OWN(stream) taken = stream;
    OWN(preamble) preamble = NEW(preamble);

    if (!preamble || !(preamble->timer = timer_new(loop, rang, preamble)))
        return err_no_memory(err);
    preamble->loop = loop;
    preamble->plan = *plan;
    preamble->told = told;
    preamble->who = who;
    preamble->read = (struct buf)BUF(PROXY_HEADER_MAX + STREAM_READ_MAX);
    preamble->stream = GIVE(taken);
    timer_set(preamble->timer, loop_now(loop) + (plan->proxy ? PREAMBLE_PROXY_MS : PREAMBLE_TLS_MS));
    stream_on(preamble->stream, &line, preamble);
    *ret_preamble = GIVE(preamble);
    return true;
}
