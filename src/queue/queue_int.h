/* The two sides of the queue: queue.c is the loops', queue_thread.c the store's thread. What both touch stands under
 * the lock, and says so.
 */
#ifndef OUTPOST_QUEUE_QUEUE_INT_H
#define OUTPOST_QUEUE_QUEUE_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "queue/queue.h"
#include "queue/steady.h"

struct wake;

struct queue_ask {
    struct queue_ask *next;
    struct queue_port *port;
    struct queue_job job;
    struct err err;
    bool abandoned; /* the loop's */
};

struct asks { /* first come, first served */
    struct queue_ask *first, *last;
    size_t count, bytes;
};

struct due {
    char *account;
    uint64_t at;
};

struct dues {
    struct due *at;
    size_t count, room;
    bool lost; /* memory was short: any account may have something due */
};

struct queue_follow {
    struct queue_follow *next;
    struct queue_port *port;
    uint64_t id;
    void (*changed)(void *who, uint64_t id);
    void *who;
    bool news, answers; /* under the lock */
};

/* Messages of a batch that somebody follows. */
struct changes {
    uint64_t *at;
    size_t count, room;
    bool lost; /* memory was short: any may have changed */
};

struct queue_port {
    struct queue *queue;
    struct wake *wake; /* NULL in line */
    struct queue_events events;
    void *who;
    size_t unanswered; /* the loop's: how often the bell is held */
    /* Under the lock: */
    struct queue_port *next;
    size_t unfinished; /* asked, and not yet among the answered */
    struct asks answered;
    struct dues dues;
    struct queue_follow *follows; /* changed by the loop alone */
    bool trouble; /* there is news of it */
    struct err trouble_is;
};

struct queue {
    struct queue_options options; /* never changes, nor does the next */
    struct steady steady;
    pthread_t thread;
    int bell; /* an eventfd: something waits, or it is to stop; -1 in line */
    pthread_mutex_t lock;
    pthread_cond_t finished; /* an ask was answered */
    /* Under the lock: */
    struct asks waiting;
    struct queue_port *ports;
    bool stopping;
    atomic_size_t follows; /* how many there are: with none, changes are not even noted */
    /* The thread's own: */
    struct store *store;
    struct dues dues; /* of the batch that runs */
    struct changes changes;
    uint64_t next_sweep;
    struct store_checking checking;
    bool in_trouble;
};

void asks_add(struct asks *asks, struct queue_ask *ask);
struct queue_ask *asks_take(struct asks *asks);

/* The earliest time for each account. */
void dues_add(struct dues *dues, const char *account, uint64_t at);
void dues_done(struct dues *dues);

/* The thread: until stopping, and nothing waits. */
void *queue_thread(void *queue);
/* One batch of what waits, and upkeep if it is time. False: nothing waited. */
bool queue_batch(struct queue *queue);
/* The first of a life: what an earlier one held is let go. */
MUST_USE bool queue_begin_life(struct queue *queue, struct err *err);
/* There is news for the port. */
void queue_ring(struct queue_port *port);

#endif
