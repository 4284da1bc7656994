/* Takes what is due out of the queue and hands it to the providers, by each account as much as it may.
 *
 *     struct relay_plan plan = { .queue = queue, .config = config, .know = know, .world = &world, ... };
 *     relay_start(&plan, &relay, err)
 *     ... relay_drain(relay, drained, me)      nothing new is begun; told when nothing is under way
 *     relay_free(relay)
 *
 * A lane is what mail was accepted for: an account, or a route, whose accounts are tried in their order. A sender
 * is an account with its limits, its health and its channels, each a transport that stays warm. A lane claims a
 * window of due messages for a sender that may send; its channels take them one after another; what became of each
 * is settled in the queue before the next word about it.
 *
 * No body byte leaves before the queue has it in writing (`leaving`). An account's trouble gives its messages back.
 * A sender whose sign-in is lost is parked: nothing of it ages, and now and then one message tries whether it works
 * again. Nobody polls: the queue tells what becomes due, and timers hold the rest.
 */
#ifndef OUTPOST_RELAY_RELAY_H
#define OUTPOST_RELAY_RELAY_H

#include "account/config.h"
#include "os/random.h"
#include "queue/queue.h"
#include "relay/attempt.h"
#include "relay/today.h"
#include "relay/transport.h"

struct relay;

#define RELAY_EVENTS(X)                                                \
    X(DELIVERED,  "delivered")                                         \
    X(DEFERRED,   "deferred")                                          \
    X(FAILED,     "failed")                                            \
    X(UNKNOWN,    "unknown")                                           \
    X(PARKED,     "parked")     /* an account: until a person mends it */ \
    X(UNPARKED,   "unparked")                                          \
    X(WAITS,      "waits")      /* an account: its line is broken */   \
    X(BLOCKED,    "blocked")    /* an account: its limit is used up */ \
    X(TROUBLE,    "trouble")    /* the queue could not be told */

enum relay_event_kind {
#define X(name, word) RELAY_EVENT_##name,
    RELAY_EVENTS(X)
#undef X
};
const char *relay_event_word(enum relay_event_kind kind);

struct relay_event { /* good during the call; NULL and 0: does not apply */
    enum relay_event_kind kind;
    uint64_t id;          /* of the message */
    const char *account;  /* that sent, or is parked */
    const char *recipient;
    const struct evidence *evidence;
    const char *cause;
    const char *transport; /* "smtp" */
    uint64_t until;       /* of the queue's time */
    uint64_t ms;          /* the attempt took */
    unsigned reports;     /* of enum store_report: somebody is to be told of it (relay/notice.h) */
};

/* Whoever can look around where an account's server is not reached, so that it is known why before the failure is judged. */
struct relay_looker {
    /* Begins a look, where there is something to look for: else NULL. `looked` is told once, never from within, what is known
     * then; the evidence is good until `end`. */
    struct looking *(*begin)(void *who, const struct account *account, const struct evidence *why,
                             void (*looked)(void *of, const struct evidence *evidence), void *of);
    void (*end)(struct looking *looking); /* `looked` is not told any more. NULL is nothing */
    void *who;
};

struct relay_plan { /* borrowed, with all it points at, until the relay is gone */
    struct queue *queue;
    const struct config *config; /* with queue_part and route_part (relay/settings.h) */
    const struct knowledge *know;
    const struct transport_world *world; /* its loop is the relay's */
    const struct disk *disk;
    const struct dice *dice;
    const char *directory; /* for bodies that are too large for memory: files without a name */
    struct attempt_policy policy;
    bool in_line;          /* the queue is (queue/queue.h): a test, a simulation */
    /* Each step as it happens, for the log. May be NULL. */
    void (*saw)(void *who, const struct relay_event *event);
    /* How many octets of a message's body have left, as they go. May be NULL. */
    void (*moved)(void *who, uint64_t id, uint64_t sent, uint64_t size);
    void *who;
    struct relay_looker looker; /* begin NULL: nobody looks */
};

/* What stood in the queue before is taken up, too. */
MUST_USE bool relay_start(const struct relay_plan *plan, struct relay **ret_relay, struct err *err);

/* Nothing new is begun. `drained` is told once, never from within: nothing is under way, and all of it is settled. */
void relay_drain(struct relay *relay, void (*drained)(void *who), void *who);
/* Gone at once; what is under way is settled by the queue when its lease has run out. NULL is nothing. */
void relay_free(struct relay *relay);
OWNED(relay);

/* A person did something about this account (NULL: about all): it is tried again now, parked or not. */
void relay_wake(struct relay *relay, const char *account);

/* This machine may reach more than before (net/reach.h), or has slept. What waits for the network is tried at once - within
 * seconds, by chance, so that not all who wait come together -, and every timer is looked at anew. */
void relay_reaches(struct relay *relay);

enum relay_health { RELAY_READY, RELAY_SENDING, RELAY_WAITS, RELAY_BLOCKED, RELAY_PARKED };
const char *relay_health_word(enum relay_health health);

struct relay_status { /* of an account; texts as long as the relay */
    const char *account;
    enum relay_health health;
    uint64_t until;      /* of the queue's time; 0: not known */
    const char *because; /* a cause, or ""; */
    char said[ERR_TEXT_MAX];
    struct relay_today today;
    size_t channels;
    uint64_t delivered, deferred, failed, unknown; /* recipients, since the start */
};

/* The account in this place, counted from 0; false: there are no more. */
bool relay_status(const struct relay *relay, size_t at, struct relay_status *ret_status);
/* ---- a connection for somebody else ---- */

/* A provider counts an account's connections, whoever makes them. So who signs in beside the relay - the doctor -
 * borrows one of its: an idle channel is let go for that; where all are busy, the next that is free; and the relay does
 * with one less meanwhile. */
struct relay_loan;

enum { RELAY_LOAN_MS = 60 * 1000 }; /* then it is the relay's again, whatever the borrower does */

enum relay_lent {
    RELAY_LENT,
    RELAY_NONE_FREE, /* in the time that was given */
    RELAY_LOAN_OVER, /* it was lent, and is not any more */
};

/* `told` what becomes of it, never from within. The loan is the caller's until relay_give_back(), also when the relay
 * is gone. ERR_CONFIG: there is no such account. */
MUST_USE bool relay_borrow(struct relay *relay, struct span account, uint64_t patience_ms,
                           void (*told)(void *who, enum relay_lent lent), void *who, struct relay_loan **ret_loan,
                           struct err *err);
/* Nothing more is told. NULL is nothing. */
void relay_give_back(struct relay_loan *loan);

/* Is anything under way, or waiting for its turn in memory? */
bool relay_is_busy(const struct relay *relay);

#endif
