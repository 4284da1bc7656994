/* The client's side of a submission: a conversation with one server, without a socket.
 *
 * It is handed bytes and the time, and hands bytes back. Whoever drives it asks what it needs, and
 * does that; it calls nobody. A drive looks like this (every call may change the need):
 *
 *     OWN(smtp_client) client = smtp_client_new(&plan, now, &err);
 *     for (;;) {
 *         write what smtp_client_output() has, then smtp_client_wrote(how much)
 *         switch (smtp_client_need(client)) {
 *         case SMTP_NEED_TLS:        shake hands;      smtp_client_secured()
 *         case SMTP_NEED_CREDENTIAL: fetch it;         smtp_client_credential()
 *         case SMTP_NEED_KEY:        salt on a worker; smtp_client_key()
 *         case SMTP_NEED_ENVELOPE:   signed in:        smtp_client_send() or smtp_client_quit()
 *         case SMTP_NEED_BODY:       read a piece;     smtp_client_body()
 *         case SMTP_NEED_BYTES:      read the socket;  smtp_client_recv()
 *         case SMTP_NEED_NOTHING:    it is over: write what is left (QUIT), close
 *         }
 *     }
 *
 * The socket is read all the while, whatever the need: a server may refuse in the middle of a body,
 * and say so once. Only at SMTP_NEED_TLS its bytes belong to the handshake. Tell at once of what
 * happens to the line: smtp_client_closed() when the peer ended it, smtp_client_broken() for any
 * other end, smtp_client_expired() when the deadline passed.
 *
 * Say smtp_client_wrote() when bytes are handed to the socket, not when the network confirms them:
 * what is still here counts as never sent, and on that stands the word "unknown". Output is wiped
 * as it goes; it may hold a password. Never show it: smtp_client_stage() tells where we are.
 *
 * Credentials go only inside TLS, unless the plan allows clear text; never by a mechanism that the
 * plan does not name; never twice by one mechanism, and twice in all.
 *
 * Memory is bounded whatever the server sends: under 1 MB with all its parts.
 */
#ifndef OUTPOST_SMTP_CLIENT_H
#define OUTPOST_SMTP_CLIENT_H

#include <stdint.h>

#include "base/secret.h"
#include "know/evidence.h"
#include "smtp/extension.h"
#include "smtp/sasl.h"

struct envelope; /* mail/envelope.h */

enum smtp_security {
    SMTP_SECURITY_TLS,      /* the handshake comes first */
    SMTP_SECURITY_STARTTLS, /* required: without it the conversation fails */
    SMTP_SECURITY_NONE,
};

enum smtp_pipelining {
    SMTP_PIPELINING_AUTO,     /* as deep as the server offers: MAIL, RCPT and BDAT in one flight, for
                               * servers known to swallow the chunk of a message they refuse */
    SMTP_PIPELINING_COMMANDS, /* MAIL, RCPT and DATA together; no BDAT before their replies */
    SMTP_PIPELINING_OFF,      /* one command, one reply, and DATA */
};

/* What is decided before the conversation. Borrowed until smtp_client_free(). */
struct smtp_plan {
    const char *hello; /* our name: a domain, or an address literal */
    enum smtp_security security;
    unsigned mechanisms;             /* the allowed ones, bits as in smtp/sasl.h; 0: no sign-in */
    enum sasl_credential credential; /* what the sign-in is made with */
    const char *user;
    const char *host;    /* the server's, for OAUTHBEARER; or NULL */
    uint16_t port;       /* the same; 0: unsaid */
    bool long_initial;   /* the server takes an initial response that makes AUTH longer than 512 */
    bool clear_password; /* sign in without TLS: only ever for loopback */
    enum smtp_pipelining pipelining;
    unsigned patience;   /* percent of RFC 5321's waiting times; 0: 100 */
};

enum smtp_need {
    SMTP_NEED_NOTHING,    /* it is over: close the line */
    SMTP_NEED_BYTES,      /* of the server: smtp_client_recv() */
    SMTP_NEED_TLS,        /* a handshake, verified: smtp_client_secured() */
    SMTP_NEED_CREDENTIAL, /* a password or a token: smtp_client_credential() */
    SMTP_NEED_KEY,        /* SCRAM's salted password: smtp_client_salting(), smtp_client_key() */
    SMTP_NEED_ENVELOPE,   /* ready: smtp_client_send() or smtp_client_quit() */
    SMTP_NEED_BODY,       /* a piece of the message: smtp_client_body() */
};

struct smtp_client;

/* NULL: the plan is not fit to be sent (err: a name with a space in it...), or no memory. */
MUST_USE struct smtp_client *smtp_client_new(const struct smtp_plan *plan, uint64_t now,
                                             struct err *err);
void smtp_client_free(struct smtp_client *client); /* NULL is fine */
OWNED(smtp_client);

enum smtp_need smtp_client_need(const struct smtp_client *client);
/* When to call smtp_client_expired(); UINT64_MAX: nothing is waited for, or it is the driver's. */
uint64_t smtp_client_deadline(const struct smtp_client *client);

struct span smtp_client_output(const struct smtp_client *client); /* good until the next call */
void smtp_client_wrote(struct smtp_client *client, size_t len, uint64_t now);

void smtp_client_recv(struct smtp_client *client, struct span bytes, uint64_t now);
void smtp_client_closed(struct smtp_client *client);  /* the server ended the line properly */
void smtp_client_expired(struct smtp_client *client); /* the deadline passed */
/* Anything else that ends it: a reset, a failed handshake, a credential that can't be had. `why` is
 * kept with the stage we were at. */
void smtp_client_broken(struct smtp_client *client, const struct err *why);

