/* Where mail waits, and the only words for what may happen to it.
 *
 *             accept          claim           leaving          settle
 *   (nowhere) ------> queued -------> sending --------> leaving ------> delivered, failed
 *                       ^              |  |               |  |
 *                       |  given back  |  | settle later  |  | no word came back,
 *                       +--------------+  v               |  | or the lease ran out
 *                       |   lease    deferred <-----------+  v
 *                       +-- ran out    | due               unknown --> due again, or for a
 *                                      +--> claim             |       person to decide (policy)
 *                                                             +--> claim
 *
 * These are states of a recipient; any that is not over may become `removed`, by a person. A message is
 * held by a person, or with a cause, as a whole: its recipients stay what they are, out of claim's sight.
 * Parked is the state of an account, shown for its messages and never written to them.
 *
 * The proof
 *   1. A message is there from the commit of its `accept` on, whole, with all its recipients. Pieces of its
 *      body that came before are nothing until then.
 *   2. A claim is a lease: a number that was never given before, and a time. The word of a lease counts until
 *      another lease took the message; so of two that think they have it, one is refused (fencing).
 *   3. No body byte leaves before `leaving` was committed. So when a lease runs out, a recipient that is
 *      `sending` was not sent and is queued again, and one that is `leaving` may have been: it is unknown.
 *   4. `delivered` and `failed` come by `settle` alone, which is all or nothing. A recipient that is over stays
 *      what it is.
 *   5. A failure that a person is to be told of is marked so by the same `settle`, and the mark goes by the same
 *      commit that accepts its report, or by `told`. Body and message stay until no mark is left.
 *   6. Every arrow is one commit. A crash between two loses nothing, and repeats nothing that is not called
 *      unknown.
 *
 * Batches and jobs. All is done within a batch, and in jobs: begin, job_begin, ..., job_end, job_begin, ...,
 * commit. What a job did stays or goes as a whole; other jobs of the batch don't notice. An operation that
 * failed may have been half done: its job is to be ended with `keep` false. A bare job costs less, for what it does
 * is not kept apart: when it failed with something half done, the whole batch goes with it. It is for the one accept
 * without a key, report or wish to wait, and for the one piece of a body: only a store in trouble breaks these off
 * half way, and then the others' jobs would hardly fare better. Nothing is promised before
 * commit succeeded; when it fails, nothing of the batch was done. One batch at a time, one thread: queue/queue.h
 * is for everybody else.
 *
 * Times are milliseconds of the queue's own clock (queue/steady.h), which never jumps: not quite the wall's.
 * Texts handed in are borrowed for the call. Errors: ERR_IO with disk:full, disk:reserve, disk:failed or
 * store:damaged, ERR_MEMORY, and what is said at each function; nothing here waits.
 */
#ifndef OUTPOST_QUEUE_STORE_H
#define OUTPOST_QUEUE_STORE_H

#include "base/buf.h"
#include "base/pool.h"
#include "mail/envelope.h"

/* The word is what --state takes and JSON shows. */
#define STORE_STATES(X)                                                          \
    X(QUEUED,    "queued",    "waits for its turn")                              \
    X(SENDING,   "sending",   "is being sent")                                   \
    X(LEAVING,   "sending",   "is being sent; its body may be with the server")  \
    X(DEFERRED,  "deferred",  "the server said: not now")                        \
    X(UNKNOWN,   "unknown",   "the body went out, no answer came")               \
    X(DELIVERED, "delivered", "the server has it")                               \
    X(FAILED,    "failed",    "it will not be sent")                             \
    X(REMOVED,   "removed",   "taken away by a person")                          \
    X(HELD,      "held",      "held back")                                       \
    X(PARKED,    "parked",    "its account can't send")

enum store_state {
#define X(name, word, words) STORE_##name,
    STORE_STATES(X)
#undef X
    STORE_STATE_COUNT,
};

#define STORE_IN(state) (1u << (state)) /* for sets of states */
enum {
    STORE_OPEN = STORE_IN(STORE_QUEUED) | STORE_IN(STORE_SENDING) | STORE_IN(STORE_LEAVING) |
                 STORE_IN(STORE_DEFERRED) | STORE_IN(STORE_UNKNOWN), /* of a recipient: not over yet */
    STORE_WAITING = STORE_IN(STORE_QUEUED) | STORE_IN(STORE_DEFERRED) | STORE_IN(STORE_UNKNOWN),
};

