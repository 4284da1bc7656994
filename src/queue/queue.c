#include "queue/queue.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "net/wake.h"
#include "queue/queue_int.h"

#include "base/banned.h"

enum { USUAL_JOBS = 16384, USUAL_BYTES = 32 * 1024 * 1024 };

/* Lists ------------------------------------------------------------------------------------------------------ */

void asks_add(struct asks *asks, struct queue_ask *ask)
{
    ask->next = NULL;
    if (asks->last)
        asks->last->next = ask;
    else
        asks->first = ask;
    asks->last = ask;
    asks->count++;
    asks->bytes += ask->job.bytes;
}

struct queue_ask *asks_take(struct asks *asks)
{
    struct queue_ask *ask = asks->first;

    if (!ask)
        return NULL;
    asks->first = ask->next;
    if (!asks->first)
        asks->last = NULL;
    asks->count--;
    asks->bytes -= ask->job.bytes;
    return ask;
}

static struct due *room_for_due(struct dues *dues)
{
    if (dues->count == dues->room) {
        size_t room = dues->room ? dues->room * 2 : 8;
        struct due *at = mem_resize(dues->at, room, sizeof *at);
        if (!at)
            return NULL;
        dues->at = at;
        dues->room = room;
    }
    return &dues->at[dues->count];
}

void dues_add(struct dues *dues, const char *account, uint64_t at)
{
    for (size_t i = 0; i < dues->count; i++)
        if (span_is(span_of(dues->at[i].account), account)) {
            if (at < dues->at[i].at)
                dues->at[i].at = at;
            return;
        }
    struct due *due = room_for_due(dues);
    char *name = due ? str_copy(account) : NULL;
    if (!name) {
        dues->lost = true;
        return;
    }
    *due = (struct due){ name, at };
    dues->count++;
}

void dues_done(struct dues *dues)
{
    for (size_t i = 0; i < dues->count; i++)
        mem_free(dues->at[i].account);
    mem_free(dues->at);
    *dues = (struct dues){ 0 };
}

/* Time ------------------------------------------------------------------------------------------------------- */

uint64_t queue_now(const struct queue *queue)
{
    return steady_now(&queue->steady, clock_now(queue->options.clock));
}

static uint64_t ahead(const struct queue *queue)
{
    const struct clock *clock = queue->options.clock;
    return (uint64_t)steady_ahead(&queue->steady, clock_now(clock), clock_wall(clock));
}

uint64_t queue_to_wall(const struct queue *queue, uint64_t time)
{
    return time == 0 || time == STORE_NEVER ? time : time + ahead(queue);
}

uint64_t queue_from_wall(const struct queue *queue, uint64_t wall)
{
    return wall == 0 || wall == STORE_NEVER ? wall : wall - ahead(queue);
}

/* The queue -------------------------------------------------------------------------------------------------- */

static void release(struct queue *queue)
{
    store_free(queue->store);
    dues_done(&queue->dues);
    mem_free(queue->changes.at);
    if (queue->bell >= 0)
        close(queue->bell);
    pthread_cond_destroy(&queue->finished);
    pthread_mutex_destroy(&queue->lock);
    mem_free(queue);
}

/* Signals are the program's; its first thread hears them. */
static int start_thread(struct queue *queue)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int bad = pthread_create(&queue->thread, NULL, queue_thread, queue);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return bad;
}

static bool start(struct queue *queue, struct err *err)
{
    if (!queue_begin_life(queue, err))
        return false;
    if (queue->options.in_line)
        return true;
    queue->bell = eventfd(0, EFD_CLOEXEC);
    int bad = queue->bell < 0 ? errno : start_thread(queue);
    return !bad || err_sys(err, ERR_INTERNAL, bad, "starting the queue's thread");
}

bool queue_open(struct store *store, const struct store_opened *opened, const struct queue_options *options,
                struct queue **ret_queue, struct err *err)
{
    struct queue *queue = NEW(queue);