/* The handshake is done and the certificate verified. `binding` is tls-exporter's (RFC 9266), or
 * empty where there is none: then SCRAM goes without -PLUS. */
void smtp_client_secured(struct smtp_client *client, struct span binding, uint64_t now);

/* Hands over the password or the access token; borrowed for the call. At SMTP_NEED_CREDENTIAL; at
 * SMTP_NEED_KEY too, and then it is salted here and now, which may take a second. Where a second
 * mechanism is tried it is asked for again. */
void smtp_client_credential(struct smtp_client *client, const struct secret *secret, uint64_t now);

/* At SMTP_NEED_KEY: what is to be computed with sasl_salt(), on a worker; the salt is good until the
 * next call. Then the result. */
struct sasl_salting smtp_client_salting(const struct smtp_client *client);
void smtp_client_key(struct smtp_client *client, const struct secret *key, uint64_t now);

enum { SMTP_RECIPIENTS_MAX = 1000 };

/* How many recipients one transaction may have here: RFC 9422's RCPTMAX, or 1000. */
size_t smtp_client_recipients_max(const struct smtp_client *client);
/* How many transactions this connection still takes: RFC 9422's MAILMAX; SIZE_MAX: no limit. */
size_t smtp_client_transactions_left(const struct smtp_client *client);
/* How many of the envelope's recipients, from `first` on, fit the next transaction by all that LIMITS
 * says: RCPTMAX, MAILMAX, and RCPTDOMAINMAX, which counts the domains of a whole connection. 0: none,
 * the rest needs another connection; there at least one fits. envelope_by_domain() keeps them few. */
size_t smtp_client_recipients_fit(const struct smtp_client *client, const struct envelope *envelope,
                                  size_t first);

/* Begins a transaction with the envelope's recipients from `first` on, `count` of them; only at
 * SMTP_NEED_ENVELOPE. The envelope is borrowed until the transaction is over. What can be refused
 * before a byte is sent - an address against its grammar, SMTPUTF8 or 8BITMIME not offered, a message
 * above SIZE - is in the outcomes at once, with STAGE_LOCAL or STAGE_MAIL, and the need stays
 * SMTP_NEED_ENVELOPE. Recipients above smtp_client_recipients_fit() come out as SMTP_FATE_LATER. */
void smtp_client_send(struct smtp_client *client, const struct envelope *envelope, size_t first,
                      size_t count, uint64_t now);

/* A rehearsal: names the sender and the first recipient to the server, and takes it back (RSET) before there is a
 * message; only at SMTP_NEED_ENVELOPE. Nothing is sent. Its outcome is SMTP_FATE_TAKEN at STAGE_RCPT where the
 * server would go on, else as of smtp_client_send().
 *
 * `last`: nothing else is wanted of this connection. Then QUIT takes it back, and its answer, the one that can be told
 * from all others (221), shows whether there were as many answers as questions: where there were more, the outcome is
 * reply:unasked at STAGE_QUIT. The conversation is over, unless the server refused before. */
void smtp_client_rehearse(struct smtp_client *client, const struct envelope *envelope, bool last, uint64_t now);

enum { SMTP_PIECE_MAX = 64 * 1024 };

/* A piece of the message, in its final form: CRLF line ends, no dot stuffed; up to SMTP_PIECE_MAX.
 * `last`: the message ends with it. Only at SMTP_NEED_BODY; the piece is copied. A bare CR or LF,
 * a NUL, or an octet above 127 in a message of BODY_7BIT is never sent: the transaction fails. */
void smtp_client_body(struct smtp_client *client, struct span piece, bool last, uint64_t now);
/* The body can't be had, or not further: the message isn't sent. */
void smtp_client_body_failed(struct smtp_client *client, const struct err *why);

/* Says goodbye, at SMTP_NEED_ENVELOPE. The outcomes stand already: nobody must wait for the reply. */
void smtp_client_quit(struct smtp_client *client, uint64_t now);

enum smtp_fate {
    SMTP_FATE_OPEN,    /* no word yet */
    SMTP_FATE_TAKEN,   /* the server has the message: 250 to its end */
    SMTP_FATE_LATER,   /* not now: 4xx, a line that broke, too many recipients for one transaction */
    SMTP_FATE_REFUSED, /* 5xx, or a reason of our own */
    SMTP_FATE_UNKNOWN, /* the message went out whole, and no word came back */
};

/* What became of one recipient, or of the conversation. Facts, not yet a cause: know judges. */
struct smtp_outcome {
    enum smtp_fate fate;
    enum stage stage; /* where that was decided */
    struct err err;   /* the reply, also the good one; the fact; our words */
};

/* The outcome of the envelope's recipient in the last transaction; final once the need is ENVELOPE
 * or NOTHING. */
void smtp_client_outcome(const struct smtp_client *client, size_t recipient,
                         struct smtp_outcome *ret_outcome);
/* Why the conversation failed, or NULL: it goes on, or ended as it should. */
const struct smtp_outcome *smtp_client_failure(const struct smtp_client *client);

/* For whoever shows it. */
enum stage smtp_client_stage(const struct smtp_client *client);
const char *smtp_client_doing(const struct smtp_client *client);      /* "naming the sender" */
const struct smtp_extensions *smtp_client_extensions(const struct smtp_client *client);
const char *smtp_client_mechanism(const struct smtp_client *client);  /* tried last; or NULL */
unsigned smtp_client_tries(const struct smtp_client *client);         /* at signing in */
bool smtp_client_signed_in(const struct smtp_client *client);
uint16_t smtp_client_last_code(const struct smtp_client *client);     /* 0: none yet */
struct span smtp_client_greeting(const struct smtp_client *client);   /* its words; "" before it */

#endif
