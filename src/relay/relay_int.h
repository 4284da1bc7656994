/* What relay.c, lane.c, sender.c, channel.c and parcel.c share: the room's own.
 *
 *     relay ── lanes (by the name mail was accepted for) ── senders, in their order ── channels ── a parcel each
 */
#ifndef OUTPOST_RELAY_RELAY_INT_H
#define OUTPOST_RELAY_RELAY_INT_H

#include "net/timer.h"
#include "queue/limit.h"
#include "relay/relay.h"
#include "relay/settings.h"
#include "relay/turn.h"

enum {
    RELAY_LEASE_MS = 15 * 60 * 1000,
    RELAY_EXTEND_MS = RELAY_LEASE_MS / 3,
    RELAY_WINDOW = 32,                /* messages claimed together... */
    RELAY_WINDOW_BYTES = 1024 * 1024, /* ...and octets */
    RELAY_CHANNELS_USUAL = 4,         /* where no profile says */
    RELAY_CHANNELS_MOST = 64,
    RELAY_IDLE_MS = 60 * 1000,        /* a channel without work is closed then */
    RELAY_PROBE_MS = 10 * 60 * 1000,  /* how often a parked account is tried */
    RELAY_AGAIN_MS = 5 * 1000,        /* when the queue or memory failed us */
    RELAY_FOREIGN_MS = 60 * 1000,     /* what only the usual account may send, while that can not */
    RELAY_AWAY_MOST = 64,             /* messages that are remembered to wait for the network, of an account */
    RELAY_REACH_MS = 2000,            /* within so long they are tried when it is back */
    RELAY_LATE_WINDOW = 100,          /* messages looked at together because they are late */
    RELAY_LATE_MS = 1000,             /* new mail may have a deadline: so soon it is asked for */
    RELAY_LAST_TRY_MS = 15 * 1000,    /* who is due at the end of his time is tried first, if that is possible */
    RELAY_NOT_LATE_MS = 60 * 1000,    /* the queue and we don't agree on what is late */
};

_Static_assert((uint64_t)RELAY_EXTEND_MS * 2 < (uint64_t)RELAY_LEASE_MS, "a lease outlives two extensions that failed");

/* What one claim brought; freed with the last parcel of it. */
struct batch {
    struct store_items items;
    size_t users;
};

/* When it could have left first: it ages since then. */
static inline uint64_t item_born(const struct store_item *item)
{
    return item->not_before > item->created ? item->not_before : item->created;
}

/* A message in hand: claimed, and not yet settled. */
struct parcel {
    struct relay *relay;
    struct lane *lane;
    struct sender *sender; /* it was claimed for */
    struct batch *batch;
    const struct store_item *item;
    struct parcel *after;  /* in lane->waiting */
    struct parcel *next;   /* in relay->held */
    struct parcel **held_by; /* the link of relay->held that points here */
    bool gone;             /* it is another's by now: not to be sent, not to be settled */
    int fd;                /* the body, where it is more than a piece; -1: in the item, or not fetched */
    uint32_t fetched;      /* pieces */
    uint64_t began;        /* loop_now() */
    size_t first, count;   /* recipients of the transaction under way */
    size_t counted;        /* of the next one, or of this, by the sender's limits... */
    uint64_t counted_at;   /* ...in the queue's time */
    uint64_t random;       /* one for all: who is put off together comes back together */
    bool decided;          /* something became of it: the queue must hear of that */
    bool unsaid;           /* it could not be told; in relay->unsaid by this: */
    struct parcel *unsaid_next;
    uint64_t rest_at;      /* those from `first` on go back, for a later time; 0: they don't */
    struct transport_outcome *outcomes; /* one for each recipient of the item */
    struct verdict *verdicts;
    struct store_outcome *settled; /* what the queue is told */
};

