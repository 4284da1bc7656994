/* What the files of the server machine share: server.c reads lines and keeps the clock,
 * server_verbs.c has the table of commands, server_auth.c the sign-in, server_xclient.c a proxy's word,
 * server_body.c the message. The room's own.
 */
#ifndef OUTPOST_SMTP_SERVER_INT_H
#define OUTPOST_SMTP_SERVER_INT_H

#include "base/buf.h"
#include "mail/address.h"
#include "smtp/data.h"
#include "smtp/params.h"
#include "smtp/server.h"

/* Where a conversation is when a command comes: bits, so that a row names all where it may be
 * said. */
enum smtp_server_state {
    SMTP_AT_START = 1,   /* neither EHLO nor HELO yet */
    SMTP_AT_HELLO = 2,   /* greeted, no transaction */
    SMTP_AT_SENDER = 4,  /* MAIL was taken */
    SMTP_AT_RCPTS = 8,   /* and a recipient */
    SMTP_AT_CHUNKS = 16, /* and a BDAT, not yet the last */
};

/* What the next octets are. */
enum smtp_server_mode {
    SMTP_READS_COMMAND,
    SMTP_READS_SIGN_IN, /* a response in base64 */
    SMTP_READS_DATA,    /* text up to CRLF.CRLF */
    SMTP_READS_CHUNK,   /* chunk_left octets */
    SMTP_READS_REST,    /* of a line that is too long */
};

/* Counts of the header as it passes; `{ 0 }` begins. */
struct smtp_header_count {
    bool done, in_line, is_received;
    unsigned matched; /* octets of "received:" at the line's start */
    size_t octets;
    unsigned lines, received;
};

/* A reply that was decided on and is to be said later. */
struct smtp_server_reply {
    uint16_t code; /* 0: none */
    char enhanced[12];
    struct buf text;
};

struct smtp_server {
    const struct smtp_server_plan *plan;
    enum smtp_server_state state;
    enum smtp_server_mode mode;
    enum smtp_server_need need;
    enum smtp_question question;
    uint64_t deadline;

    struct buf held;   /* input not used yet */
    struct span in;    /* what is being read: of `held`, or straight from the driver */
    size_t looked;     /* octets of `in` known to hold no line end */
    size_t drained;    /* octets of a line too long */
    struct buf output;
    bool closing;      /* nothing more is read */

    bool knows_wall;
    uint64_t wall, wall_at; /* seconds since 1970, and what `now` was then */
    struct smtp_told *told; /* NULL: the peer speaks for itself */

    bool extended, secured;
    struct buf hello, user, binding;
    unsigned errors, idle, failed_sign_ins;
    uint32_t messages; /* transactions on this connection */
    uint16_t last_code;
    struct smtp_refusal untold; /* see smtp_server_take_refusal() */

    struct sasl_server *sasl;
    enum sasl_mechanism mechanism;
    struct smtp_server_reply refusal; /* of a token, until its challenge is answered */

    struct envelope *envelope;
    struct smtp_wishes wishes;
    unsigned rcpt_commands;
    struct address rcpt; /* the one asked about */
    unsigned rcpt_notify;
    struct buf rcpt_orcpt;

    struct smtp_data_reader data;
    struct smtp_data_mender mender;
    struct smtp_data_check check;
    struct smtp_header_count header;
    uint64_t chunk_left;
    bool chunk_last, chunk_refused;
    uint64_t refused_octets;  /* of chunks nobody asked for, on this connection */
    uint64_t size;            /* of the message so far */
    uint64_t moved;           /* octets since the deadline was set anew */
    struct buf body;
    bool in_message;
    struct smtp_server_reply spoiled; /* the message is lost: this is why */
};

/* -- server.c -- */

/* Says it; 421 is the end. */
void smtp_server_reply(struct smtp_server *server, uint16_t code, const char *enhanced,
                       const char *text);
/* Says it and counts it as an error of the client's; with too many it is the end, and the
 * transaction is gone: so this is the last thing done. */
void smtp_server_refuse(struct smtp_server *server, uint16_t code, const char *enhanced,
                        const char *text);
/* The last word, unless there was one: it closes. */
void smtp_server_end(struct smtp_server *server, uint16_t code, const char *enhanced,
                     const char *text);
void smtp_server_ask(struct smtp_server *server, enum smtp_question question);
void smtp_server_read_next(struct smtp_server *server, enum smtp_server_mode mode, uint64_t now);
/* The one way out of a transaction: EHLO, RSET, STARTTLS, and every end of a message, good or
 * bad. */
void smtp_server_reset(struct smtp_server *server);
const struct smtp_extensions *smtp_server_offers(const struct smtp_server *server);
/* The same with what depends on the moment. */
struct smtp_extensions smtp_server_offers_now(const struct smtp_server *server, uint64_t now);
/* Says the greeting; the conversation is at its start. */
void smtp_server_greet(struct smtp_server *server);
void smtp_server_note_refusal(struct smtp_server *server, uint16_t code, const char *text, bool of_message);
void smtp_server_keep_reply(struct smtp_server_reply *reply, uint16_t code, const char *enhanced,
                            const char *text);
void smtp_server_say_kept(struct smtp_server *server, struct smtp_server_reply *reply);

/* -- server_verbs.c -- */

void smtp_server_command(struct smtp_server *server, struct span line, uint64_t now);
void smtp_server_sender_answered(struct smtp_server *server, const struct smtp_answer *answer);
void smtp_server_recipient_answered(struct smtp_server *server, const struct smtp_answer *answer);

/* -- server_auth.c -- */

void smtp_server_auth(struct smtp_server *server, struct span argument, uint64_t now);
void smtp_server_auth_line(struct smtp_server *server, struct span line, uint64_t now);
void smtp_server_auth_go_on(struct smtp_server *server, uint64_t now); /* the key was given */
void smtp_server_sign_in_answered(struct smtp_server *server, const struct smtp_answer *answer,
                                  uint64_t now);
/* The key is not given, and this is why. */
void smtp_server_key_refused(struct smtp_server *server, const struct smtp_answer *answer);
/* Adds the mechanisms that can be had now to the extensions that are offered. */
void smtp_server_mechanisms(const struct smtp_server *server, struct smtp_extensions *extensions);

/* -- server_xclient.c -- */

void smtp_server_xclient(struct smtp_server *server, struct span argument, uint64_t now);
void smtp_server_client_answered(struct smtp_server *server, const struct smtp_answer *answer);

/* -- server_body.c -- */

void smtp_server_data(struct smtp_server *server, uint64_t now);
void smtp_server_bdat(struct smtp_server *server, struct span argument, bool refused, uint64_t now);
void smtp_server_read_data(struct smtp_server *server, uint64_t now);
void smtp_server_read_chunk(struct smtp_server *server, uint64_t now);
void smtp_server_begin_answered(struct smtp_server *server, const struct smtp_answer *answer,
                                uint64_t now);
void smtp_server_keep_answered(struct smtp_server *server, const struct smtp_answer *answer);
/* A piece was taken, or lost: go on with what follows it. */
void smtp_server_piece_done(struct smtp_server *server, uint64_t now);

#endif