const char *store_state_word(enum store_state state);
/* The states that are shown by this word, as a set; 0: there is no such word. */
unsigned store_states_of_word(struct span word);

#define STORE_NEVER UINT64_MAX

enum {
    STORE_PIECE_MAX = 64 * 1024,
    STORE_NAME_MAX = 255,       /* an account, a submitter, a cause */
    STORE_TEXT_MAX = 512,       /* evidence; longer text is cut */
    STORE_CONTENT_MAX = 64,     /* a digest */
    STORE_MARK_MAX = 4096,
    STORE_LOST_MAX = 3,         /* leases lost in a row, and the message is held */
};
enum { STORE_KEY_MS = 24 * 60 * 60 * 1000 };

struct store;

/* Body ---------------------------------------------------------------------------------------------------- */

/* A body on its way in; begins as { 0 }. Plain data: losing it abandons the body, which sweep takes away. */
struct store_body {
    uint64_t id;
    uint32_t pieces;
    uint64_t size;
};

/* Adds a piece of 1 to STORE_PIECE_MAX bytes. On failure the body is as it was if its job is ended so. */
MUST_USE bool store_body_add(struct store *store, struct store_body *body, struct span piece, uint64_t now,
                             struct err *err);
/* Takes away what was added. */
MUST_USE bool store_body_drop(struct store *store, const struct store_body *body, struct err *err);
/* Adds a message's piece to *out, the first is 0; its checksum is looked at (store:damaged). ERR_DATA
 * store:gone where there is no such message or piece. */
MUST_USE bool store_body_read(struct store *store, uint64_t id, uint32_t piece, struct buf *out,
                              struct err *err);

/* In ------------------------------------------------------------------------------------------------------ */

/* What a person is to be told of: bits, for each recipient. */
enum store_report { REPORT_FAILURE = 1, REPORT_DELAY = 2, REPORT_RELAYED = 4 };

/* Those whom somebody has been told of. */
struct store_told {
    uint64_t id;
    unsigned kinds;             /* of enum store_report */
    const uint32_t *recipients; /* by number */
    size_t count;
    const char *how;            /* for the message's story: "mailbox /var/mail/root" */
};

struct store_order {
    const char *account;   /* an account's or a route's name */
    const char *submitter; /* "uid:1000": who may see and remove it */
    const struct envelope *envelope; /* with a recipient at least. `size` is counted here, not read */
    struct span content;   /* with envelope->key: a digest of what was handed in, before anything was added */
    const char *message_id, *from; /* to be shown; NULL: unknown */
    int priority;          /* 9 (first) to -9, RFC 6710; 0 usually */
    uint64_t not_before;   /* 0: at once */
    uint64_t deadline;     /* 0: none; RFC 2852. Then it is due, and late, at the latest: to be given up... */
    bool deadline_tells;   /* ...or to tell of the delay, and go on */
    bool silent;           /* it answers a message by itself: no mail is ever sent about it */
    const struct store_told *tells; /* it is a report: these are told of by the same commit. NULL: it is none */
    const struct store_body *body;  /* what was added before; NULL: nothing */
    struct span last;      /* the body's last piece, or all of it; up to STORE_PIECE_MAX */
};

struct store_accepted {
    uint64_t id;
    bool repeated; /* it had been accepted before, by this id: nothing was added, its body was dropped */
};

/* ERR_DATA store:key-reused: the submitter's key for this account came within STORE_KEY_MS with other content.
 * ERR_DATA store:told-already: of none of order->tells was there still to be told. ERR_DATA store:gone: the body
 * is not there as it was added. ERR_IO disk:reserve: the disk is nearly full, and only reports go in. */
MUST_USE bool store_accept(struct store *store, const struct store_order *order, uint64_t now,
                           struct store_accepted *ret_accepted, struct err *err);

/* Out ----------------------------------------------------------------------------------------------------- */