struct channel {
    struct sender *sender;
    struct transport *transport; /* NULL: closed */
    bool ready;
    uint64_t carried;
    struct parcel *parcel; /* under way, or waits for the transport to be ready */
    struct transport_message message; /* that it sends: borrowed by the transport */
    size_t transactions;         /* that came of it so far */
    struct queue_ask *ask; /* what it waits for; NULL: nothing */
    bool looked_at; /* its server was not reached, and sender.looking tells why */
    struct timer *idle;
    struct channel *next;
};

struct sender { /* an account */
    struct relay *relay;
    const struct account *account;
    struct limit limit;
    struct limit_allowed allowed;
    bool limit_known;
    struct turn turn;     /* of a message that finds no room */
    bool turn_checked;    /* the queue is being asked whether it still waits */
    enum attempt_lane state;
    uint64_t until;       /* of the queue's time: when it may be tried again */
    uint32_t line_breaks; /* in a row */
    const char *because;  /* a cause's id; "" */
    char said[ERR_TEXT_MAX];
    bool away;            /* it waits for the network, and not for who is there */
    struct store_wait put_off[RELAY_AWAY_MOST]; /* by that; the last of them, going round */
    size_t put_off_count;
    bool books_wrong;     /* the queue could not be told whether it is parked */
    struct channel *channels;
    size_t channel_count, channel_most;
    struct looking *looking; /* around the server that was not reached, for all channels; NULL: nobody does */
    enum stage looked_stage; /* ...which failed in this way */
    const char *looked_fact;
    struct relay_loan *loans; /* connections that others have, or wait for */
    uint64_t counts[STORE_STATE_COUNT]; /* recipients, by what became of them */
    struct sender *next;
};

struct lane { /* what mail was accepted for: an account, or a route */
    struct relay *relay;
    const char *name;
    struct sender *senders[ROUTE_ACCOUNTS_MAX];
    size_t sender_count;
    unsigned advances;   /* of enum route_advance */
    bool claiming;
    struct { /* when something is due for each sender, of the queue's time; STORE_NEVER: nothing waits */
        uint64_t any, tied; /* tied: what only he may send */
    } due[ROUTE_ACCOUNTS_MAX];
    struct parcel *waiting, **waiting_end;
    size_t waiting_count;
    struct timer *timer;
    uint64_t late_at;    /* when something is late while it waits, or may be; of the queue's time */
    bool looks_for_late;
    struct timer *late_timer;
    struct lane *next;
};

struct relay {
    struct relay_plan plan;
    struct loop *loop;
    struct queue_port *port;
    struct lane *lanes;
    struct sender *senders;
    struct parcel *held;  /* all parcels */
    struct timer *extend;
    struct parcel *unsaid; /* outcomes that the queue could not be told, and is told again when this rings: */
    struct timer *say_again;
    size_t asks;          /* jobs that the queue has not answered */
    bool draining, ending;
    void (*drained)(void *who);
    void *drained_who;
    struct timer *errand; /* tells `drained` */
};

/* relay.c */
uint64_t relay_now(const struct relay *relay); /* the queue's time */
uint64_t relay_loop_time(const struct relay *relay, uint64_t queue_time); /* for a timer */
void relay_tell(struct relay *relay, const struct relay_event *event);
uint64_t relay_random(struct relay *relay);
/* Something ended: is it all? */
void relay_ended(struct relay *relay);
/* Every lane that this sender serves looks again. */
void relay_look(struct relay *relay, const struct sender *sender);

/* lane.c */
void lane_due(struct lane *lane, uint64_t at);
/* The same for whoever will look anyhow. */
void lane_note_due(struct lane *lane, uint64_t at);
/* Does what can be done now: claims, gives parcels to channels, or sets its timer. */
void lane_look(struct lane *lane);
void lane_rang(void *lane);
/* The next parcel for this sender; NULL: there is none. */
struct parcel *lane_take(struct lane *lane, const struct sender *sender);
void lane_add(struct lane *lane, struct parcel *parcel);

/* late.c: what is late while it waits - the account can't send, or not so much - comes to its end all the same. */
/* At this time something may be, of the queue's. */
void lane_late(struct lane *lane, uint64_t at);
void lane_late_rang(void *lane);

