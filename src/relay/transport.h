/* A way out: from an account to the provider's last word on a message. One face for submission by SMTP and
 * for the HTTPS interfaces of providers; whoever sends need not know which it is.
 *
 *     transport_open(&world, account, &events, me, &transport, err)
 *         ready(me)      -> transport_send(transport, &message)
 *         sent(me)       -> message.outcomes tell; now or much later the next transport_send()
 *     transport_close(transport)
 *
 * It takes one message at a time and stays warm between them, for as long as nobody closes it. A line that
 * the server has ended meanwhile is nobody's failure: the next message goes over a fresh one. That holds
 * while nothing is known of the message on the other side; what may have been taken is "unknown", and is
 * told so.
 *
 * No byte of a message leaves before transport_send(). Whoever keeps a journal writes "leaving" first.
 *
 * A line serves this account alone, with the settings it had at transport_open(): close it when they
 * change. Credentials come from account/credential.h when they are needed, and are wiped after.
 */
#ifndef OUTPOST_RELAY_TRANSPORT_H
#define OUTPOST_RELAY_TRANSPORT_H

#include "account/credential.h"
#include "know/evidence.h"
#include "session/observer.h"
#include "smtp/client.h"

struct envelope;
struct knowledge;
struct tickets;

/* Borrowed, with all it points at, until the transport is gone. */
struct transport_world {
    struct credential_world credentials; /* its loop is the transport's, and so are resolver and detours */
    const char *hello;                   /* our name in EHLO, as in session_plan */
    struct tickets *tickets;             /* of TLS, the loop's (session/tickets.h); NULL: none are kept */
    uint64_t connect_timeout_ms; /* patience for the connection, and for each reply; 0: the protocol's */
    uint64_t dial_timeout_ms;    /* for the connection alone; 0: as the transport sees fit */
    uint64_t timeout_ms; /* to open and send the first message, and for each further one; a transfer that
                            moves is not cut. 0: none */
    struct session_observer observer;    /* `saw` may be NULL */
    /* What is known, for the verdict on a failure; NULL where it can't be had. Asked only then, so that who
     * fails at nothing reads no rules. */
    const struct knowledge *(*know)(void *of);
    void *of;
};

/* A message's bytes as they stand on the wire: CRLF line ends, no dots stuffed, lines of at most 998
 * octets. Read as often as need be, from any place on: a server may want it in another form, or twice. */
struct transport_body {
    /* Fills up to `room` bytes from the place `at` on; *ret_len 0 at the end. May block on a file, not on
     * a network. */
    bool (*read)(void *of, uint64_t at, char *into, size_t room, size_t *ret_len, struct err *err);
    void *of;
};

/* What became of one recipient. */
struct transport_outcome {
    enum smtp_fate fate;      /* SMTP_FATE_OPEN only before sent() */
    struct evidence evidence; /* stage, reply (also a good one), host, port, mechanism, provider */
    bool wishes_passed;       /* the server took the recipient's wishes for reports, too (DSN, RFC 3461) */
};

/* Borrowed, with all it points at, until sent() or failed() is told, or the transport is closed. */
struct transport_message {
    const struct envelope *envelope; /* its size and kind of body are set */
    size_t first, count;             /* the recipients of this attempt */
    /* Sender and first recipient are named to the server and taken back: may it go so? Nothing is sent, and `body` is
     * not read. Over HTTPS there is no such question: SMTP_FATE_LATER. */
    bool rehearsal;
    bool last; /* ...and nothing else is wanted of the connection: smtp_client_rehearse() */
    struct transport_body body;
    /* An earlier try by this way ("smtp") ended unknown: it goes by no other. NULL: it is free. */
    const char *tied_to;
    struct transport_outcome *outcomes; /* room for `count`, the caller's; filled in when sent() is told */
    /* Counted up by each transaction that the server made of it: it may want its recipients in several. May be NULL. */
    size_t *transactions;
};

/* Told from the loop, never from within a call. Each but `progress` may close the transport. */
struct transport_events {
    /* Signed in, or otherwise fit to send. Told once. */
    void (*ready)(void *who);
    void (*progress)(void *who, uint64_t sent, uint64_t size); /* octets of the body; may be NULL */
    /* The message that was handed over is dealt with: every outcome is filled in. */
    void (*sent)(void *who);
    /* There is no way out now. A message that was handed over and not told of was not begun: nothing of it
     * is anywhere. Nothing more comes; only transport_close() is left to do. */
    void (*failed)(void *who, const struct evidence *why);
};

struct transport;

MUST_USE bool transport_open(const struct transport_world *world, const struct account *account,
                             const struct transport_events *events, void *who,
                             struct transport **ret_transport, struct err *err);

/* After ready(), and after each sent(). */
void transport_send(struct transport *transport, const struct transport_message *message);

/* The way it goes: "smtp", "graph", "gmail"; static. With `transport = auto` it may change from SMTP to the
 * provider's HTTPS, but never while anything of a message may be on the other side. */
const char *transport_name(const struct transport *transport);

/* With a goodbye where one is due, for which nobody waits. A message under way is given up: what became of
 * it is not told, and may be anything. NULL is nothing. */
void transport_close(struct transport *transport);

#endif