/* So old. Age counts from the accept, or from `not_before`; the time its account was parked is no part of it. */
struct store_late {
    uint64_t give_up_ms; /* it is to be given up */
    uint64_t delay_ms;   /* who wished to hear of a delay is to hear of it */
};

struct store_claim {
    const char *account; /* as accepted: an account's or a route's name */
    const char *by;      /* the account that would send; NULL: the same. A message that one account may have delivered
                            already is given to that one only... */
    bool tied;           /* ...and nothing but those is wanted */
    uint64_t first;      /* this message comes first, if it is due for this claim; 0: none has precedence */
    uint64_t until;      /* the lease's end */
    bool leaving;        /* the line is warm, the bodies leave at once: one commit less... */
    const char *via;     /* ...by this transport ("smtp"); NULL: unsaid */
    /* The window: as many as fit, one at least. */
    size_t messages, recipients;
    uint64_t bytes;
    /* Not what is due: what waits, due or not, and is late, so that somebody hears of it. That is what is so old; and what
     * has a deadline that passed, which is the client's own: it passes by the clock, parked or not, released or not. All
     * that goes on by itself of such a message comes, without its body, for any account (`by` and `bytes` are not asked).
     * What is held is a person's, and never late. Who is told of a delay, or told nobody because nobody wishes it, is not
     * late by that again. */
    const struct store_late *late;
};

struct store_open_recipient {
    uint32_t number;     /* in its message, from 0 */
    enum store_state was;
    uint32_t tries;      /* before this one */
    unsigned told;       /* of enum store_report, wished for or done */
    uint64_t next;       /* when it was due */
    const char *cause, *text; /* of the last try; never NULL, "" none */
};

struct store_item {
    uint64_t id, lease;
    struct envelope *envelope; /* the recipients to be sent to now, and no others; no key */
    struct store_open_recipient *recipients; /* one for each of the envelope's */
    uint64_t created;
    uint64_t stood;      /* milliseconds since then that don't count: its account was parked */
    uint64_t not_before;
    uint64_t deadline;
    bool deadline_tells, silent;
    int priority;
    uint64_t size;
    uint32_t pieces;
    uint32_t lost;       /* leases lost in a row: it is claimed alone */
    bool partial;        /* more of its recipients are due than fitted; they follow when this lease is over */
    size_t total;        /* recipients of the message, those not due now and those that are over, too */
    const char *account, *submitter, *message_id, *from; /* never NULL; "" unknown */
    const char *tied_to; /* an earlier try by this transport ended unknown; "" none did */
    struct span body;    /* all of it where it is one piece; else to be read in pieces */
};

struct store_items { /* begins as { 0 } */
    struct pool pool;
    struct store_item *at;
    size_t count;
    uint64_t next_due;   /* when more is due for this claim, or late; past where the window was full; STORE_NEVER: none
                            waits, or none gets late while its account is parked */
};
void store_items_done(struct store_items *items);

/* Due messages by priority, then by time. A message that lost leases comes alone. None is no failure. A body
 * that is damaged holds its message and is passed over. */
MUST_USE bool store_claim(struct store *store, const struct store_claim *claim, uint64_t now,
                          struct store_items *ret_items, struct err *err);

/* A lease on a message, or on some of the recipients it holds. */
struct store_lease {
    uint64_t id, lease;
    const uint32_t *recipients; /* by number; NULL: all */
    size_t count;
    const char *via; /* for store_leaving(): the transport, "smtp"; NULL: unsaid */
    bool gone; /* out: the lease is not good any more, or a person took the message away: don't send */
};

/* Their bodies begin to leave by this account, as soon as this is committed. */
MUST_USE bool store_leaving(struct store *store, const char *by, struct store_lease *leases, size_t count,
                            uint64_t now, struct err *err);
/* Moves the ends of leases to `until`. */
MUST_USE bool store_extend(struct store *store, struct store_lease *leases, size_t count, uint64_t until,
                           uint64_t now, struct err *err);