    if (!queue) {
        store_free(store);
        return err_no_memory(err);
    }
    queue->options = *options;
    if (!queue->options.most_jobs)
        queue->options.most_jobs = USUAL_JOBS;
    if (!queue->options.most_bytes)
        queue->options.most_bytes = USUAL_BYTES;
    queue->store = store;
    queue->bell = -1;
    queue->checking.end = !opened->crashed;
    queue->steady = steady_begin(clock_now(options->clock), clock_wall(options->clock), opened->time,
                                 opened->wall);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->finished, NULL);
    if (!start(queue, err)) {
        release(queue);
        return false;
    }
    *ret_queue = queue;
    return true;
}

static void ring_thread(struct queue *queue)
{
    const uint64_t one = 1;

    if (queue->bell >= 0 && write(queue->bell, &one, sizeof one) < 0)
        return; /* it has rung so often already that no more fits: it will be heard */
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->stopping = true;
    pthread_mutex_unlock(&queue->lock);
    ring_thread(queue);
    if (!queue->options.in_line)
        pthread_join(queue->thread, NULL);
    release(queue);
}

/* Answers ---------------------------------------------------------------------------------------------------- */

void queue_ring(struct queue_port *port)
{
    if (port->wake)
        wake_ring(port->wake);
}

static void answer(struct queue_ask *ask, bool told)
{
    if (told && !ask->abandoned && ask->job.done)
        ask->job.done(ask->job.data, &ask->err);
    if (ask->job.drop)
        ask->job.drop(ask->job.data);
    mem_free(ask);
}

static struct queue_ask *next_answered(struct queue_port *port)
{
    pthread_mutex_lock(&port->queue->lock);
    struct queue_ask *ask = asks_take(&port->answered);
    pthread_mutex_unlock(&port->queue->lock);
    if (ask && port->unanswered-- && port->wake)
        wake_let_go(port->wake);
    return ask;
}

static void tell_dues(struct queue_port *port)
{
    pthread_mutex_lock(&port->queue->lock);
    struct dues dues = port->dues;
    port->dues = (struct dues){ 0 };
    pthread_mutex_unlock(&port->queue->lock);

    for (size_t i = 0; i < dues.count; i++)
        port->events.due(port->who, dues.at[i].account, dues.at[i].at);
    if (dues.lost)
        port->events.due(port->who, NULL, 0);
    dues_done(&dues);
}

/* One with news, which are then told. */
static struct queue_follow *next_news(struct queue_port *port)
{
    pthread_mutex_lock(&port->queue->lock);
    struct queue_follow *follow = port->follows;
    while (follow && !follow->news)
        follow = follow->next;
    if (follow)
        follow->news = false;
    pthread_mutex_unlock(&port->queue->lock);
    return follow;
}

static void tell_trouble(struct queue_port *port)
{
    pthread_mutex_lock(&port->queue->lock);
    bool news = port->trouble;
    struct err err = port->trouble_is;
    port->trouble = false;
    pthread_mutex_unlock(&port->queue->lock);

    if (news && port->events.trouble)
        port->events.trouble(port->who, &err);
}

static void tell(struct queue_port *port)
{
    struct queue_ask *ask;
    struct queue_follow *follow;

    while ((ask = next_answered(port)))
        answer(ask, true);
    if (port->events.due)
        tell_dues(port);
    while ((follow = next_news(port)))
        follow->changed(follow->who, follow->id);
    tell_trouble(port);
}

static void on_wake(void *who)
{
    tell(who);
}

bool queue_turn(struct queue *queue)
{
    bool did = queue_batch(queue);

    for (struct queue_port *port = queue->ports; port; port = port->next)
        tell(port);
    return did;
}

/* Ports ------------------------------------------------------------------------------------------------------ */

bool queue_port_new(struct queue *queue, struct loop *loop, const struct queue_events *events, void *who,
                    struct queue_port **ret_port, struct err *err)
{
    struct queue_port *port = NEW(queue_port);

    if (!port)
        return err_no_memory(err);
    port->queue = queue;
    port->events = events ? *events : (struct queue_events){ 0 };
    port->who = who;
    if (loop && !wake_new(loop, on_wake, port, &port->wake, err)) {
        mem_free(port);
        return false;
    }
    pthread_mutex_lock(&queue->lock);
    port->next = queue->ports;
    queue->ports = port;
    pthread_mutex_unlock(&queue->lock);
    *ret_port = port;
    return true;
}

