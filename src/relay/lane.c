/* Due messages of one name, claimed in windows and given to whoever may send them. */
#include "base/alloc.h"
#include "mail/address.h"
#include "relay/relay_int.h"

#include "base/banned.h"

struct claiming {
    struct lane *lane;
    struct sender *sender;
    struct store_claim claim;
    struct batch *batch;
};

/* ---- parcels in hand ---- */

void lane_add(struct lane *lane, struct parcel *parcel)
{
    parcel->after = NULL;
    *lane->waiting_end = parcel;
    lane->waiting_end = &parcel->after;
    lane->waiting_count++;
}

struct parcel *lane_take(struct lane *lane, const struct sender *sender)
{
    struct parcel *parcel = lane->waiting;

    if (!parcel || parcel->sender != sender)
        return NULL;
    lane->waiting = parcel->after;
    if (!lane->waiting)
        lane->waiting_end = &lane->waiting;
    lane->waiting_count--;
    return parcel;
}

/* Who was to send them can't any more: another may, or they wait in the queue, not here. */
static void give_back_all(struct lane *lane, uint64_t next)
{
    struct parcel *parcel = lane->waiting;

    lane->waiting = NULL;
    lane->waiting_end = &lane->waiting;
    lane->waiting_count = 0;
    for (struct parcel *after; parcel; parcel = after) {
        after = parcel->after;
        parcel_give_back(parcel, next);
    }
}

/* ---- whose turn ---- */

/* The first that may send now. NULL: none; *ret_when tells when to look again. */
static struct sender *choose(struct lane *lane, uint64_t *ret_when)
{
    *ret_when = STORE_NEVER;
    for (size_t i = 0; i < lane->sender_count; i++) {
        struct sender *sender = lane->senders[i];
        uint64_t when = sender_free_at(sender);
        if (when == 0)
            return sender;
        if (when < *ret_when)
            *ret_when = when;
        if (when == STORE_NEVER || !sender_advances(sender, lane->advances))
            break;
    }
    return NULL;
}

static size_t free_hands(const struct sender *sender)
{
    if (sender->state != LANE_GOES_ON)
        return sender->channel_count > channels_free(sender) ? 0 : 1;
    return channels_free(sender) + (sender->channel_most - sender->channel_count);
}

static void hand_out(struct lane *lane, struct sender *sender)
{
    struct parcel *parcel;

    while (lane->waiting && lane->waiting->sender == sender && free_hands(sender) && sender_free_at(sender) == 0) {
        parcel = lane_take(lane, sender);
        if (!channel_give(sender, parcel)) {
            parcel_give_back(parcel, relay_now(lane->relay) + RELAY_AGAIN_MS);
            return;
        }
    }
}

/* ---- claiming ---- */

static bool run_claim(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct claiming *claiming = data;

    claiming->claim.until = now + RELAY_LEASE_MS;
    return store_claim(store, &claiming->claim, now, &claiming->batch->items, err);
}

static void take_in(struct claiming *claiming)
{
    struct lane *lane = claiming->lane;
    struct batch *batch = claiming->batch;

    lane->next_due = batch->items.next_due;
    batch->users = 1; /* us */
    for (size_t i = 0; i < batch->items.count; i++) {
        struct parcel *parcel = parcel_new(lane, claiming->sender, batch, &batch->items.at[i]);
        if (!parcel)
            continue; /* no memory: its lease runs out */
        parcel->leaving = claiming->claim.leaving;
        if (parcel_is_late(parcel))
            parcel_give_up(parcel);
        else
            lane_add(lane, parcel);
    }
    if (--batch->users)
        claiming->batch = NULL; /* the parcels' */
}

static void claim_done(void *data, const struct err *err)
{
    struct claiming *claiming = data;
    struct lane *lane = claiming->lane;

    lane->claiming = false;
    if (err->kind == ERR_NONE) {
        take_in(claiming);
    } else {
        const struct evidence evidence = { .stage = STAGE_LOCAL, .err = *err };
        const struct relay_event event = {
            .kind = RELAY_EVENT_TROUBLE, .account = lane->name, .evidence = &evidence,
        };
        relay_tell(lane->relay, &event);
        lane->next_due = relay_now(lane->relay) + RELAY_AGAIN_MS;
    }
    lane_look(lane);
}

static void claim_drop(void *data)
{
    struct claiming *claiming = data;
    struct relay *relay = claiming->lane->relay;

    if (claiming->batch) {
        store_items_done(&claiming->batch->items);
        mem_free(claiming->batch);
    }
    mem_free(claiming);
    relay->asks--;
    relay_ended(relay);
}

static void claim(struct lane *lane, struct sender *sender, size_t messages)
{
    struct claiming *claiming = NEW(claiming);
    const struct queue_job job = { .run = run_claim, .done = claim_done, .drop = claim_drop, .data = claiming, .early = true };

    if (claiming && (claiming->batch = NEW(batch))) {
        claiming->lane = lane;
        claiming->sender = sender;
        claiming->claim = (struct store_claim){
            .account = lane->name,
            .by = sender->account->name,
            .messages = messages,
            .recipients = ADDRESS_LIST_MAX,
            .bytes = RELAY_WINDOW_BYTES,
        };
        lane->claiming = true;
        lane->relay->asks++;
        if (queue_ask(lane->relay->port, &job, NULL, NULL))
            return;
        lane->relay->asks--;
        lane->claiming = false;
        mem_free(claiming->batch);
    }
    mem_free(claiming);
    lane->next_due = relay_now(lane->relay) + RELAY_AGAIN_MS;
    timer_set(lane->timer, relay_loop_time(lane->relay, lane->next_due));
}

/* ---- what can be done now ---- */

/* Enough for every hand and some more, so that no channel waits for the queue. */
static size_t window(const struct sender *sender)
{
    return sender->state == LANE_GOES_ON ? RELAY_WINDOW : 1;
}

/* What was claimed goes out by whom it was claimed for; where that one can't for a while, it goes back. */
static void serve_waiting(struct lane *lane, uint64_t next)
{
    struct sender *sender = lane->waiting->sender;
    uint64_t when = sender_free_at(sender);

    if (lane->relay->draining)
        give_back_all(lane, relay_now(lane->relay));
    else if (when == 0)
        hand_out(lane, sender);
    else if (when != STORE_NEVER)
        give_back_all(lane, next < when ? next : when);
}

void lane_look(struct lane *lane)
{
    struct relay *relay = lane->relay;
    uint64_t now = relay_now(relay), when;

    if (relay->ending)
        return;
    struct sender *sender = choose(lane, &when);
    if (lane->waiting)
        serve_waiting(lane, sender ? now : when);
    if (relay->draining)
        return;
    if (!sender) {
        timer_set(lane->timer, relay_loop_time(relay, when));
        return;
    }
    if (!lane->claiming && lane->next_due <= now && lane->waiting_count < RELAY_WINDOW / 2 && free_hands(sender))
        claim(lane, sender, window(sender));
    timer_set(lane->timer, lane->next_due > now ? relay_loop_time(relay, lane->next_due) : UINT64_MAX);
}

void lane_rang(void *lane)
{
    lane_look(lane);
}

void lane_due(struct lane *lane, uint64_t at)
{
    if (at < lane->next_due)
        lane->next_due = at;
    lane_look(lane);
}
