#include "queue/queue_int.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"

#include "base/banned.h"

enum {
    BATCH_JOBS = 512,               /* so that the first of them does not wait for ever */
    BATCH_BYTES = 4 * 1024 * 1024,
    SWEEP_EVERY_MS = 10 * 1000,
    SWEEP_STEPS = 500,
    CHECK_STEPS = 200,
    ABANDONED_MS = 60 * 60 * 1000,  /* a body to which nothing was added for so long */
};

/* Answering -------------------------------------------------------------------------------------------------- */

static void finish(struct queue *queue, struct queue_ask *ask)
{
    struct queue_port *port = ask->port;

    pthread_mutex_lock(&queue->lock);
    asks_add(&port->answered, ask);
    port->unfinished--;
    queue_ring(port); /* under the lock: the port can't be freed before */
    pthread_cond_broadcast(&queue->finished);
    pthread_mutex_unlock(&queue->lock);
}

static void finish_all(struct queue *queue, struct asks *asks, const struct err *failure)
{
    struct queue_ask *ask;

    while ((ask = asks_take(asks))) {
        if (failure && ask->err.kind == ERR_NONE)
            ask->err = *failure;
        finish(queue, ask);
    }
}

static void spread_dues(struct queue *queue)
{
    if (queue->dues.count == 0 && !queue->dues.lost)
        return;
    pthread_mutex_lock(&queue->lock);
    for (struct queue_port *port = queue->ports; port; port = port->next) {
        if (!port->events.due)
            continue;
        for (size_t i = 0; i < queue->dues.count; i++)
            dues_add(&port->dues, queue->dues.at[i].account, queue->dues.at[i].at);
        port->dues.lost |= queue->dues.lost;
        queue_ring(port);
    }
    pthread_mutex_unlock(&queue->lock);
    dues_done(&queue->dues);
}

static void tell_trouble(struct queue *queue, const struct err *err)
{
    pthread_mutex_lock(&queue->lock);
    for (struct queue_port *port = queue->ports; port; port = port->next) {
        port->trouble = true;
        port->trouble_is = *err;
        queue_ring(port);
    }
    pthread_mutex_unlock(&queue->lock);
}

/* Whether the store could be used; told when that changes. */
static void note_health(struct queue *queue, bool well, const struct err *err)
{
    const struct err none = { 0 };

    if (queue->in_trouble == !well)
        return;
    queue->in_trouble = !well;
    tell_trouble(queue, well ? &none : err);
}

static bool has_changed(const struct changes *changes, uint64_t id)
{
    for (size_t i = 0; i < changes->count; i++)
        if (changes->at[i] == id)
            return true;
    return changes->lost;
}

static void spread_changes(struct queue *queue)
{
    if (queue->changes.count == 0 && !queue->changes.lost)
        return;
    pthread_mutex_lock(&queue->lock);
    for (struct queue_port *port = queue->ports; port; port = port->next)
        for (struct queue_follow *follow = port->follows; follow; follow = follow->next)
            if (has_changed(&queue->changes, follow->id)) {
                follow->news = true;
                queue_ring(port);
            }
    pthread_mutex_unlock(&queue->lock);
}

/* What the batch brought is told, or never was. */
static void end_news(struct queue *queue, bool committed)
{
    if (committed) {
        spread_dues(queue);
        spread_changes(queue);
    }
    dues_done(&queue->dues);
    queue->changes.count = 0;
    queue->changes.lost = false;
}

/* Batches ---------------------------------------------------------------------------------------------------- */

static void on_due(void *who, const char *account, uint64_t at)
{
    struct queue *queue = who;

    dues_add(&queue->dues, account, at);
}

static void on_changed(void *who, uint64_t id)
{
    struct queue *queue = who;
    struct changes *changes = &queue->changes;

    if (!atomic_load(&queue->follows))
        return;
    if (changes->count == changes->room) {
        size_t room = changes->room ? changes->room * 2 : 64;
        uint64_t *at = mem_resize(changes->at, room, sizeof *at);
        if (!at) {
            changes->lost = true;
            return;
        }
        changes->at = at;
        changes->room = room;
    }
    changes->at[changes->count++] = id;
}

static void take_batch(struct queue *queue, struct asks *batch)
{
    struct asks *waiting = &queue->waiting;

    pthread_mutex_lock(&queue->lock);
    while (waiting->first && batch->count < BATCH_JOBS &&
           (batch->count == 0 || batch->bytes + waiting->first->job.bytes <= BATCH_BYTES))
        asks_add(batch, asks_take(waiting));
    pthread_mutex_unlock(&queue->lock);
}

static void run(struct queue *queue, struct queue_ask *ask, uint64_t now)
{
    struct err *err = &ask->err;

    if (!(ask->job.bare ? store_job_begin_bare : store_job_begin)(queue->store, err))
        return;
    bool ok = ask->job.run(ask->job.data, queue->store, now, err);
    if (!ok && err->kind == ERR_NONE)
        err_set(err, ERR_INTERNAL, "a job of the queue failed without a reason");
    struct err undoing = { 0 };
    if (!store_job_end(queue->store, ok, &undoing) && ok)
        *err = undoing;
}

