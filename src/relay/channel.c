/* A transport that stays warm, and the message it carries. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "net/loop.h"
#include "os/file.h"
#include "relay/relay_int.h"

#include "base/banned.h"

static void portion(struct channel *channel);

/* ---- ends ---- */

static void close_transport(struct channel *channel)
{
    transport_close(GIVE(channel->transport));
    channel->ready = false;
    channel->carried = 0;
    timer_set(channel->idle, UINT64_MAX);
}

/* Free for the next one; whoever has one is asked at once. */
static void done_with(struct channel *channel, struct parcel *parcel)
{
    const struct profile *profile = channel->sender->account->profile;
    uint64_t most = profile ? profile->limits.messages_per_connection : 0;

    channel->parcel = NULL;
    if (channel->transport && most && channel->carried >= most)
        close_transport(channel);
    if (channel->transport)
        timer_set(channel->idle, loop_now(channel->sender->relay->loop) + RELAY_IDLE_MS);
    loans_look(channel->sender);
    parcel_settle(parcel);
    relay_look(channel->sender->relay, channel->sender);
}

static void give_up(struct channel *channel, const struct evidence *why)
{
    struct parcel *parcel = channel->parcel;
    bool no = why->stage == STAGE_AUTH && why->err.reply / 100 == 5; /* to the account, for good */

    close_transport(channel);
    if (!parcel)
        return;
    sender_uncount(parcel);
    parcel_fail(parcel, no ? SMTP_FATE_REFUSED : SMTP_FATE_LATER, why);
    done_with(channel, parcel);
}

/* Is it our disk or our memory, and nothing about the message? */
static bool is_ours(const struct err *err)
{
    bool damaged = err->fact && strcmp(err->fact, "store:damaged") == 0;

    return !damaged && (err->kind == ERR_IO || err->kind == ERR_MEMORY || err->kind == ERR_LATER ||
                        err->kind == ERR_CREATE || err->kind == ERR_INTERNAL);
}

/* Nothing more of it is sent now: it waits, or what is left of it does. */
static void put_off(struct channel *channel, uint64_t until)
{
    struct parcel *parcel = channel->parcel;

    sender_uncount(parcel);
    if (parcel->first) {
        parcel->rest_at = until;
        done_with(channel, parcel);
        return;
    }
    channel->parcel = NULL;
    timer_set(channel->idle, loop_now(parcel->relay->loop) + RELAY_IDLE_MS);
    loans_look(channel->sender);
    parcel_give_back(parcel, until);
    relay_look(channel->sender->relay, channel->sender);
}

/* What failed here no message has to answer for. */
static void fail_here(struct channel *channel, const struct err *err)
{
    struct parcel *parcel = channel->parcel;
    struct relay *relay = parcel->relay;
    const struct evidence why = { .stage = STAGE_LOCAL, .err = *err };
    const struct relay_event event = {
        .kind = RELAY_EVENT_TROUBLE,
        .id = parcel->item->id,
        .account = channel->sender->account->name,
        .evidence = &why,
    };

    if (!is_ours(err)) {
        give_up(channel, &why);
        return;
    }
    relay_tell(relay, &event);
    put_off(channel, relay_now(relay) + RELAY_AGAIN_MS);
}

static void rang(void *who)
{
    close_transport(who);
}

/* ---- the transport's events ---- */

static void sent(void *who)
{
    struct channel *channel = who;
    struct parcel *parcel = channel->parcel;

    parcel->first += parcel->count;
    sender_spent(parcel, channel->transactions);
    if (parcel->first < parcel->item->envelope->count && !parcel->gone) {
        portion(channel);
        return;
    }
    channel->carried++;
    done_with(channel, parcel);
}

static void progressed(void *who, uint64_t sent, uint64_t size)
{
    const struct channel *channel = who;
    const struct relay_plan *plan = &channel->sender->relay->plan;

    if (plan->moved)
        plan->moved(plan->who, channel->parcel->item->id, sent, size);
}

static struct channel *next_looked_at(const struct sender *sender)
{
    struct channel *channel = sender->channels;

    while (channel && !channel->looked_at)
        channel = channel->next;
    return channel;
}

static void looked(void *who, const struct evidence *why)
{
    struct sender *sender = who;
    struct looking *looking = GIVE(sender->looking);

    for (struct channel *channel; (channel = next_looked_at(sender));) {
        channel->looked_at = false;
        give_up(channel, why);
    }
    sender->relay->plan.looker.end(looking);
}

static bool begin_look(struct sender *sender, const struct evidence *why)
{
    const struct relay_looker *looker = &sender->relay->plan.looker;

    sender->looked_stage = why->stage;
    sender->looked_fact = why->err.fact;
    sender->looking = looker->begin ? looker->begin(looker->who, sender->account, why, looked, sender) : NULL;
    return sender->looking;
}