struct store_outcome {
    uint32_t number;
    enum store_state state; /* QUEUED: given back, nothing was tried, and is what it was; DEFERRED, UNKNOWN, DELIVERED,
                               FAILED */
    uint64_t next;          /* QUEUED, DEFERRED, UNKNOWN: when it is due; STORE_NEVER: only a person goes on with it */
    uint16_t reply, enhanced[3]; /* 0: none */
    const char *cause;      /* of know/cause.h; NULL: none */
    const char *text;       /* the evidence, safe to show; NULL: none */
    unsigned reports;       /* of enum store_report: what somebody is now to be told of; of what is given back, too */
};

struct store_settlement {
    uint64_t id, lease;
    const char *by;
    const struct store_outcome *outcomes;
    size_t count;
    const char *hold;      /* a cause: what of the message is not over is held with it; NULL: it is not */
    const char *hold_text; /* or NULL */
};

/* What became of recipients of a lease. Recipients not named stay in it; with the last one it ends. ERR_DATA
 * store:lease-lost where it is another's by now, or the recipient is not in it. What an unknown turned out to be
 * is taken from the lease that lost it, too. */
MUST_USE bool store_settle(struct store *store, const struct store_settlement *settlement, uint64_t now,
                           struct err *err);

/* A message of which something was put off until then. */
struct store_wait {
    uint64_t id, next;
};
/* What is deferred until just then is due at `at` instead, if that is sooner: what it waited for is over. All else of these
 * messages, and those that are gone, are left alone. */
MUST_USE bool store_hasten(struct store *store, const struct store_wait *waits, size_t count, uint64_t at, uint64_t now,
                           struct err *err);

/* Telling ------------------------------------------------------------------------------------------------- */

struct store_rows;

/* Messages with recipients somebody is to be told of, due now; the rows have only these recipients, at most
 * `recipients` each. They are not given again before `again`, but for those that were left out of a message of
 * which others have been told meanwhile: they are due at once. Their bodies can be read. */
MUST_USE bool store_reports(struct store *store, uint64_t now, uint64_t again, size_t messages,
                            size_t recipients, struct store_rows *ret_rows, uint64_t *ret_next, struct err *err);
/* They have been told of, by another way than mail. What was told already is no failure. */
MUST_USE bool store_told(struct store *store, const struct store_told *told, uint64_t now, struct err *err);

/* By hand ------------------------------------------------------------------------------------------------- */

struct store_filter { /* all of it must fit; NULL, 0 and none are not asked */
    const uint64_t *ids;
    size_t id_count;
    const char *account;         /* the exact name */
    const char *submitter;       /* the exact one */
    const char *from, *to;       /* patterns: '*' stands for anything, ASCII case aside. Sender or From; any recipient */
    const char *cause;           /* of any recipient, or of its being held */
    uint64_t created_before;
    unsigned states;             /* STORE_IN(); 0: all that is not over */
};

/* Where a walk goes on. Begins as { 0 }. */
struct store_cursor {
    uint64_t id;
    bool history; /* what is open has been seen */
    bool end;     /* all has been seen */
};

#define STORE_VERBS(X)                                                                     \
    X(HOLD,    "hold",    "is held until it is released")                                  \
    X(RELEASE, "release", "is not held any more; what is unknown is tried again, too")     \
    X(RETRY,   "retry",   "what waits is tried again now")                                 \
    X(REMOVE,  "remove",  "is taken away; nobody is told")

enum store_verb {
#define X(name, word, words) STORE_VERB_##name,
    STORE_VERBS(X)
#undef X
};

struct store_changed {
    uint64_t matched; /* the filter fits, and the verb makes sense for it */
    uint64_t sending; /* of these: being sent now. Held or removed is then only what comes back unsent */
};

/* Looks at `most` messages at most and adds to *changed; call again, in another job and batch, until
 * cursor->end. `who` stands in the story. */
MUST_USE bool store_change(struct store *store, enum store_verb verb, const struct store_filter *filter,
                           struct store_cursor *cursor, size_t most, bool dry_run, const char *who,
                           uint64_t now, struct store_changed *changed, struct err *err);

