#include "relay/relay_int.h"

#include <stdio.h>

#include "base/alloc.h"
#include "net/loop.h"

#include "base/banned.h"

const char *relay_event_word(enum relay_event_kind kind)
{
    static const char *const words[] = {
#define X(name, word) word,
        RELAY_EVENTS(X)
#undef X
    };

    return words[kind];
}

/* ---- for the room ---- */

uint64_t relay_now(const struct relay *relay)
{
    return queue_now(relay->plan.queue);
}

uint64_t relay_loop_time(const struct relay *relay, uint64_t queue_time)
{
    uint64_t now = relay_now(relay);

    if (queue_time == STORE_NEVER)
        return UINT64_MAX;
    return loop_now(relay->loop) + (queue_time > now ? queue_time - now : 0);
}

void relay_tell(struct relay *relay, const struct relay_event *event)
{
    if (relay->plan.saw)
        relay->plan.saw(relay->plan.who, event);
}

uint64_t relay_random(struct relay *relay)
{
    uint64_t random = 0;

    return random_fill(relay->plan.dice, &random, sizeof random, NULL) ? random : 0;
}

static bool serves(const struct lane *lane, const struct sender *sender)
{
    for (size_t i = 0; i < lane->sender_count; i++)
        if (lane->senders[i] == sender)
            return true;
    return false;
}

void relay_look(struct relay *relay, const struct sender *sender)
{
    for (struct lane *lane = relay->lanes; lane; lane = lane->next)
        if (serves(lane, sender))
            lane_look(lane);
}

bool relay_is_busy(const struct relay *relay)
{
    return relay->held || relay->asks;
}

void relay_ended(struct relay *relay)
{
    if (relay->draining && !relay->ending && !relay_is_busy(relay))
        timer_set(relay->errand, 0);
}

static void errand(void *who)
{
    struct relay *relay = who;
    void (*drained)(void *) = relay->drained;

    relay->drained = NULL;
    if (drained)
        drained(relay->drained_who);
}

/* ---- leases ---- */

struct extending {
    struct relay *relay;
    struct store_lease *leases;
    size_t count;
};

static bool run_extend(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct extending *extending = data;

    return store_extend(store, extending->leases, extending->count, now + RELAY_LEASE_MS, now, err);
}

static void extend_done(void *data, const struct err *err)
{
    struct extending *extending = data;

    for (size_t i = 0; err->kind == ERR_NONE && i < extending->count; i++)
        for (struct parcel *parcel = extending->relay->held; parcel; parcel = parcel->next)
            if (parcel->item->id == extending->leases[i].id && parcel->item->lease == extending->leases[i].lease)
                parcel->gone |= extending->leases[i].gone;
}

static void extend_drop(void *data)
{
    struct extending *extending = data;
    struct relay *relay = extending->relay;

    mem_free(extending->leases);
    mem_free(extending);
    relay->asks--;
    relay_ended(relay);
}

static void extend(void *who)
{
    struct relay *relay = who;
    struct extending *extending = NEW(extending);
    const struct queue_job job = { .run = run_extend, .done = extend_done, .drop = extend_drop, .data = extending };
    size_t count = 0;

    timer_set(relay->extend, loop_now(relay->loop) + RELAY_EXTEND_MS);
    for (struct sender *sender = relay->senders; sender; sender = sender->next) {
        sender_mend_books(sender);
        sender_check_turn(sender);
    }
    for (struct parcel *parcel = relay->held; parcel; parcel = parcel->next)
        count++;
    if (!extending || !count || !(extending->leases = mem_array(count, sizeof *extending->leases))) {
        mem_free(extending);
        return;
    }
    extending->relay = relay;
    for (struct parcel *parcel = relay->held; parcel; parcel = parcel->next)
        extending->leases[extending->count++] =
            (struct store_lease){ .id = parcel->item->id, .lease = parcel->item->lease };
    relay->asks++;
    if (queue_ask(relay->port, &job, NULL, NULL))
        return;
    relay->asks--;
    mem_free(extending->leases);
    mem_free(extending);
}

/* ---- birth ---- */

static struct sender *sender_new(struct relay *relay, const struct account *account, struct err *err)
{
    const struct profile_limits *limits = &account->limits;
    struct sender *sender = NEW(sender);

    if (!sender) {
        err_no_memory(err);
        return NULL;
    }
    sender->relay = relay;
    sender->account = account;
    sender->because = "";
    sender->allowed = relay_allowed(account);
    sender->channel_most = limits->connections ? (size_t)limits->connections : RELAY_CHANNELS_USUAL;
    if (sender->channel_most > RELAY_CHANNELS_MOST)
        sender->channel_most = RELAY_CHANNELS_MOST;
    sender->next = relay->senders;
    relay->senders = sender;
    return sender_load(sender, err) ? sender : NULL;
}

static struct sender *sender_of(struct relay *relay, const struct account *account)
{
    for (struct sender *sender = relay->senders; sender; sender = sender->next)
        if (sender->account == account)
            return sender;
    return NULL;
}

static struct lane *lane_new(struct relay *relay, const char *name, struct err *err)
{
    struct lane *lane = NEW(lane);

    if (!lane || !(lane->timer = timer_new(relay->loop, lane_rang, lane)) ||
        !(lane->late_timer = timer_new(relay->loop, lane_late_rang, lane))) {
        if (lane)
            timer_free(lane->timer);
        mem_free(lane);
        err_no_memory(err);
        return NULL;
    }
    lane->late_at = STORE_NEVER;
    lane->relay = relay;
    lane->name = name;
    /* due at 0 is unknown: to be asked for */
    lane->waiting_end = &lane->waiting;
    lane->next = relay->lanes;
    relay->lanes = lane;
    return lane;
}