/* One look tells of all channels that fail in the same way. */
static bool is_looked_at(struct sender *sender, const struct evidence *why)
{
    const char *fact = why->err.fact, *other = sender->looked_fact;
    bool same = why->stage == sender->looked_stage && fact && other && strcmp(fact, other) == 0;

    return sender->looking ? same : begin_look(sender, why);
}

static void failed(void *who, const struct evidence *why)
{
    struct channel *channel = who;

    channel->looked_at = channel->parcel && is_looked_at(channel->sender, why);
    if (channel->looked_at)
        close_transport(channel);
    else
        give_up(channel, why);
}

/* ---- the body ---- */

struct fetching {
    struct channel *channel;
    uint64_t id;
    uint32_t number;
    struct buf piece;
};

static bool run_fetch(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct fetching *fetching = data;

    (void)now;
    return store_body_read(store, fetching->id, fetching->number, &fetching->piece, err);
}

static bool write_piece(struct parcel *parcel, struct span piece, struct err *err)
{
    const struct disk *disk = parcel->relay->plan.disk;

    while (piece.len) {
        ssize_t done = disk->write(disk, parcel->fd, piece.at, piece.len);
        if (done < 0 && errno != EINTR)
            return err_sys(err, errno == ENOSPC ? ERR_LATER : ERR_IO, errno, "putting the message together");
        piece = span_from(piece, done < 0 ? 0 : (size_t)done);
    }
    parcel->fetched++;
    return true;
}

static void fetch(struct channel *channel);

static void fetch_done(void *data, const struct err *err)
{
    struct fetching *fetching = data;
    struct channel *channel = fetching->channel;
    struct err why = *err;

    channel->ask = NULL;
    if (err->kind == ERR_NONE && write_piece(channel->parcel, buf_span(&fetching->piece), &why))
        channel->parcel->fetched < channel->parcel->item->pieces ? fetch(channel) : portion(channel);
    else
        fail_here(channel, &why);
}

static void fetch_drop(void *data)
{
    struct fetching *fetching = data;

    buf_done(&fetching->piece);
    mem_free(fetching);
}

static void fetch(struct channel *channel)
{
    struct relay *relay = channel->sender->relay;
    struct fetching *fetching = NEW(fetching);
    const struct queue_job job = { .run = run_fetch, .done = fetch_done, .drop = fetch_drop, .data = fetching, .early = true };
    struct err why = { 0 };

    if (fetching)
        *fetching = (struct fetching){ channel, channel->parcel->item->id, channel->parcel->fetched,
                                       BUF(STORE_PIECE_MAX) };
    if (fetching && queue_ask(relay->port, &job, &channel->ask, &why))
        return;
    if (!fetching)
        err_no_memory(&why);
    mem_free(fetching);
    fail_here(channel, &why);
}

/* ---- leaving ---- */

static void send_portion(struct channel *channel);

struct leaving {
    struct channel *channel;
    const char *by;
    struct store_lease lease;
    struct buf limit; /* what is used of the limits, with this: a crash must not forget what left */
};

static bool run_leaving(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct leaving *leaving = data;

    return store_leaving(store, leaving->by, &leaving->lease, 1, now, err) &&
           store_mark_put(store, "limit", leaving->by, buf_span(&leaving->limit), err);
}

static void leaving_done(void *data, const struct err *err)
{
    struct leaving *leaving = data;
    struct channel *channel = leaving->channel;

    channel->ask = NULL;
    if (err->kind != ERR_NONE) {
        fail_here(channel, err);
        return;
    }
    channel->parcel->gone |= leaving->lease.gone;
    send_portion(channel);
}

static void leaving_drop(void *data)
{
    struct leaving *leaving = data;

    buf_done(&leaving->limit);
    mem_free(leaving);
}

/* It leaves as soon as the queue knows. */
static void leave(struct channel *channel)
{
    struct parcel *parcel = channel->parcel;
    struct leaving *leaving = NEW(leaving);
    const struct queue_job job = { .run = run_leaving, .done = leaving_done, .drop = leaving_drop, .data = leaving };
    struct err why = { 0 };

    if (leaving) {
        *leaving = (struct leaving){ channel, channel->sender->account->name,
                                     { .id = parcel->item->id, .lease = parcel->item->lease,
                                       .via = transport_name(channel->transport) },
                                     BUF(STORE_MARK_MAX) };
        limit_write(&channel->sender->limit, &leaving->limit);
        if (queue_ask(channel->sender->relay->port, &job, &channel->ask, &why))
            return;
        leaving_drop(leaving);
    } else {
        err_no_memory(&why);
    }
    fail_here(channel, &why);
}

