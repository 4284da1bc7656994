/* A submission session: the pure machine of smtp/client.h joined to a dialled, secured line, with
 * deadlines. Discovery, relay, doctor and the one-shot sender all use it.
 *
 * It knows no account. The plan is plain data, the credential comes from whoever is asked for it:
 *
 *     session_open(loop, &plan, &events, me, &session, &err)
 *         credential(me, "PLAIN")       -> session_credential(session, secret)
 *         ready(me)                     -> session_send(session, envelope, &body)
 *         sent(me)                      -> session_outcome(session, i, &outcome); session_finish(session)
 *
 * One round trip each for TCP, TLS, greeting, EHLO, AUTH with an initial response, and a whole
 * transaction; two more with STARTTLS. Credentials go only over verified TLS, or within the machine.
 */
#ifndef OUTPOST_SESSION_CLIENT_H
#define OUTPOST_SESSION_CLIENT_H

#include "know/profile.h"
#include "net/dial.h"
#include "session/observer.h"
#include "session/tickets.h"
#include "smtp/client.h"

/* Borrowed, with all it points at, until the session is gone. */
struct session_plan {
    const char *host; /* as configured: the name the certificate must have */
    uint16_t port;
    enum security security;
    const char *hello;             /* our name in EHLO; NULL: the address of our end, "[192.0.2.1]" */
    unsigned mechanisms;           /* the allowed ones, bits as in smtp/sasl.h; 0: no sign-in */
    enum sasl_credential sign_in_with;
    const char *user;
    bool probe;           /* no sign-in: ready() is told when the server's extensions are known */
    bool allow_plaintext; /* security none to a host that is not this machine, without sign-in */
    bool long_initial;    /* the profile's: a long token may ride on the AUTH line */
    enum smtp_pipelining pipelining;
    const char *ca_file, *tls_pin, *source_address; /* NULL: as usual */
    /* Files (PEM) shown in the handshake where the server asks for them, and what SASL_CERTIFICATE
     * (AUTH EXTERNAL) signs in with; both or NULL. `user` is then whom the certificate acts for; NULL:
     * whom it names. */
    const char *client_certificate, *client_key;
    struct tickets *tickets; /* of the caller's earlier lines, and for this one's; NULL: none are kept */
    bool short_packets;    /* see net/dial.h */
    const char *proxy; /* "socks5://HOST:PORT" to go through, or NULL; see net/dial.h */
    struct resolver *resolver;
    struct dial_detours detours;
    uint64_t connect_timeout_ms; /* patience for the connection, and for each reply; 0: 30 s (60 by a proxy), and RFC 5321's */
    uint64_t dial_timeout_ms;    /* for the connection alone, where another one is wanted; 0: none is */
    uint64_t timeout_ms;         /* for the whole; a transfer that moves is not cut. 0: none */
    struct session_observer observer; /* `saw` may be NULL */
};

/* Where a message's bytes come from: canonical, with CRLF line ends and no dots stuffed. */
struct session_body {
    /* Fills up to `room` bytes; *ret_len 0 at the end. May block on a file, not on a network. */
    bool (*read)(void *of, char *into, size_t room, size_t *ret_len, struct err *err);
    void *of;
};

/* Told from the loop, never from within a call into the session. A callback may free the session,
 * but for `progress`. */
struct session_events {
    /* A password, or a token for a bearer mechanism, is wanted: answer now or later with
     * session_credential() or session_no_credential(). */
    void (*credential)(void *who, const char *mechanism);
    /* Signed in (or, probing, known): now, or whenever there is something, session_send(). Told once;
     * after each sent() that leaves the session open it is ready again. */
    void (*ready)(void *who);
    void (*progress)(void *who, uint64_t sent, uint64_t size); /* octets of the body; may be NULL */
    /* The transaction is over: session_outcome() has what became of each recipient. Told once for each
     * session_send(), also when the line broke in the middle of it; then session_open_still() is false
     * and nothing more comes. */
    void (*sent)(void *who);
    /* The session is over, outside of a transaction. */
    void (*failed)(void *who, const struct evidence *evidence);
    void (*left)(void *who); /* of session_leave() alone; else NULL */
};

struct session;

MUST_USE bool session_open(struct loop *loop, const struct session_plan *plan,
                           const struct session_events *events, void *who,
                           struct session **ret_session, struct err *err);

void session_credential(struct session *session, struct secret *secret); /* takes it */
void session_no_credential(struct session *session, const struct err *why);

/* Only while ready. Envelope and body are borrowed until sent(). The recipients from `first` on,
 * `count` of them, at most session_recipients_fit(). */
void session_send(struct session *session, const struct envelope *envelope, size_t first, size_t count,
                  const struct session_body *body);

/* Only while ready: names the envelope's sender and its first recipient, and takes it back; no message goes. sent()
 * tells of it, and the outcome is that of smtp_client_rehearse(); so is `last`. */
void session_rehearse(struct session *session, const struct envelope *envelope, bool last);

/* Only while ready: says goodbye, and waits for the answer: left() where the server has answered as often as it was asked,
 * failed() where more often. */
void session_leave(struct session *session);

/* How many of the envelope's recipients from `first` on one transaction takes here and now (RFC 9422).
 * 0: no more on this connection; on another one at least one fits. */
size_t session_recipients_fit(const struct session *session, const struct envelope *envelope, size_t first);
void session_outcome(const struct session *session, size_t recipient, struct smtp_outcome *ret_outcome);
/* The evidence of an outcome: with host, port and mechanism. */
void session_evidence(const struct session *session, const struct smtp_outcome *outcome,
                      struct evidence *ret_evidence);
bool session_open_still(const struct session *session);
/* How many more transactions this connection takes (RFC 9422, MAILMAX); SIZE_MAX: no limit was told. */
size_t session_transactions_left(const struct session *session);

/* What was learnt; the extensions are those of the last EHLO. */
const struct smtp_extensions *session_extensions(const struct session *session);
const char *session_mechanism(const struct session *session); /* the last one tried, or NULL */
unsigned session_tries(const struct session *session); /* at signing in, refused ones and the last */
bool session_signed_in(const struct session *session);
struct span session_greeting(const struct session *session);
/* Of the encrypted line; false where there is none. */
MUST_USE bool session_tls(const struct session *session, struct tls_description *ret_description);
/* How long a connection under this plan is waited for, all addresses of the server's together. */
uint64_t session_dial_patience(const struct session_plan *plan);
const struct dial_attempt *session_attempts(const struct session *session, size_t *ret_count);
const char *session_peer(const struct session *session); /* "192.0.2.1:465"; NULL: not connected */

/* Says goodbye and is gone; nobody waits for the reply. */
void session_finish(struct session *session);
/* Gone at once. */
void session_free(struct session *session);
OWNED(session);

#endif