/* After this the thread knows nothing of the port. */
static void leave(struct queue_port *port)
{
    struct queue *queue = port->queue;
    struct queue_port **at = &queue->ports;

    pthread_mutex_lock(&queue->lock);
    while (port->unfinished && !queue->options.in_line)
        pthread_cond_wait(&queue->finished, &queue->lock);
    while (*at != port)
        at = &(*at)->next;
    *at = port->next;
    pthread_mutex_unlock(&queue->lock);
}

void queue_port_free(struct queue_port *port)
{
    struct queue_ask *ask;

    if (!port)
        return;
    while (port->unfinished && port->queue->options.in_line)
        queue_batch(port->queue);
    leave(port);
    while ((ask = next_answered(port)))
        answer(ask, false);
    wake_free(port->wake);
    dues_done(&port->dues);
    mem_free(port);
}

bool queue_follow(struct queue_port *port, uint64_t id, void (*changed)(void *who, uint64_t id), void *who,
                  struct queue_follow **ret_follow, struct err *err)
{
    struct queue_follow *follow = NEW(queue_follow);

    if (!follow)
        return err_no_memory(err);
    *follow = (struct queue_follow){ .port = port, .id = id, .changed = changed, .who = who };
    pthread_mutex_lock(&port->queue->lock);
    follow->next = port->follows;
    port->follows = follow;
    pthread_mutex_unlock(&port->queue->lock);
    atomic_fetch_add(&port->queue->follows, 1);
    *ret_follow = follow;
    return true;
}

void queue_follow_answers(struct queue_follow *follow)
{
    pthread_mutex_lock(&follow->port->queue->lock);
    follow->answers = true;
    pthread_mutex_unlock(&follow->port->queue->lock);
}

bool queue_is_answered(struct queue *queue, uint64_t id)
{
    bool is = false;

    if (!atomic_load(&queue->follows))
        return false;
    pthread_mutex_lock(&queue->lock);
    for (const struct queue_port *port = queue->ports; port; port = port->next)
        for (const struct queue_follow *follow = port->follows; follow; follow = follow->next)
            is |= follow->id == id && follow->answers;
    pthread_mutex_unlock(&queue->lock);
    return is;
}

void queue_unfollow(struct queue_follow *follow)
{
    if (!follow)
        return;
    struct queue *queue = follow->port->queue;
    struct queue_follow **at = &follow->port->follows;
    pthread_mutex_lock(&queue->lock);
    while (*at != follow)
        at = &(*at)->next;
    *at = follow->next;
    pthread_mutex_unlock(&queue->lock);
    atomic_fetch_sub(&queue->follows, 1);
    mem_free(follow);
}

/* False: too much waits already. */
static bool line_up(struct queue *queue, struct queue_ask *ask)
{
    bool fits, first;

    pthread_mutex_lock(&queue->lock);
    fits = queue->waiting.count < queue->options.most_jobs &&
           (queue->waiting.bytes + ask->job.bytes <= queue->options.most_bytes || queue->waiting.count == 0);
    first = queue->waiting.count == 0;
    if (fits) {
        asks_add(&queue->waiting, ask);
        ask->port->unfinished++;
    }
    pthread_mutex_unlock(&queue->lock);
    if (fits && first)
        ring_thread(queue);
    return fits;
}

bool queue_ask(struct queue_port *port, const struct queue_job *job, struct queue_ask **ret_ask,
               struct err *err)
{
    struct queue_ask *ask = NEW(queue_ask);

    if (!ask)
        return err_no_memory(err);
    ask->port = port;
    ask->job = *job;
    if (!line_up(port->queue, ask)) {
        mem_free(ask);
        return err_found(err, ERR_LATER, "queue:full", "more waits for the disk than it can take");
    }
    port->unanswered++;
    if (port->wake)
        wake_hold(port->wake);
    if (ret_ask)
        *ret_ask = ask;
    return true;
}

void queue_abandon(struct queue_ask *ask)
{
    if (ask)
        ask->abandoned = true;
}