/* ---- a message ---- */

/* Those of it that were counted. */
static void send_portion(struct channel *channel)
{
    struct parcel *parcel = channel->parcel;

    if (parcel->gone) {
        done_with(channel, parcel);
        return;
    }
    parcel->count = parcel->counted;
    const struct transport_message message = {
        .envelope = parcel->item->envelope,
        .first = parcel->first,
        .count = parcel->count,
        .body = parcel_body(parcel),
        .tied_to = *parcel->item->tied_to ? parcel->item->tied_to : NULL,
        .outcomes = parcel->outcomes + parcel->first,
        .transactions = &channel->transactions,
    };
    channel->transactions = 0;
    channel->message = message;
    transport_send(channel->transport, &channel->message);
}

/* The body is at hand. It was counted when it was given to this channel, which may be long ago: what counts is when it
 * leaves. The later portions were not. */
static void portion(struct channel *channel)
{
    struct parcel *parcel = channel->parcel;

    sender_uncount(parcel);
    uint64_t when = sender_count(channel->sender, parcel);
    if (when)
        put_off(channel, when);
    else
        leave(channel);
}

static void begin(struct channel *channel)
{
    struct parcel *parcel = channel->parcel;
    struct relay *relay = channel->sender->relay;
    struct err why = { 0 };

    if (parcel->item->pieces <= 1 || parcel->fd >= 0) /* another account had it before */
        portion(channel);
    else if (file_open_nameless(relay->plan.disk, relay->plan.directory, &parcel->fd, &why))
        fetch(channel);
    else
        fail_here(channel, &why);
}

static void ready(void *who)
{
    struct channel *channel = who;

    channel->ready = true;
    if (channel->parcel)
        begin(channel);
}

/* ---- giving ---- */

static struct channel *channel_new(struct sender *sender)
{
    struct channel *channel = NEW(channel);

    if (!channel)
        return NULL;
    channel->sender = sender;
    channel->idle = timer_new(sender->relay->loop, rang, channel);
    if (!channel->idle) {
        mem_free(channel);
        return NULL;
    }
    channel->next = sender->channels;
    sender->channels = channel;
    sender->channel_count++;
    return channel;
}

/* A warm one before a cold one, and that before a new one. */
static struct channel *free_channel(struct sender *sender)
{
    struct channel *cold = NULL;

    for (struct channel *channel = sender->channels; channel; channel = channel->next) {
        if (!channel->parcel && channel->ready)
            return channel;
        if (!channel->parcel)
            cold = channel;
    }
    return cold || sender->channel_count >= sender->channel_most ? cold : channel_new(sender);
}

bool channel_give(struct sender *sender, struct parcel *parcel)
{
    static const struct transport_events events = { ready, progressed, sent, failed };
    struct channel *channel = free_channel(sender);
    struct evidence why = { .stage = STAGE_LOCAL };

    if (!channel)
        return false;
    channel->parcel = parcel;
    parcel->began = loop_now(sender->relay->loop);
    timer_set(channel->idle, UINT64_MAX);
    if (channel->ready)
        begin(channel);
    else if (!channel->transport && !transport_open(sender->relay->plan.world, sender->account, &events, channel,
                                                    &channel->transport, &why.err))
        give_up(channel, &why);
    return true;
}

size_t channels_free(const struct sender *sender)
{
    size_t count = 0;

    for (const struct channel *channel = sender->channels; channel; channel = channel->next)
        count += !channel->parcel;
    return count;
}

size_t channels_hands(const struct sender *sender)
{
    size_t busy = sender->channel_count - channels_free(sender), taken = busy + loans_count(sender);
    size_t hands = taken < sender->channel_most ? sender->channel_most - taken : 0;

    if (sender->state != LANE_GOES_ON) /* one tries whether it works again */
        return busy || !hands ? 0 : 1;
    return hands;
}

size_t channels_open(const struct sender *sender)
{
    size_t count = 0;

    for (const struct channel *channel = sender->channels; channel; channel = channel->next)
        count += channel->transport != NULL;
    return count;
}

bool channel_let_go(struct sender *sender)
{
    for (struct channel *channel = sender->channels; channel; channel = channel->next) {
        if (channel->parcel || !channel->transport)
            continue;
        close_transport(channel);
        return true;
    }
    return false;
}

void channels_free_all(struct sender *sender)
{
    for (struct channel *channel = sender->channels, *next; channel; channel = next) {
        next = channel->next;
        queue_abandon(channel->ask);
        transport_close(channel->transport);
        timer_free(channel->idle);
        mem_free(channel);
    }
    sender->channels = NULL;
    sender->channel_count = 0;
    if (sender->looking)
        sender->relay->plan.looker.end(GIVE(sender->looking));
}