/* sender.c */
/* When it may begin another message: now (0), or at a time; STORE_NEVER: when something ends. */
uint64_t sender_free_at(struct sender *sender);
/* Counts the parcel's next portion: as many recipients as may be named at once. 0, or when there is room for it. */
MUST_USE uint64_t sender_count(struct sender *sender, struct parcel *parcel);
/* Whose turn it is may have gone: the queue is asked. */
void sender_check_turn(struct sender *sender);
/* It did not leave; it left, and the server made so many transactions of it. */
void sender_uncount(struct parcel *parcel);
void sender_spent(struct parcel *parcel, size_t transactions);
/* What could not be written of its being parked is written again. */
void sender_mend_books(struct sender *sender);
/* Has it trouble that lets a route go on to the next? */
bool sender_advances(const struct sender *sender, unsigned advances);
/* What an attempt means for it. */
void sender_learn(struct sender *sender, const struct meaning *meaning, const struct evidence *evidence,
                  const struct verdict *verdict);
/* Is it the network's trouble, and not the server's? */
bool is_away(const struct evidence *evidence);
/* A recipient waits for the network until then. */
void sender_put_off(struct sender *sender, uint64_t id, uint64_t until);
/* The network may be back. */
void sender_reaches(struct sender *sender);
/* A message went through, or was refused for what it is: it works. */
void sender_works(struct sender *sender);
MUST_USE bool sender_load(struct sender *sender, struct err *err); /* asks for its limits; looks when they came */

/* channel.c */
/* Takes a parcel, on a channel that is free or a new one. False: there is none. */
MUST_USE bool channel_give(struct sender *sender, struct parcel *parcel);
size_t channels_free(const struct sender *sender);
void channels_free_all(struct sender *sender);
/* How many messages may be given to its channels now, whatever its limits. */
size_t channels_hands(const struct sender *sender);
/* Lines that are up, or being made. */
size_t channels_open(const struct sender *sender);
/* Hangs up on one that carries nothing. False: all do. */
bool channel_let_go(struct sender *sender);

/* loan.c */
/* Lent or promised. */
size_t loans_count(const struct sender *sender);
/* Something became free: who waits for it? */
void loans_look(struct sender *sender);
/* The sender goes: they are nobody's. */
void loans_orphan(struct sender *sender);

/* parcel.c */
MUST_USE struct parcel *parcel_new(struct lane *lane, struct sender *sender, struct batch *batch,
                                   const struct store_item *item);
void parcel_free(struct parcel *parcel);
/* Every recipient not yet decided, from the parcel's `first` on, has this outcome. */
void parcel_fail(struct parcel *parcel, enum smtp_fate fate, const struct evidence *evidence);
/* Judges what is decided, and tells the queue. Takes the parcel. */
void parcel_settle(struct parcel *parcel);
/* All recipients were refused in a way that the route's next account may mend, if it may send as this sender:
 * that one takes it now, from the same claim (true: the parcel is its), or it waits for that one, as settled. */
MUST_USE bool route_goes_on(struct parcel *parcel);
/* Its account failed it: another that can send now, and may send this, need not wait. */
void route_pass_on(struct parcel *parcel);
/* In the name of this sender, and of this From. */
bool route_may_send(const struct account *account, const struct store_item *item);
/* Was it to be delivered by now, or else to come back (RFC 2852, mode R)? Of those that a person lets go on, no. */
bool parcel_is_late(const struct parcel *parcel);
/* It was not tried: what is late of it is given up, or told of, and the rest goes back as it was. Was anything late? Takes
 * the parcel. */
bool parcel_settle_late(struct parcel *parcel);
/* Says again what the queue could not be told. */
void parcels_say_again(void *relay);
/* Nothing was tried: due again at `next`. Takes the parcel. */
void parcel_give_back(struct parcel *parcel, uint64_t next);
/* For the transport. */
struct transport_body parcel_body(struct parcel *parcel);

#endif
