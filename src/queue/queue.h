/* The store on a thread of its own, where it may block, for every loop of the program.
 *
 *     run(data, store, now)   on that thread, as one job (queue/store.h): whatever of the store's words belong
 *                             together. False undoes them all, and spoils nobody else's. It owns `data` until it
 *                             returns, touches nothing else, and may not wait for anybody.
 *     done(data, err)         on the port's loop, after the commit: err->kind is ERR_NONE where all is on
 *                             stable storage. Not called once abandoned.
 *     drop(data)              on the port's loop, last of all, in every case: frees `data`.
 *
 * So a transaction of any kind is three small functions beside a struct of the caller's. All that waits is
 * done in one batch and committed once, then all are answered: a thousand callers cost one sync. Jobs of one
 * port are run in the order they were asked.
 *
 *     static bool run_accept(void *data, struct store *store, uint64_t now, struct err *err)
 *     {
 *         struct accepting *accepting = data;
 *         return store_accept(store, &accepting->order, now, &accepting->accepted, err);
 *     }
 *     ...
 *     queue_ask(port, &(struct queue_job){ run_accept, accepted, drop_accepting, accepting, .bytes = len }, ...)
 *
 * Nobody polls: whoever sends watches, and is told when mail of an account becomes due.
 *
 * The queue sweeps, compacts and checks the store after a crash by itself. While the store can't be used, jobs fail
 * at once with what is wrong.
 *
 * A test, or a simulation, has no thread: options.in_line. Then queue_turn() does what waits, and answers.
 */
#ifndef OUTPOST_QUEUE_QUEUE_H
#define OUTPOST_QUEUE_QUEUE_H

#include "os/clock.h"
#include "queue/store.h"

struct loop;
struct queue;
struct queue_port;
struct queue_ask;
struct queue_follow;

struct queue_options {
    const struct clock *clock;
    uint64_t keep_history_ms;
    bool unknown_held;       /* what became unknown waits for a person; else it is tried again... */
    uint64_t unknown_ms;     /* ...after so long */
    size_t most_jobs, most_bytes; /* what may wait; 0: as usual (16,384 and 32 MB) */
    bool in_line;
};

/* Takes the store, in any case, as `opened` tells it was left; ends the leases of an earlier life; starts the thread. */
MUST_USE bool queue_open(struct store *store, const struct store_opened *opened,
                         const struct queue_options *options, struct queue **ret_queue, struct err *err);
/* Does what waits, closes the store in order. Its ports are gone by then. */
void queue_free(struct queue *queue);
OWNED(queue);

/* The queue's time, milliseconds since 1970 or so: it never jumps, whatever the wall's clock does. From any
 * thread. */
uint64_t queue_now(const struct queue *queue);
/* A time of the queue's as the wall's clock has it, to be shown; and the other way. STORE_NEVER and 0 stay. */
uint64_t queue_to_wall(const struct queue *queue, uint64_t time);
uint64_t queue_from_wall(const struct queue *queue, uint64_t wall);

struct queue_events { /* on the port's loop; each may be NULL */
    /* Mail of this account is due at `at`, maybe now. Told once for many, with the earliest. NULL: memory was short,
     * it may be any account's. What was due before the port was there is to be asked for: store_accounts(). */
    void (*due)(void *who, const char *account, uint64_t at);
    /* The store can't be used, or can again (ERR_NONE); damage was found. */
    void (*trouble)(void *who, const struct err *err);
};

/* A loop's end of the queue; `loop` is NULL in line. A port is used on its loop's thread only. */
MUST_USE bool queue_port_new(struct queue *queue, struct loop *loop, const struct queue_events *events, void *who,
                             struct queue_port **ret_port, struct err *err);
/* What it asked is done to its end, but nobody is told; all data is dropped before this returns. Not from within
 * its own callbacks. It follows nothing any more by then. */
void queue_port_free(struct queue_port *port);
OWNED(queue_port);

struct queue_job {
    bool (*run)(void *data, struct store *store, uint64_t now, struct err *err);
    void (*done)(void *data, const struct err *err);
    void (*drop)(void *data);
    void *data;
    size_t bytes; /* of bodies in `data`: so much memory waits with it */
    bool early;   /* answered as soon as it ran, before the commit: for what only reads, and what may be lost (pieces of a
                     body, a claim that nothing leaves by) */
    bool bare;    /* one accept without a key or a report, or one piece, and nothing else (store_job_begin_bare()) */
};

/* On failure nothing will run, and `data` stays the caller's: ERR_LATER queue:full where too much waits,
 * ERR_MEMORY. *ret_ask is good until done() returns; it may be NULL where nobody will abandon it. */
MUST_USE bool queue_ask(struct queue_port *port, const struct queue_job *job, struct queue_ask **ret_ask,
                        struct err *err);
void queue_abandon(struct queue_ask *ask); /* NULL is nothing */

/* Told on the port's loop each time something became of this message - an outcome, held, removed, over -, until
 * queue_unfollow(). What it was before is to be asked for after this (store_show): from here on nothing is missed. */
MUST_USE bool queue_follow(struct queue_port *port, uint64_t id, void (*changed)(void *who, uint64_t id), void *who,
                           struct queue_follow **ret_follow, struct err *err);
/* Who follows tells of a failure, too, to whoever handed the message in: until queue_unfollow() nobody else need. */
void queue_follow_answers(struct queue_follow *follow);
/* Does somebody? From any thread. Asked in a job it holds for what that job writes: who unfollows and then looks
 * (store_show) sees it. */
bool queue_is_answered(struct queue *queue, uint64_t id);
void queue_unfollow(struct queue_follow *follow); /* from within `changed`, too. NULL is nothing */

/* In line: does what waits now, and answers it. False: nothing waited. */
bool queue_turn(struct queue *queue);

#endif