struct store_row_recipient {
    uint32_t number;
    const char *address, *orcpt; /* orcpt: "" not said */
    unsigned notify;
    enum store_state state;
    enum store_state was; /* while it is claimed: what it was before, and is again when nothing was tried */
    bool unsure;          /* a try ended unknown, whatever came later */
    uint32_t tries;
    uint64_t next; /* STORE_NEVER: not by itself */
    uint64_t at;   /* of the last outcome; 0: none yet */
    uint16_t reply, enhanced[3];
    const char *cause, *text, *by; /* by: the account it was tried with last */
    unsigned wanted, told; /* of enum store_report */
};

struct store_row { /* texts are never NULL */
    uint64_t id, created, size;
    uint64_t done; /* 0: not yet */
    enum store_state state; /* of the message; PARKED where that keeps it from being sent */
    const char *account, *submitter, *sender, *from, *message_id, *envid;
    enum envelope_ret ret;
    enum envelope_body body;
    bool smtputf8, silent, deadline_tells;
    int priority;
    uint64_t not_before, deadline, stood;
    uint32_t pieces;
    uint64_t next; /* when something happens with it by itself; STORE_NEVER */
    uint64_t report_of; /* the message whose report it is; 0 */
    const char *held_because, *held_text, *held_by; /* "" where it is not held */
    struct store_row_recipient *recipients; /* some of them, by number... */
    size_t recipient_count;                 /* ...so many... */
    size_t recipient_total;                 /* ...of so many */
};

struct store_rows { /* begins as { 0 } */
    struct pool pool;
    struct store_row *at;
    size_t count;
};
void store_rows_done(struct store_rows *rows);

/* The next page, in the order of ids: what is open, then, where the filter asks for states that are over, the
 * history. At most `rows` rows with `recipients` recipients each; looks at a bounded number of messages, so that
 * a page may be short, or empty, before cursor->end. */
MUST_USE bool store_list(struct store *store, const struct store_filter *filter, struct store_cursor *cursor,
                         size_t rows, size_t recipients, uint64_t now, struct store_rows *ret_rows,
                         struct err *err);

#define STORE_EVENTS(X)                                          \
    X(ACCEPTED,  "accepted")                                     \
    X(DEFERRED,  "deferred")                                     \
    X(UNKNOWN,   "unknown")                                      \
    X(DELIVERED, "delivered")                                    \
    X(FAILED,    "failed")                                       \
    X(LOST,      "lost")     /* whoever was sending it stopped */ \
    X(HELD,      "held")                                         \
    X(RELEASED,  "released")                                     \
    X(RETRIED,   "retried")                                      \
    X(REMOVED,   "removed")                                      \
    X(TOLD,      "told")     /* somebody was told of the failure */

enum store_event_kind {
#define X(name, word) STORE_EVENT_##name,
    STORE_EVENTS(X)
#undef X
};
const char *store_event_word(enum store_event_kind kind);

/* Recipients with the same outcome share an event. */
struct store_event {
    uint64_t at;
    enum store_event_kind kind;
    uint32_t first, count; /* the first of the recipients it concerns, and how many; count 0: the message */
    uint16_t reply, enhanced[3];
    const char *by; /* an account, or who did it by hand */
    const char *cause, *text;
};

struct store_story { /* begins as { 0 } */
    struct store_rows rows; /* one row, with recipients from `from` on */
    struct store_event *events; /* in the order of time; the oldest of very many are left out */
    size_t event_count;
};
void store_story_done(struct store_story *story);

/* All there is to tell of a message, open or over. ERR_DATA store:gone. */
MUST_USE bool store_show(struct store *store, uint64_t id, uint32_t from, size_t recipients, uint64_t now,
                         struct store_story *ret_story, struct err *err);

/* Accounts ------------------------------------------------------------------------------------------------ */

struct store_account { /* texts are never NULL */
    const char *name;
    uint64_t parked_since; /* 0: it is not parked */
    const char *parked_because, *parked_text; /* a cause; evidence */
    uint64_t parked_told;  /* when a person was told; 0: not yet */
    uint64_t parked_for;   /* milliseconds in all, until now */
    uint64_t counts[STORE_STATE_COUNT]; /* messages by state; what is over is not counted */
    uint64_t oldest;       /* created; of what is open. 0: none */
    uint64_t next_due;     /* STORE_NEVER: none */
};

