/* Inside the client: the machine's state, and what its files know of one another.
 *
 *     client.c              what is asked of it and told to it; how it ends
 *     client_steps.c        the table of steps; greeting, EHLO, STARTTLS
 *     client_signin.c       AUTH
 *     client_transaction.c  MAIL, RCPT, DATA or BDAT, and the outcomes
 */
#ifndef OUTPOST_SMTP_CLIENT_INT_H
#define OUTPOST_SMTP_CLIENT_INT_H

#include "mail/envelope.h"
#include "smtp/client.h"
#include "smtp/data.h"
#include "smtp/params.h"
#include "smtp/pipeline.h"
#include "smtp/reply.h"

enum {
    OUTPUT_MAX = 256 * 1024,  /* a chunk and what waits before it */
    OUTPUT_HIGH = 64 * 1024,  /* above this no more of the body is asked for */
    CHUNK_FULL = 64 * 1024,   /* a chunk that has this much leaves */
    CHUNKS_UNDER_WAY = 8,
    GREETING_KEPT = 512,
    SAID_MAX = 256,           /* of a reply's words, kept for each recipient */
    BINDING_MAX = 64,
    AUTH_LINE_MAX = 512,      /* with CRLF: RFC 5321, 4.5.3.1.4 */
    MECHANISMS_TRIED_MAX = 2, /* a connection */
    DOMAINS_KEPT_MAX = 1000,  /* that a connection may name, where LIMITS counts them */
};

/* A step is a command, or a state between commands. */
enum step {
    STEP_NONE, /* nothing to say until something is heard */
    STEP_HANDSHAKE,
    STEP_GREETING,
    STEP_EHLO,
    STEP_HELO,
    STEP_STARTTLS,
    STEP_AUTH,  /* with all its challenges */
    STEP_READY, /* between transactions */
    STEP_RSET,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_BODY, /* after the 354 */
    STEP_DOT,
    STEP_CHUNK,
    STEP_LAST, /* the chunk that ends the message */
    STEP_QUIT,
    STEP_PARTING, /* behind an answer to QUIT that may be another question's */
    STEP_OVER,
    STEPS,
};

struct smtp_client;

/* A row of the conversation's table. */
struct step_row {
    enum stage stage;
    const char *while_; /* "the server hung up while ..." */
    uint64_t wait;      /* RFC 5321, 4.5.3.2 */
    unsigned good;      /* first digit of the hoped-for reply; 0: any will do */
    bool alone;         /* nothing may be said behind it until its reply is there: RFC 2920, 3.1 */
    bool unknown;       /* once it has left, a broken line may mean "delivered" */
    /* May it be said now, but for the pipeline's reasons? NULL: yes. */
    bool (*ready)(const struct smtp_client *c);
    /* Says it, and tells what is to be said next. */
    enum step (*say)(struct smtp_client *c);
    void (*heard)(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply);
    void (*refused)(struct smtp_client *c, const struct asked *asked,
                    const struct smtp_reply *reply);
};

const struct step_row *step_row(unsigned step);

/* What became of one recipient, small: there may be a thousand. */
struct verdict {
    enum smtp_fate fate;
    enum stage stage;
    bool shared;     /* decided with all others: transaction.err has the rest */
    enum err_kind kind;
    uint16_t reply, enhanced[3];
    const char *fact, *text;
    char *said; /* or NULL */
};

struct transaction {
    const struct envelope *envelope;
    size_t first, count;
    struct verdict *verdicts; /* count of them */
    size_t open;              /* verdicts that are */
    size_t accepted;          /* recipients answered with 250: for them the end decides */
    size_t next;              /* the recipient to be named next */
    bool live;       /* under way; after that its outcomes stay */
    bool rehearsal;  /* ends with a RSET behind the recipients... */
    bool last;       /* ...or, where it is the connection's last, with QUIT */
    bool by_bdat;
    bool chunk_left; /* the first chunk has left */
    bool body_ended;
    struct smtp_data_check check;
    struct smtp_data_writer writer;
    struct err err; /* of the verdicts that are shared */
};

struct smtp_client {
    struct smtp_plan plan;
    uint64_t now;      /* as last told */
    uint64_t progress; /* when something last went forward */

