/* Deadlines and ages are looked at when a message is claimed; what waits because its account waits is claimed for that alone.
 * The queue knows by its indices when the next one gets late, so a timer holds it, and nobody polls. */
#include "base/alloc.h"
#include "mail/address.h"
#include "relay/relay_int.h"

#include "base/banned.h"

struct looking {
    struct lane *lane;
    struct store_late late;
    struct batch *batch;
};

static bool run_look(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct looking *looking = data;
    const struct store_claim claim = {
        .account = looking->lane->name,
        .until = now + RELAY_LEASE_MS,
        .messages = RELAY_LATE_WINDOW,
        .recipients = ADDRESS_LIST_MAX,
        .late = &looking->late,
    };

    return store_claim(store, &claim, now, &looking->batch->items, err);
}

/* True: something of it was late, or there was nothing. */
static bool settle(struct looking *looking)
{
    struct lane *lane = looking->lane;
    struct batch *batch = looking->batch;
    size_t count = batch->items.count;
    bool any = count == 0;

    batch->users = 1; /* us */
    for (size_t i = 0; i < count; i++) {
        struct parcel *parcel = parcel_new(lane, lane->senders[0], batch, &batch->items.at[i]);
        if (parcel) /* else, no memory: its lease runs out */
            any |= parcel_settle_late(parcel);
    }
    if (--batch->users)
        looking->batch = NULL; /* the parcels' */
    return any;
}

static void look_done(void *data, const struct err *err)
{
    struct looking *looking = data;
    struct lane *lane = looking->lane;
    uint64_t now = relay_now(lane->relay), next = looking->batch->items.next_due;

    lane->looks_for_late = false;
    if (err->kind != ERR_NONE)
        lane_late(lane, now + RELAY_AGAIN_MS);
    else
        lane_late(lane, settle(looking) || next > now + RELAY_NOT_LATE_MS ? next : now + RELAY_NOT_LATE_MS);
}

static void look_drop(void *data)
{
    struct looking *looking = data;
    struct relay *relay = looking->lane->relay;

    if (looking->batch) {
        store_items_done(&looking->batch->items);
        mem_free(looking->batch);
    }
    mem_free(looking);
    relay->asks--;
    relay_ended(relay);
}

static bool ask(struct lane *lane)
{
    const struct attempt_policy *policy = &lane->relay->plan.policy;
    struct looking *looking = NEW(looking);
    const struct queue_job job = { .run = run_look, .done = look_done, .drop = look_drop, .data = looking, .early = true };

    if (looking && (looking->batch = NEW(batch))) {
        looking->lane = lane;
        looking->late = (struct store_late){
            .give_up_ms = policy->retry.give_up_ms + RELAY_LAST_TRY_MS,
            .delay_ms = policy->delay_ms,
        };
        lane->relay->asks++;
        if (queue_ask(lane->relay->port, &job, NULL, NULL))
            return true;
        lane->relay->asks--;
        mem_free(looking->batch);
    }
    mem_free(looking);
    return false;
}

/* What is settled is settled with the account's limits (parcel.c), which have to be known before. */
void lane_late_rang(void *of)
{
    struct lane *lane = of;
    struct relay *relay = lane->relay;

    if (relay->draining || relay->ending)
        return;
    lane->late_at = STORE_NEVER;
    if (!lane->senders[0]->limit_known) {
        lane_late(lane, relay_now(relay) + RELAY_LATE_MS);
        return;
    }
    lane->looks_for_late = ask(lane);
    if (!lane->looks_for_late)
        lane_late(lane, relay_now(relay) + RELAY_AGAIN_MS);
}

void lane_late(struct lane *lane, uint64_t at)
{
    if (at < lane->late_at)
        lane->late_at = at;
    if (!lane->looks_for_late)
        timer_set(lane->late_timer, relay_loop_time(lane->relay, lane->late_at));
}
