/* Due messages of one name, claimed in windows and given to whoever may send them. */
#include "base/alloc.h"
#include "mail/address.h"
#include "relay/relay_int.h"

#include "base/banned.h"

struct claiming {
    struct lane *lane;
    size_t place; /* of the sender */
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

static void hand_out(struct lane *lane, struct sender *sender)
{
    struct parcel *parcel;

    while (lane->waiting && lane->waiting->sender == sender && channels_hands(sender) && sender_free_at(sender) == 0) {
        parcel = lane_take(lane, sender);
        if (turn_is_anothers(&sender->turn, parcel->item->id)) {
            parcel_give_back(parcel, relay_now(lane->relay) + RELAY_AGAIN_MS);
            continue;
        }
        uint64_t when = sender_count(sender, parcel);
        if (when) { /* one with fewer recipients may still go (relay/turn.h) */
            parcel_give_back(parcel, when);
            continue;
        }
        turn_taken(&sender->turn, parcel->item->id);
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

static void set_due(const struct claiming *claiming, uint64_t at)
{
    struct lane *lane = claiming->lane;

    lane->due[claiming->place].tied = at;
    if (!claiming->claim.tied)
        lane->due[claiming->place].any = at;
}

/* Another account than the usual one would have to send it in a name that is not its own: that is refused there, or
 * rewritten. What may have arrived by it is its own. */
static bool is_foreign(const struct claiming *claiming, const struct parcel *parcel)
{
    return !claiming->claim.tied && claiming->place > 0 && !route_may_send(claiming->sender->account, parcel->item);
}

/* It waits for the usual one. */
static void give_back_foreign(struct claiming *claiming, struct parcel *parcel)
{
    uint64_t when = sender_free_at(claiming->lane->senders[0]), later = relay_now(parcel->relay) + RELAY_FOREIGN_MS;

    parcel_give_back(parcel, when == STORE_NEVER || when > later ? later : when);
}

static void take_in(struct claiming *claiming)
{
    struct lane *lane = claiming->lane;
    struct batch *batch = claiming->batch;

    set_due(claiming, batch->items.next_due);
    if (claiming->claim.first && (!batch->items.count || batch->items.at[0].id != claiming->claim.first))
        sender_check_turn(claiming->sender); /* it may be another lane's, too */
    batch->users = 1; /* us */
    for (size_t i = 0; i < batch->items.count; i++) {
        struct parcel *parcel = parcel_new(lane, claiming->sender, batch, &batch->items.at[i]);
        if (!parcel)
            continue; /* no memory: its lease runs out */
        if (parcel_is_late(parcel))
            (void)parcel_settle_late(parcel);
        else if (is_foreign(claiming, parcel))
            give_back_foreign(claiming, parcel);
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
        set_due(claiming, relay_now(lane->relay) + RELAY_AGAIN_MS);
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

/* Enough for every hand and some more, so that no channel waits for the queue. */
static size_t window(const struct sender *sender)
{
    return sender->state == LANE_GOES_ON ? RELAY_WINDOW : 1;
}

static void claim(struct lane *lane, size_t place, bool tied)
{
    struct sender *sender = lane->senders[place];
    struct claiming *claiming = NEW(claiming);
    const struct queue_job job = { .run = run_claim, .done = claim_done, .drop = claim_drop, .data = claiming, .early = true };

    if (claiming && (claiming->batch = NEW(batch))) {
        claiming->lane = lane;
        claiming->place = place;
        claiming->sender = sender;
        claiming->claim = (struct store_claim){
            .account = lane->name,
            .by = sender->account->name,
            .tied = tied,
            .first = turn_is_up(&sender->turn) ? sender->turn.id : 0,
            .messages = window(sender),
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
    lane->due[place].tied = relay_now(lane->relay) + RELAY_AGAIN_MS;
    if (!tied)
        lane->due[place].any = lane->due[place].tied;
}

/* ---- what can be done now ---- */

/* Another may take it at once; or whose turn it is goes away, and with that what the others wait for. */
static bool may_be_sooner(const struct lane *lane, const struct sender *sender)
{
    return lane->sender_count > 1 || turn_is_up(&sender->turn);
}

/* What was claimed goes out by whom it was claimed for; where that one can't for a while, it goes back. */
static void serve_first(struct lane *lane)
{
    struct sender *sender = lane->waiting->sender;
    uint64_t when = sender_free_at(sender), now = relay_now(lane->relay);

    if (lane->relay->draining)
        give_back_all(lane, now);
    else if (when == 0)
        hand_out(lane, sender);
    else if (when != STORE_NEVER)
        give_back_all(lane, may_be_sooner(lane, sender) ? now : when);
}

static void serve_waiting(struct lane *lane)
{
    const struct sender *sender;

    do {
        sender = lane->waiting->sender;
        serve_first(lane);
    } while (lane->waiting && lane->waiting->sender != sender);
}

/* The first that may send now has all that is due; those behind it what only they may send: it may have arrived by them
 * (*ret_tied). Is there something to be claimed, and for whom? *ret_again: when to look again at the latest. */
static bool choose(const struct lane *lane, size_t *ret_place, bool *ret_tied, uint64_t *ret_again)
{
    uint64_t now = relay_now(lane->relay);
    bool any = false;

    *ret_again = STORE_NEVER;
    for (size_t i = 0; i < lane->sender_count; i++) {
        uint64_t when = sender_free_at(lane->senders[i]);
        uint64_t due = any ? lane->due[i].tied : lane->due[i].any;
        if (when == 0 && due <= now) {
            *ret_place = i;
            *ret_tied = any;
            return true;
        }
        if (!any && when && (when == STORE_NEVER || !sender_advances(lane->senders[i], lane->advances))) {
            *ret_again = when < *ret_again ? when : *ret_again;
            return false;
        }
        any |= when == 0;
        when = when > due ? when : due;
        *ret_again = when < *ret_again ? when : *ret_again;
    }
    return false;
}

void lane_look(struct lane *lane)
{
    struct relay *relay = lane->relay;
    uint64_t again;
    size_t place;
    bool tied;

    if (relay->ending)
        return;
    if (lane->waiting)
        serve_waiting(lane);
    if (relay->draining)
        return;
    if (choose(lane, &place, &tied, &again) && !lane->claiming && lane->waiting_count < RELAY_WINDOW / 2 &&
        channels_hands(lane->senders[place])) {
        claim(lane, place, tied);
        again = relay_now(relay) + RELAY_AGAIN_MS; /* where it could not be asked */
    }
    timer_set(lane->timer, again > relay_now(relay) ? relay_loop_time(relay, again) : UINT64_MAX);
}

void lane_rang(void *lane)
{
    lane_look(lane);
}

void lane_note_due(struct lane *lane, uint64_t at)
{
    for (size_t i = 0; i < lane->sender_count; i++) {
        if (at < lane->due[i].any)
            lane->due[i].any = at;
        if (at < lane->due[i].tied)
            lane->due[i].tied = at;
    }
}

void lane_due(struct lane *lane, uint64_t at)
{
    lane_note_due(lane, at);
    lane_late(lane, relay_now(lane->relay) + RELAY_LATE_MS);
    lane_look(lane);
}
