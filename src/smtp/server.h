/* The server's side of a submission: a conversation with one client, without a socket, and
 * without an opinion. Whether a user may sign in, a sender be used, a message be kept, it asks;
 * it never decides.
 *
 * It is handed bytes and the time, and hands bytes back:
 *
 *     OWN(smtp_server) server = smtp_server_new(&plan, now, &err);
 *     for (;;) {
 *         write what smtp_server_output() has, then smtp_server_wrote(how much)
 *         switch (smtp_server_need(server)) {
 *         case SMTP_SERVER_BYTES:    read the socket;        smtp_server_recv()
 *         case SMTP_SERVER_ROOM:     wait till output leaves
 *         case SMTP_SERVER_TLS:      output first, then a handshake; smtp_server_secured()
 *         case SMTP_SERVER_QUESTION: smtp_server_question(); smtp_server_answer(), now or later
 *         case SMTP_SERVER_BODY:     keep smtp_server_body(); smtp_server_body_kept()
 *         case SMTP_SERVER_CLOSE:    output first, then close
 *         }
 *     }
 *
 * Don't read the socket while something else than bytes is needed: then what is held here stays
 * small, and a client is never read faster than it is served. What was pipelined behind a
 * question waits.
 *
 * A message was received only when SMTP_ASK_KEEP is answered with yes: the answer is the promise
 * that it is on disk. While smtp_server_in_message() is false there is no message: whatever was
 * kept of one that was not asked about is to be dropped. The same goes for a line that breaks.
 *
 * What it holds to: commands end with CRLF and nothing else does; DATA ends with CRLF.CRLF and
 * nothing else does (RFC 5321, 4.1.1.4); nothing that came before a handshake is known after it
 * (RFC 3207, 4.2). Input is never echoed. Memory: under 100 KB whatever the client sends, some
 * hundred bytes while it is idle.
 */
#ifndef OUTPOST_SMTP_SERVER_H
#define OUTPOST_SMTP_SERVER_H

#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "smtp/extension.h"
#include "smtp/sasl.h"

struct envelope;    /* mail/envelope.h */
struct smtp_wishes; /* smtp/params.h */

/* What is decided before the conversation. Borrowed until smtp_server_free(). */
struct smtp_server_plan {
    const char *name;  /* ours: a domain */
    const char *words; /* in the greeting, behind the name; NULL: "ESMTP" */
    /* What EHLO offers in the clear and inside TLS. STARTTLS in the first says that it can be
     * had. AUTH with its mechanisms belongs into the second; in the first it lets passwords
     * cross in the clear. SIZE's number is the limit for a message; RCPTMAX and MAILMAX are kept
     * to. */
    struct smtp_extensions clear, secured;
    bool must_secure;     /* no MAIL before TLS */
    bool must_sign_in;    /* no MAIL before AUTH */
    bool error_challenge; /* a refused token is told in a challenge first, as Google does */
    bool repair;          /* a bare LF of a message becomes CRLF; where it ends stays as it is */
};

/* Limits; beyond them 421 and the end. */
enum {
    SMTP_SERVER_LINE_MAX = 2048,       /* octets of a command with its CRLF... */
    SMTP_SERVER_AUTH_LINE_MAX = 12288, /* ...and of one that signs in (RFC 4954, 4) */
    SMTP_SERVER_DRAIN_MAX = 64 * 1024, /* octets of a longer line that are still read */
    SMTP_SERVER_ERRORS_MAX = 20,
    SMTP_SERVER_IDLE_MAX = 100,        /* commands that lead nowhere, in a row */
    SMTP_SERVER_SIGN_INS_MAX = 3,      /* failed ones */
    SMTP_SERVER_RECIPIENTS_MAX = 1000, /* where RCPTMAX says nothing: 452 to the rest */
    SMTP_SERVER_HEADER_MAX = 256 * 1024,
    SMTP_SERVER_HEADER_LINES_MAX = 10000,
    SMTP_SERVER_RECEIVED_MAX = 100,    /* Received fields: it goes round in a loop */
};

struct smtp_server;

/* The greeting is in its output, unless TLS comes first: then smtp_server_secured() begins.
 * NULL: no memory, or a plan whose name can't be sent. */
MUST_USE struct smtp_server *smtp_server_new(const struct smtp_server_plan *plan, bool tls_first,
                                             uint64_t now, struct err *err);
void smtp_server_free(struct smtp_server *server);
OWNED(smtp_server);

/* What the clock on the wall says at `now`, in seconds since 1970. Before it is told FUTURERELEASE, which
 * speaks of dates, is not offered. */
void smtp_server_tell_wall(struct smtp_server *server, uint64_t wall, uint64_t now);

enum smtp_server_need {
    SMTP_SERVER_BYTES,
    SMTP_SERVER_ROOM,
    SMTP_SERVER_TLS,
    SMTP_SERVER_QUESTION,
    SMTP_SERVER_BODY,
    SMTP_SERVER_CLOSE,
};

enum smtp_server_need smtp_server_need(const struct smtp_server *server);
/* When to call smtp_server_expired(); UINT64_MAX while we wait for the driver, not the client. */
uint64_t smtp_server_deadline(const struct smtp_server *server);

struct span smtp_server_output(const struct smtp_server *server); /* good until the next call */
void smtp_server_wrote(struct smtp_server *server, size_t len, uint64_t now);

