/* What the ways out share, and nobody else sees: a kind is a row, and tells what happens through the
 * functions below.
 *
 *     transport.c          the face: what is told when
 *     transport_auto.c     which kind, and when another one
 *     transport_smtp.c     submission, with smtp_message.c
 *     transport_https.c    asking an HTTPS interface; transport_graph.c, transport_gmail.c: what they are
 */
#ifndef OUTPOST_RELAY_TRANSPORT_INT_H
#define OUTPOST_RELAY_TRANSPORT_INT_H

#include "know/classify.h"
#include "net/timer.h"
#include "relay/choice.h"
#include "relay/transport.h"

struct https_api;

struct transport_kind {
    const char *name;
    const struct https_api *api; /* NULL: none, it is SMTP */
    /* Makes the kind's own state and begins; transport_ready() or transport_failed() follows. */
    bool (*open)(struct transport *t, struct err *err);
    /* t->message goes out: transport_sent() or transport_failed() follows. Never within the call: what
     * fails at once goes by transport_fail_soon(). */
    void (*send)(struct transport *t);
    void (*close)(struct transport *t);
};

extern const struct transport_kind transport_smtp, transport_graph, transport_gmail;

enum transport_news { NEWS_NONE, NEWS_READY, NEWS_SENT, NEWS_FAILED };

struct transport {
    const struct transport_world *world;
    struct credential_world credentials; /* the world's, by the account's own proxy where it has one */
    const struct account *account;
    const struct transport_kind *kind;
    void *own; /* the kind's; NULL: not open */
    struct transport_events events;
    void *who;
    struct transport_message message;
    bool sending;     /* the message was not told of yet */
    uint64_t give_up; /* of the loop: by then it is over */
    bool told_ready;
    struct timer *timer; /* tells by the loop's next turn what must not be told within a call */
    enum transport_news news;
    struct evidence failure;

    /* transport = auto */
    const char *other;      /* the way to go where SMTP is shut; NULL: there is none, or it was gone already */
    struct choice choice;
    bool moved;             /* to the other way, which has taken nothing yet; after this: */
    struct evidence shut;
};

void transport_ready(struct transport *t);
void transport_sent(struct transport *t);
void transport_failed(struct transport *t, const struct evidence *why);
void transport_ready_soon(struct transport *t);
void transport_sent_soon(struct transport *t);
void transport_fail_soon(struct transport *t, enum stage stage, const struct err *err);

/* The kind that was wished for, or was found to work. */
void transport_choose(struct transport *t);
/* A failure: is there another way to go? Then it goes that way; *why stays as it is. Else *why may get words
 * about both ways. */
bool transport_moves(struct transport *t, struct evidence *why);
/* A message went out: what it took is worth remembering. */
void transport_went(struct transport *t);

const char *transport_provider(const struct transport *t); /* for evidence; NULL: none is known */
/* The verdict, and its cause alone: NULL where it is not known. */
const char *transport_cause(const struct transport *t, const struct evidence *evidence);
MUST_USE bool transport_verdict(const struct transport *t, const struct evidence *evidence, struct verdict *ret_verdict);
/* What is left of the patience for the whole, in milliseconds, 1 at least; 0: no end. */
uint64_t transport_time_left(const struct transport *t);
/* By when a password or a token has to be there: before the whole is over, so that it can be told what did not come. (A
 * call for a new token that is under way is not given up by that: account/oauth_renew.h.) */
uint64_t transport_credential_deadline(const struct transport *t);
/* Something worth a line of --verbose. */
void transport_note(const struct transport *t, enum stage stage, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