    enum step place; /* where we are while nothing is asked */
    enum step next;  /* what is to be said next */
    struct pipeline pipeline;

    struct buf output;
    uint64_t said, written; /* octets that ever came into the output, and left it */
    struct smtp_reply_reader replies;
    uint16_t last_code;
    struct buf greeting;

    struct smtp_extensions extensions;
    bool secured;
    char binding[BINDING_MAX];
    size_t binding_len;

    struct sasl_client *sasl;
    enum sasl_mechanism mechanism; /* tried last */
    unsigned tried;                /* bits of mechanisms */
    unsigned tries;
    bool auth_said;
    bool auth_cancelled;
    struct err auth_err; /* why it was cancelled */
    bool signed_in;

    struct transaction t;
    struct buf chunk;
    size_t transactions;
    uint64_t *domains; /* of recipients named on this connection, marks of them; NULL: nobody counts */
    size_t domain_count;
    bool dirty; /* the server holds a sender: RSET before the next */

    bool failed;
    struct smtp_outcome failure;
};

/* -- client.c -- */

/* The only way to a place where nothing is asked. */
void client_enter(struct smtp_client *c, enum step place);
/* Says what may be said, until something must be heard or told. */
void client_advance(struct smtp_client *c);
/* Puts a command's line, without its CRLF, into the output; it expects a reply to `step`. Refuses a
 * line with a control character: the conversation is over then. `recipient` is RCPT's, else 0. */
void client_say(struct smtp_client *c, enum step step, size_t recipient, struct span line);
/* Expects a reply to `step`, whose command ends where the output ends now. */
void client_asked(struct smtp_client *c, enum step step, size_t recipient);
void client_put(struct smtp_client *c, struct span bytes);

/* The conversation is over. Recipients without an outcome get one: unknown where the message has
 * left whole, else by `err`. */
void client_fail(struct smtp_client *c, enum stage stage, const struct err *err);
/* The same where the line is in order: with a goodbye. */
void client_fail_politely(struct smtp_client *c, enum stage stage, const struct err *err);
void client_fail_reply(struct smtp_client *c, unsigned step, const struct smtp_reply *reply,
                       const char *fact);
void client_fail_memory(struct smtp_client *c);
/* The server answered what was not asked. */
void client_fail_unasked(struct smtp_client *c, const struct smtp_reply *reply);
/* Over, and well: the goodbye was answered, or the line ended behind it. */
void client_leave(struct smtp_client *c);

/* -- client_signin.c -- */

void signin_begin(struct smtp_client *c);
void signin_pump(struct smtp_client *c); /* after the mechanism was given something */
void signin_heard(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply);
void signin_refused(struct smtp_client *c, const struct asked *asked,
                    const struct smtp_reply *reply);

/* -- client_limits.c -- */

/* Makes room for counting where the server limits domains; false: no memory. */
bool limits_begin(struct smtp_client *c);
/* The envelope's recipient is being named. */
void limits_named(struct smtp_client *c, size_t recipient);

/* -- client_transaction.c -- */

bool transaction_wants_body(const struct smtp_client *c);
/* All that is open gets this fate, by err->kind where it is SMTP_FATE_OPEN. */
void transaction_decide(struct smtp_client *c, enum smtp_fate fate, enum stage stage,
                        const struct err *err);
/* Is it decided, and nothing more to be heard of it? Then the place is READY again. */
void transaction_settle(struct smtp_client *c);
void transaction_outcome(const struct smtp_client *c, size_t recipient,
                         struct smtp_outcome *ret_outcome);
void transaction_done(struct smtp_client *c);

bool mail_ready(const struct smtp_client *c);
bool chunk_ready(const struct smtp_client *c);
enum step say_rset(struct smtp_client *c);
enum step say_mail(struct smtp_client *c);
enum step say_rcpt(struct smtp_client *c);
enum step say_data(struct smtp_client *c);
enum step say_chunk(struct smtp_client *c);
void heard_rset(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply);
void heard_mail(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply);
void heard_rcpt(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply);
void heard_data(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply);
void heard_chunk(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply);
void heard_end(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply);
void refused_rcpt(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply);
void refused_all(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply);

#endif
