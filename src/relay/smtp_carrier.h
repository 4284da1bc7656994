/* Submission by SMTP, between its two files:
 *
 *     transport_smtp.c   sessions one after another, as many as signing in and a line's life take
 *     smtp_message.c     a message over them: transactions, recipients, outcomes
 */
#ifndef OUTPOST_RELAY_SMTP_CARRIER_H
#define OUTPOST_RELAY_SMTP_CARRIER_H

#include "mail/envelope.h"
#include "relay/body.h"
#include "relay/signin.h"
#include "relay/transport_int.h"
#include "session/client.h"

struct carrier {
    struct transport *t;
    struct session_plan plan;
    struct session *session; /* NULL: cold */
    bool up;                 /* it was ready once */
    uint64_t ready_at;       /* of the loop */
    uint64_t carried;        /* transactions over this line */

    struct credential_users users;
    struct signin_run run;
    struct secret *credential; /* in hand while a run goes on */
    struct credential_fetch *fetch;
    bool fetch_failed;
    struct evidence refusal; /* why another token is looked for */
    struct secret *fresh;    /* what came of that */
    struct err fresh_why;
    bool asking, fresh_came;
    bool renewed; /* the credential is what the sign-in server gave for a refused one, in this run */

    /* The message under way. Its recipients are counted from 0 here, in the order they are named in. */
    struct envelope envelope; /* as this server gets it; what it points at is the message's, or below */
    struct recipient *grouped; /* those of one domain together; NULL: as they came */
    size_t *order;             /* the place in the message's envelope of each of these */
    struct body body;
    size_t first, count; /* of this transaction */
    bool warm;           /* the line had been there for a while when the message came */
};

/* -- transport_smtp.c -- */

/* Another line; the message under way, if any, goes on over it. */
void carrier_open(struct carrier *c);
/* With a goodbye where one is due. */
void carrier_hang_up(struct carrier *c);

/* -- smtp_message.c -- */

/* The session is fit to send: the message begins there, or goes on. */
void message_begin(struct carrier *c);
/* The transaction is over. */
void message_sent(struct carrier *c);
/* No further line can be had. False: nothing of the message was begun. */
bool message_stranded(struct carrier *c, const struct evidence *why);
void message_done(struct carrier *c);

#endif
