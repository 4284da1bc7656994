/* A route's next account: who it may be, and when it has a message that another failed. */
#include "relay/relay_int.h"

#include "relay/settings.h"

#include "base/banned.h"

bool route_may_send(const struct account *account, const struct store_item *item)
{
    const char *sender = item->envelope->sender;

    return (!*sender || account_may_send_as(account, span_of(sender))) &&
           (!*item->from || account_may_send_as(account, span_of(item->from)));
}

/* Behind the one that had it. NULL: nobody, or it may have arrived by an earlier try, and then goes by no other. */
static struct sender *next_of(const struct parcel *parcel)
{
    const struct lane *lane = parcel->lane;
    size_t at = 0;

    if (!(lane->advances & ROUTE_ON_REFUSED) || *parcel->item->tied_to)
        return NULL;
    while (at < lane->sender_count && lane->senders[at] != parcel->sender)
        at++;
    for (at++; at < lane->sender_count; at++)
        if (route_may_send(lane->senders[at]->account, parcel->item))
            return lane->senders[at];
    return NULL;
}

/* It comes again, and by the first account again: who can say what that one makes of it by then. */
static void wait_for(struct parcel *parcel, uint64_t free_at)
{
    struct relay *relay = parcel->relay;
    const struct store_item *item = parcel->item;

    for (size_t i = 0; i < item->envelope->count; i++) {
        const struct retry_case when = {
            .now = relay_now(relay),
            .created = item_born(item),
            .stood_ms = item->stood,
            .tries = item->recipients[i].tries + 1,
            .random = parcel->random,
        };
        uint64_t next = retry_next(&relay->plan.policy.retry, &when);
        if (!next)
            continue; /* its time is over: it stays failed */
        parcel->settled[i].state = STORE_DEFERRED;
        parcel->settled[i].next = free_at != STORE_NEVER && free_at > next ? free_at : next;
        parcel->settled[i].reports = 0;
    }
}

bool route_goes_on(struct parcel *parcel)
{
    struct sender *next = next_of(parcel);
    uint64_t free_at = next && !parcel->relay->draining ? sender_free_at(next) : STORE_NEVER;

    if (!next)
        return false;
    if (free_at != 0) {
        wait_for(parcel, free_at);
        return false;
    }
    for (size_t i = 0; i < parcel->item->envelope->count; i++)
        parcel->outcomes[i] = (struct transport_outcome){ 0 };
    parcel->sender = next;
    parcel->first = parcel->count = 0;
    lane_add(parcel->lane, parcel);
    return true;
}

/* The first that may send now takes all that is due. */
static const struct sender *whose_turn(const struct lane *lane)
{
    for (size_t i = 0; i < lane->sender_count; i++) {
        uint64_t when = sender_free_at(lane->senders[i]);
        if (when == 0)
            return lane->senders[i];
        if (when == STORE_NEVER || !sender_advances(lane->senders[i], lane->advances))
            return NULL;
    }
    return NULL;
}

void route_pass_on(struct parcel *parcel)
{
    const struct sender *next = whose_turn(parcel->lane);

    if (!next || next == parcel->sender || !route_may_send(next->account, parcel->item))
        return;
    for (size_t i = 0; i < parcel->item->envelope->count; i++)
        if (parcel->settled[i].state == STORE_DEFERRED)
            parcel->settled[i].next = relay_now(parcel->relay);
}