static bool make_lanes(struct relay *relay, struct err *err)
{
    const struct config *config = relay->plan.config;
    const struct route_settings *route;
    struct lane *lane;

    for (size_t i = 0; i < config->account_count; i++) {
        const struct account *account = config->accounts[i];
        struct sender *sender = sender_new(relay, account, err);
        if (!sender || !(lane = lane_new(relay, account->name, err)))
            return false;
        lane->senders[lane->sender_count++] = sender;
    }
    for (size_t at = 0; (route = config_next(config, &route_part, &at));) {
        if (!(lane = lane_new(relay, route->name, err)))
            return false;
        lane->advances = route_advances(route);
        for (size_t i = 0; i < route->accounts.count; i++)
            lane->senders[lane->sender_count++] = sender_of(relay, config_account(config, route->accounts.at[i]));
    }
    return true;
}

/* ---- the queue's events ---- */

static void due(void *who, const char *account, uint64_t at)
{
    struct relay *relay = who;

    for (struct lane *lane = relay->lanes; lane; lane = lane->next)
        if (!account || strcmp(lane->name, account) == 0)
            lane_due(lane, at);
}

bool relay_start(const struct relay_plan *plan, struct relay **ret_relay, struct err *err)
{
    static const struct queue_events events = { due, NULL };
    OWN(relay) relay = NEW(relay);

    if (!relay)
        return err_no_memory(err);
    relay->plan = *plan;
    relay->loop = plan->world->credentials.secrets.loop;
    relay->extend = timer_new(relay->loop, extend, relay);
    relay->say_again = timer_new(relay->loop, parcels_say_again, relay);
    relay->errand = timer_new(relay->loop, errand, relay);
    if (!relay->extend || !relay->say_again || !relay->errand)
        return err_no_memory(err);
    if (!queue_port_new(plan->queue, plan->in_line ? NULL : relay->loop, &events, relay, &relay->port, err) ||
        !make_lanes(relay, err))
        return false;
    timer_set(relay->extend, loop_now(relay->loop) + RELAY_EXTEND_MS);
    for (struct lane *lane = relay->lanes; lane; lane = lane->next)
        lane_late(lane, relay_now(relay));
    *ret_relay = GIVE(relay);
    return true;
}

void relay_drain(struct relay *relay, void (*drained)(void *who), void *who)
{
    relay->draining = true;
    relay->drained = drained;
    relay->drained_who = who;
    for (struct lane *lane = relay->lanes; lane; lane = lane->next)
        lane_look(lane);
    relay_ended(relay);
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    relay->ending = true;
    for (struct sender *sender = relay->senders; sender; sender = sender->next)
        channels_free_all(sender);
    queue_port_free(relay->port);
    while (relay->held)
        parcel_free(relay->held);
    for (struct lane *lane = relay->lanes, *next; lane; lane = next) {
        next = lane->next;
        timer_free(lane->timer);
        timer_free(lane->late_timer);
        mem_free(lane);
    }
    for (struct sender *sender = relay->senders, *next; sender; sender = next) {
        next = sender->next;
        loans_orphan(sender);
        mem_free(sender);
    }
    timer_free(relay->extend);
    timer_free(relay->say_again);
    timer_free(relay->errand);
    mem_free(relay);
}

/* ---- by hand, and to be seen ---- */

void relay_wake(struct relay *relay, const char *account)
{
    parcels_say_again(relay);
    for (struct lane *lane = relay->lanes; lane; lane = lane->next)
        lane_late(lane, relay_now(relay));
    for (struct sender *sender = relay->senders; sender; sender = sender->next) {
        if (account && strcmp(sender->account->name, account) != 0)
            continue;
        sender->until = 0;
        sender_check_turn(sender);
        if (sender->state == LANE_BLOCKED)
            limit_block(&sender->limit, 0);
        relay_look(relay, sender);
    }
}

void relay_reaches(struct relay *relay)
{
    for (struct sender *sender = relay->senders; sender; sender = sender->next)
        sender_reaches(sender);
    for (struct lane *lane = relay->lanes; lane; lane = lane->next) {
        lane_late(lane, relay_now(relay));
        lane_look(lane);
    }
}

const char *relay_health_word(enum relay_health health)
{
    static const char *const words[] = { "ready", "sending", "waits", "blocked", "parked" };

    return words[health];
}

static enum relay_health health_of(const struct sender *sender)
{
    static const enum relay_health healths[] = {
        [LANE_WAITS] = RELAY_WAITS, [LANE_BLOCKED] = RELAY_BLOCKED, [LANE_PARKED] = RELAY_PARKED,
    };

    if (sender->state != LANE_GOES_ON)
        return healths[sender->state];
    return sender->channel_count > channels_free(sender) ? RELAY_SENDING : RELAY_READY;
}

bool relay_status(const struct relay *relay, size_t at, struct relay_status *ret_status)
{
    struct sender *sender = relay->senders;

    while (sender && at--)
        sender = sender->next;
    if (!sender)
        return false;
    *ret_status = (struct relay_status){
        .account = sender->account->name,
        .health = health_of(sender),
        .until = sender->until,
        .because = sender->because,
        .channels = sender->channel_count,
        .delivered = sender->counts[STORE_DELIVERED],
        .deferred = sender->counts[STORE_DEFERRED],
        .failed = sender->counts[STORE_FAILED],
        .unknown = sender->counts[STORE_UNKNOWN],
    };
    snprintf(ret_status->said, sizeof ret_status->said, "%s", sender->said);
    relay_today(&sender->limit, &sender->allowed, relay_now(sender->relay), &ret_status->today);
    return true;
}
