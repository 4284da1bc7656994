/* What the ways out share, and nobody else sees: a kind is a row, and tells what happens through the
 * functions below.
 *
 *     transport.c          the face: which kind, and what is told when
 *     transport_smtp.c     submission, with smtp_message.c
 */
#ifndef OUTPOST_RELAY_TRANSPORT_INT_H
#define OUTPOST_RELAY_TRANSPORT_INT_H

#include "know/classify.h"
#include "net/timer.h"
#include "relay/transport.h"

struct transport_kind {
    const char *name;
    /* Makes the kind's own state and begins; transport_ready() or transport_failed() follows. */
    bool (*open)(struct transport *t, struct err *err);
    /* t->message goes out: transport_sent() or transport_failed() follows. Never within the call: what
     * fails at once goes by transport_fail_soon(). */
    void (*send)(struct transport *t);
    void (*close)(struct transport *t);
};

extern const struct transport_kind transport_smtp;

struct transport {
    const struct transport_world *world;
    const struct account *account;
    const struct transport_kind *kind;
    void *own; /* the kind's; NULL: not open */
    struct transport_events events;
    void *who;
    struct transport_message message;
    bool sending;     /* the message was not told of yet */
    uint64_t give_up; /* of the loop: by then it is over */
    struct timer *timer;     /* tells by the loop's next turn what must not be told within a call */
    bool failed;             /* that it failed; else that it sent */
    struct evidence failure;
};

void transport_ready(struct transport *t);
void transport_sent(struct transport *t);
void transport_failed(struct transport *t, const struct evidence *why);
void transport_sent_soon(struct transport *t);
void transport_fail_soon(struct transport *t, enum stage stage, const struct err *err);

const char *transport_provider(const struct transport *t); /* for evidence; NULL: none is known */
/* The verdict's cause; NULL where it is not known. */
const char *transport_cause(const struct transport *t, const struct evidence *evidence);
/* What is left of the patience for the whole, in milliseconds, 1 at least; 0: no end. */
uint64_t transport_time_left(const struct transport *t);
/* Something worth a line of --verbose. */
void transport_note(const struct transport *t, enum stage stage, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