struct store_accounts { /* begins as { 0 } */
    struct pool pool;
    struct store_account *at;
    size_t count;
};
void store_accounts_done(struct store_accounts *accounts);

/* Every account and route that has, or had, mail or was parked; by name. One alone where `name` is not NULL:
 * then there may be none. */
MUST_USE bool store_accounts(struct store *store, const char *name, uint64_t now,
                             struct store_accounts *ret_accounts, struct err *err);

/* Parked: nothing of it ages until it is unparked. Parked again it keeps its `since`; another cause is to be
 * told anew. Claims are still answered: who may send, the claimer knows. */
MUST_USE bool store_park(struct store *store, const char *account, const char *cause, const char *text,
                         uint64_t now, struct err *err);
MUST_USE bool store_unpark(struct store *store, const char *account, uint64_t now, struct err *err);
/* A person knows that it is parked. */
MUST_USE bool store_park_told(struct store *store, const char *account, uint64_t now, struct err *err);

/* Small things to be remembered: limits used, a server's habits. `kind` and `name` are its key; empty bytes take it
 * away; reading what is not there adds nothing. */
MUST_USE bool store_mark_put(struct store *store, const char *kind, const char *name, struct span bytes,
                             struct err *err);
MUST_USE bool store_mark_get(struct store *store, const char *kind, const char *name, struct buf *out,
                             struct err *err);

/* Upkeep -------------------------------------------------------------------------------------------------- */

struct store_sweep {
    bool reborn;             /* whoever held leases before is gone: all have run out, all bodies are abandoned */
    uint64_t unknown_next;   /* when what became unknown is due; STORE_NEVER: a person decides */
    uint64_t bodies_before;  /* bodies not added to since then are abandoned */
    uint64_t history_before; /* what was over by then is forgotten */
    size_t most;             /* steps at most; *ret_more tells whether some are left */
};
MUST_USE bool store_sweep(struct store *store, const struct store_sweep *sweep, uint64_t now, bool *ret_more,
                          struct err *err);

/* A full check in steps, each a job of its own: everything is read and compared. What is damaged is counted, and a
 * message of it that can still be told is held. */
struct store_checking { /* begins as { 0 } */
    unsigned stage;
    uint64_t at;
    uint64_t seen, damaged; /* messages and other rows */
    char text[STORE_TEXT_MAX]; /* what was found first; "" nothing */
    bool end;
};
MUST_USE bool store_check(struct store *store, struct store_checking *checking, size_t most, uint64_t now,
                          struct err *err);

/* What can be put off until nobody waits; outside of a batch. Failing is told, and does no harm. */
MUST_USE bool store_rest(struct store *store, struct err *err);

/* Begins and ends ----------------------------------------------------------------------------------------- */

struct store_opened {
    bool crashed;   /* it was not closed in order: a check is due */
    uint64_t time;  /* the last time it was told; 0: it is new */
    int64_t wall;   /* how far the wall's clock was ahead of it then */
};

MUST_USE bool store_begin(struct store *store, struct err *err);
MUST_USE bool store_job_begin(struct store *store, struct err *err);
MUST_USE bool store_job_begin_bare(struct store *store, struct err *err);
MUST_USE bool store_job_end(struct store *store, bool keep, struct err *err);
MUST_USE bool store_commit(struct store *store, struct err *err);
/* The batch never was. */
void store_abort(struct store *store);

/* Remembers what time it is, for the next life (queue/steady.h). */
MUST_USE bool store_time_put(struct store *store, uint64_t now, int64_t wall, struct err *err);

/* Told within a job; it counts once that is committed. Each may be NULL. */
struct store_watch {
    void (*due)(void *who, const char *account, uint64_t at); /* a message of the account becomes due */
    void (*changed)(void *who, uint64_t id); /* something became of a message: more than being claimed */
    void *who;
};
void store_watch(struct store *store, const struct store_watch *watch);

/* In order; what is not committed never was. NULL is nothing. */
void store_free(struct store *store);
OWNED(store);

/* In memory, for tests and simulations: gone when it is closed. */
MUST_USE bool store_memory_open(struct store **ret_store, struct err *err);

#endif