/* Takes all of it. Bytes that come while a handshake is awaited are an injection: it closes. */
void smtp_server_recv(struct smtp_server *server, struct span bytes, uint64_t now);
void smtp_server_expired(struct smtp_server *server); /* 421 and the end */
/* Ends it from our side, at once: "421 4.3.2 ..." */
void smtp_server_shut(struct smtp_server *server, const char *enhanced, const char *text);

/* The handshake is done. `binding` is tls-exporter's (RFC 9266), or empty: then -PLUS isn't
 * offered. */
void smtp_server_secured(struct smtp_server *server, struct span binding, uint64_t now);

enum smtp_question {
    SMTP_ASK_SIGN_IN,   /* are smtp_server_claim() and its proof right? */
    SMTP_ASK_KEY,       /* the claimed user's: smtp_server_password(), smtp_server_stored_key() */
    SMTP_ASK_SENDER,    /* may this user send as smtp_server_envelope()'s sender? */
    SMTP_ASK_RECIPIENT, /* may it go to smtp_server_recipient()? */
    SMTP_ASK_BEGIN,     /* is there room for a message? Its pieces follow */
    SMTP_ASK_KEEP,      /* it is complete: is it kept, durably? */
    SMTP_ASK_CLIENT,    /* the peer speaks for smtp_server_told(): may it, and may that client? */
};

enum smtp_question smtp_server_question(const struct smtp_server *server);

/* Yes or no, and the reply to it. `code` 0: the usual reply of this question. 421 ends it all. */
struct smtp_answer {
    bool yes;
    uint16_t code;
    const char *enhanced; /* "5.7.1", or NULL */
    const char *text;
};
void smtp_server_answer(struct smtp_server *server, const struct smtp_answer *answer, uint64_t now);

/* To SMTP_ASK_KEY, where a no may be answered, too: nobody signs in now. NULL: there is no such user; it takes as
 * long and ends in the same reply. */
void smtp_server_password(struct smtp_server *server, const struct secret *password, uint64_t now);
void smtp_server_stored_key(struct smtp_server *server, const struct sasl_stored_key *key,
                            uint64_t now);

/* Who says to be whom: user and proof (a password, or a token with the bearer mechanisms). Foreign
 * text, UTF-8 without control characters, good until the answer. */
struct smtp_claim {
    enum sasl_mechanism mechanism;
    struct span user, proof;
};
struct smtp_claim smtp_server_claim(const struct smtp_server *server);

/* For whom a mail proxy says to speak (XCLIENT), from SMTP_ASK_CLIENT on; foreign text, UTF-8 without control
 * characters; "" where it was not said or not known. NULL: nobody said so. */
struct smtp_told {
    char address[64]; /* of the client, without "IPV6:"; whether it is one is for the caller to see */
    char port[8];
    char name[256];   /* of its host */
    char hello[256];  /* what it said in EHLO */
    char login[256];  /* who signed in at the proxy: a yes signs in whom it names */
};
const struct smtp_told *smtp_server_told(const struct smtp_server *server);
/* While SMTP_ASK_CLIENT is open: another client may be offered something else. Borrowed as the first. */
void smtp_server_change_plan(struct smtp_server *server, const struct smtp_server_plan *plan);

/* What the transaction's client wishes for the time of delivery. */
const struct smtp_wishes *smtp_server_wishes(const struct smtp_server *server);
/* The transaction so far: sender, recipients, options; NULL: there is none. */
const struct envelope *smtp_server_envelope(const struct smtp_server *server);
/* The same to keep, at SMTP_ASK_KEEP: the caller's from then on. */
struct envelope *smtp_server_take_envelope(struct smtp_server *server);
const char *smtp_server_recipient(const struct smtp_server *server); /* the one asked about */

/* A piece of the message: CRLF lines without stuffed dots, as they are to be stored. */
struct span smtp_server_body(const struct smtp_server *server);
void smtp_server_body_kept(struct smtp_server *server, uint64_t now);
/* It can't be kept: no more pieces come, and this is the reply at the message's end. */
void smtp_server_body_lost(struct smtp_server *server, const struct smtp_answer *answer,
                           uint64_t now);
bool smtp_server_in_message(const struct smtp_server *server);

/* For a Received field, a log, a page. */
const char *smtp_server_hello(const struct smtp_server *server); /* its name, printable, or "" */
const char *smtp_server_user(const struct smtp_server *server);  /* signed in; NULL: nobody */
bool smtp_server_is_extended(const struct smtp_server *server);  /* EHLO, not HELO */
bool smtp_server_is_secured(const struct smtp_server *server);
uint16_t smtp_server_last_code(const struct smtp_server *server);

/* What it refused of itself, without a question: a command that wants TLS or a sign-in first, a message that is too
 * large or is none. The first since the last call; false: nothing. */
enum { SMTP_REFUSAL_TEXT_MAX = 120 };
struct smtp_refusal {
    uint16_t code; /* 0: none */
    bool of_message; /* not of a command */
    char text[SMTP_REFUSAL_TEXT_MAX];
};
bool smtp_server_take_refusal(struct smtp_server *server, struct smtp_refusal *ret_refusal);
unsigned smtp_server_failed_sign_ins(const struct smtp_server *server);

#endif