/* Each is run; the early ones are answered, the others are left in *batch. */
static void run_all(struct queue *queue, struct asks *batch, uint64_t now)
{
    struct asks left = { 0 };
    struct queue_ask *ask;

    while ((ask = asks_take(batch))) {
        run(queue, ask, now);
        if (ask->job.early)
            finish(queue, ask);
        else
            asks_add(&left, ask);
    }
    *batch = left;
}

static void do_batch(struct queue *queue, struct asks *batch)
{
    struct err err = { 0 };
    bool well = store_begin(queue->store, &err);

    if (well) {
        run_all(queue, batch, queue_now(queue));
        well = store_commit(queue->store, &err);
    }
    end_news(queue, well); /* first, so that who heard his answer knows of it, too */
    finish_all(queue, batch, well ? NULL : &err);
    well = well && store_rest(queue->store, &err); /* nobody waits for this */
    note_health(queue, well, &err);
}

/* Upkeep ----------------------------------------------------------------------------------------------------- */

/* A job of our own, in a batch of its own. */
static bool do_own(struct queue *queue, bool (*what)(struct queue *, uint64_t now, void *of, struct err *),
                   void *of, struct err *err)
{
    struct err undoing;

    if (!store_begin(queue->store, err))
        return false;
    if (!store_job_begin(queue->store, err)) {
        store_abort(queue->store);
        return false;
    }
    bool ok = what(queue, queue_now(queue), of, err);
    if (!store_job_end(queue->store, ok, ok ? err : &undoing) || !store_commit(queue->store, ok ? err : &undoing))
        ok = false;
    end_news(queue, ok);
    return ok;
}

static uint64_t before(uint64_t now, uint64_t ms)
{
    return now > ms ? now - ms : 0;
}

struct sweeping {
    bool reborn, more;
};

static bool sweep(struct queue *queue, uint64_t now, void *of, struct err *err)
{
    const struct queue_options *options = &queue->options;
    struct sweeping *sweeping = of;
    const struct store_sweep sweep = {
        .reborn = sweeping->reborn,
        .unknown_next = options->unknown_held ? STORE_NEVER : now + options->unknown_ms,
        .bodies_before = before(now, ABANDONED_MS),
        .history_before = before(now, options->keep_history_ms),
        .most = SWEEP_STEPS,
    };
    int64_t ahead = (int64_t)(clock_wall(options->clock) - now);

    return store_sweep(queue->store, &sweep, now, &sweeping->more, err) &&
           store_time_put(queue->store, now, ahead, err);
}

static void sweep_if_due(struct queue *queue)
{
    struct sweeping sweeping = { 0 };
    struct err err = { 0 };

    if (queue_now(queue) < queue->next_sweep)
        return;
    bool ok = do_own(queue, sweep, &sweeping, &err);
    note_health(queue, ok, &err);
    queue->next_sweep = queue_now(queue) + (ok && sweeping.more ? 0 : SWEEP_EVERY_MS);
}

bool queue_begin_life(struct queue *queue, struct err *err)
{
    struct sweeping sweeping = { .reborn = true, .more = true };

    store_watch(queue->store, &(struct store_watch){ on_due, on_changed, queue });
    while (sweeping.more)
        if (!do_own(queue, sweep, &sweeping, err))
            return false;
    queue->next_sweep = queue_now(queue) + SWEEP_EVERY_MS;
    return true;
}

static bool check(struct queue *queue, uint64_t now, void *of, struct err *err)
{
    (void)of;
    return store_check(queue->store, &queue->checking, CHECK_STEPS, now, err);
}

static void check_on(struct queue *queue)
{
    struct err err = { 0 };
    uint64_t before_it = queue->checking.damaged;

    if (!do_own(queue, check, NULL, &err)) {
        queue->checking.end = true;
        tell_trouble(queue, &err);
    } else if (queue->checking.damaged > before_it && before_it == 0) {
        err_found(&err, ERR_IO, "store:damaged", "%s", queue->checking.text);
        tell_trouble(queue, &err);
    }
}

bool queue_batch(struct queue *queue)
{
    struct asks batch = { 0 };

    take_batch(queue, &batch);
    bool any = batch.count > 0;
    if (any)
        do_batch(queue, &batch);
    else if (!queue->checking.end && !queue->in_trouble)
        check_on(queue);
    sweep_if_due(queue);
    return any;
}

/* The thread ------------------------------------------------------------------------------------------------- */

/* Until somebody rings, or it is time to sweep. */
static void sleep_a_while(struct queue *queue)
{
    struct pollfd bell = { queue->bell, POLLIN, 0 };
    uint64_t now = queue_now(queue), rings;
    uint64_t wait = queue->next_sweep > now ? queue->next_sweep - now : 0;

    if (!queue->checking.end && !queue->in_trouble)
        wait = 0;
    if (poll(&bell, 1, wait > INT_MAX ? INT_MAX : (int)wait) > 0 && read(queue->bell, &rings, sizeof rings) < 0)
        return; /* interrupted: the next turn reads it */
}

static bool is_over(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    bool over = queue->stopping && queue->waiting.count == 0;
    pthread_mutex_unlock(&queue->lock);
    return over;
}

void *queue_thread(void *of)
{
    struct queue *queue = of;

    while (!is_over(queue))
        if (!queue_batch(queue))
            sleep_a_while(queue);
    return NULL;
}
