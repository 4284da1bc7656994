/* An account that sends: how much it may, and how it fares. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "net/loop.h"
#include "relay/relay_int.h"

#include "base/banned.h"

/* ---- limits ---- */

struct loading {
    struct sender *sender;
    const char *account;
    struct buf bytes;
    bool parked;
    char because[STORE_NAME_MAX + 1], said[ERR_TEXT_MAX];
};

static bool run_load(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct loading *loading = data;
    struct store_accounts accounts = { 0 };

    if (!store_accounts(store, loading->account, now, &accounts, err))
        return false;
    if (accounts.count && accounts.at[0].parked_since) {
        loading->parked = true;
        snprintf(loading->because, sizeof loading->because, "%s", accounts.at[0].parked_because);
        snprintf(loading->said, sizeof loading->said, "%s", accounts.at[0].parked_text);
    }
    store_accounts_done(&accounts);
    return store_mark_get(store, "limit", loading->account, &loading->bytes, err);
}

/* It was parked in an earlier life: the first message tries whether it works again. */
static void take_parked(struct sender *sender, const struct loading *loading)
{
    const struct cause *cause = know_cause(sender->relay->plan.know, loading->because);

    sender->state = LANE_PARKED;
    sender->until = 0;
    sender->because = cause ? cause->id : "internal_error";
    snprintf(sender->said, sizeof sender->said, "%s", loading->said);
}

/* What can't be read is counted from zero: better than not to send at all. */
static void load_done(void *data, const struct err *err)
{
    struct loading *loading = data;
    struct sender *sender = loading->sender;

    if (err->kind == ERR_NONE)
        limit_read(buf_span(&loading->bytes), &sender->limit);
    if (err->kind == ERR_NONE && loading->parked)
        take_parked(sender, loading);
    sender->limit_known = true;
    relay_look(sender->relay, sender);
}

static void load_drop(void *data)
{
    struct loading *loading = data;
    struct relay *relay = loading->sender->relay;

    buf_done(&loading->bytes);
    mem_free(loading);
    relay->asks--;
    relay_ended(relay);
}

bool sender_load(struct sender *sender, struct err *err)
{
    struct loading *loading = NEW(loading);
    const struct queue_job job = { .run = run_load, .done = load_done, .drop = load_drop, .data = loading, .early = true };

    if (!loading)
        return err_no_memory(err);
    *loading = (struct loading){ .sender = sender, .account = sender->account->name, .bytes = BUF(STORE_MARK_MAX) };
    sender->relay->asks++;
    if (queue_ask(sender->relay->port, &job, NULL, err))
        return true;
    sender->relay->asks--;
    mem_free(loading);
    return false;
}

/* ---- may it? ---- */

static void count_as_of_now(struct parcel *parcel)
{
    uint64_t now = relay_now(parcel->relay);

    if (!parcel->counted || parcel->counted_at == now)
        return;
    limit_give_back(&parcel->sender->limit, parcel->counted, parcel->counted_at, now);
    limit_take(&parcel->sender->limit, parcel->counted, now);
    parcel->counted_at = now;
}

/* What is under way its provider counts at a time that nobody here knows: at the latest possible. */
static void count_all_as_of_now(struct sender *sender)
{
    for (struct channel *channel = sender->channels; channel; channel = channel->next)
        if (channel->parcel)
            count_as_of_now(channel->parcel);
}

uint64_t sender_free_at(struct sender *sender)
{
    uint64_t now = relay_now(sender->relay);

    if (!sender->limit_known)
        return STORE_NEVER;
    count_all_as_of_now(sender);
    if (sender->state != LANE_GOES_ON && sender->until > now)
        return sender->until;
    if (sender->state != LANE_GOES_ON && sender->channel_count > channels_free(sender))
        return STORE_NEVER; /* one message tries whether it works again */
    const struct limit_answer answer = limit_ask(&sender->limit, &sender->allowed, turn_need(&sender->turn), now);
    return answer.yes ? 0 : answer.free_at;
}

/* Before it is given to a channel: else all that wait for theirs to be ready would pass by the same last free place. */
uint64_t sender_count(struct sender *sender, struct parcel *parcel)
{
    uint64_t now = relay_now(sender->relay), most = sender->account->limits.recipients_per_message;
    size_t count = parcel->item->envelope->count - parcel->first;

    if (most && count > most)
        count = (size_t)most;
    count_all_as_of_now(sender);
    const struct limit_answer answer = limit_ask(&sender->limit, &sender->allowed, count, now);
    if (!answer.yes) {
        if (answer.by == LIMIT_RECIPIENTS && count <= sender->allowed.most[LIMIT_RECIPIENTS]) /* else there never will be */
            turn_refused(&sender->turn, parcel->item->id, count);
        return answer.free_at;
    }
    limit_take(&sender->limit, count, now);
    parcel->counted = count;
    parcel->counted_at = now;
    return 0;
}

void sender_uncount(struct parcel *parcel)
{
    if (parcel->counted)
        limit_give_back(&parcel->sender->limit, parcel->counted, parcel->counted_at, relay_now(parcel->relay));
    parcel->counted = 0;
}

void sender_spent(struct parcel *parcel, size_t transactions)
{
    count_as_of_now(parcel);
    parcel->counted = 0;
    for (; transactions > 1; transactions--) /* one was counted, with all recipients */
        limit_take(&parcel->sender->limit, 0, relay_now(parcel->relay));
}

bool sender_advances(const struct sender *sender, unsigned advances)
{
    static const enum route_advance bits[] = {
        [LANE_GOES_ON] = ROUTE_ON_QUOTA, /* its own limit is used up */
        [LANE_WAITS] = ROUTE_ON_CONNECT,
        [LANE_BLOCKED] = ROUTE_ON_QUOTA,
        [LANE_PARKED] = ROUTE_ON_AUTH,
    };

    return advances & bits[sender->state];
}

/* ---- parked, in the queue's books ---- */

struct parking {
    struct relay *relay;
    struct sender *sender;
    const char *account, *cause; /* of the configuration and of the knowledge */
    char said[ERR_TEXT_MAX];
};

static bool run_parking(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct parking *p = data;

    return p->cause ? store_park(store, p->account, p->cause, p->said, now, err)
                    : store_unpark(store, p->account, now, err);
}

static void parking_done(void *data, const struct err *err)
{
    struct parking *p = data;
    const struct evidence evidence = { .stage = STAGE_LOCAL, .err = *err };
    const struct relay_event event = { .kind = RELAY_EVENT_TROUBLE, .account = p->account, .evidence = &evidence };

    p->sender->books_wrong = err->kind != ERR_NONE;
    for (struct lane *lane = p->relay->lanes; lane; lane = lane->next)
        lane_late(lane, relay_now(p->relay)); /* by parking it ages no more, or again */
    if (err->kind != ERR_NONE)
        relay_tell(p->relay, &event);
}

static void parking_drop(void *data)
{
    struct parking *p = data;
    struct relay *relay = p->relay;

    mem_free(p);
    relay->asks--;
    relay_ended(relay);
}

/* `cause` NULL: not any more. */
static void write_parked(struct sender *sender, const char *cause)
{
    struct parking *p = NEW(parking);
    const struct queue_job job = { .run = run_parking, .done = parking_done, .drop = parking_drop, .data = p };
    struct err err = { 0 };

    sender->books_wrong = !p;
    if (!p)
        return;
    *p = (struct parking){ .relay = sender->relay, .sender = sender, .account = sender->account->name, .cause = cause };
    snprintf(p->said, sizeof p->said, "%s", sender->said);
    sender->relay->asks++;
    if (queue_ask(sender->relay->port, &job, NULL, &err))
        return;
    sender->relay->asks--;
    parking_done(p, &err);
    mem_free(p);
}

void sender_mend_books(struct sender *sender)
{
    if (sender->books_wrong)
        write_parked(sender, sender->state == LANE_PARKED ? sender->because : NULL);
}

/* ---- how it fares ---- */

static void tell(struct sender *sender, enum relay_event_kind kind, const struct evidence *evidence)
{
    const struct relay_event event = {
        .kind = kind,
        .account = sender->account->name,
        .evidence = evidence,
        .cause = *sender->because ? sender->because : NULL,
        .until = sender->until,
    };

    relay_tell(sender->relay, &event);
}

void sender_works(struct sender *sender)
{
    bool parked = sender->state == LANE_PARKED;

    if (sender->state == LANE_GOES_ON)
        return;
    sender->state = LANE_GOES_ON;
    sender->until = 0;
    sender->line_breaks = 0;
    sender->because = "";
    sender->said[0] = '\0';
    if (parked) {
        write_parked(sender, NULL);
        tell(sender, RELAY_EVENT_UNPARKED, NULL);
    }
    relay_look(sender->relay, sender);
}

void sender_learn(struct sender *sender, const struct meaning *meaning, const struct evidence *evidence,
                  const struct verdict *verdict)
{
    static const enum relay_event_kind events[] = {
        [LANE_WAITS] = RELAY_EVENT_WAITS,
        [LANE_BLOCKED] = RELAY_EVENT_BLOCKED,
        [LANE_PARKED] = RELAY_EVENT_PARKED,
    };
    bool was_parked = sender->state == LANE_PARKED;

    if (was_parked && meaning->lane != LANE_PARKED && evidence->stage <= STAGE_AUTH) {
        /* It did not come to what it is parked for: nothing is mended. */
        sender->until = relay_now(sender->relay) + RELAY_PROBE_MS;
        relay_look(sender->relay, sender);
        return;
    }
    const char *cause = verdict ? verdict->cause->id : "internal_error";
    bool same = was_parked && strcmp(cause, sender->because) == 0;

    sender->state = meaning->lane;
    sender->until = meaning->lane == LANE_PARKED ? relay_now(sender->relay) + RELAY_PROBE_MS : meaning->until;
    sender->line_breaks += meaning->lane == LANE_WAITS;
    sender->because = cause;
    sender->away = is_away(evidence);
    snprintf(sender->said, sizeof sender->said, "%s",
             evidence->err.said[0] ? evidence->err.said : evidence->err.text);
    if (meaning->lane == LANE_BLOCKED)
        limit_block(&sender->limit, meaning->until);
    if (meaning->lane == LANE_PARKED && !same)
        write_parked(sender, cause);
    if (was_parked && meaning->lane != LANE_PARKED) {
        write_parked(sender, NULL);
        tell(sender, RELAY_EVENT_UNPARKED, NULL);
    }
    if (!same)
        tell(sender, events[meaning->lane], evidence);
    relay_look(sender->relay, sender);
}

/* ---- the network is back ---- */

bool is_away(const struct evidence *evidence)
{
    return evidence->err.kind == ERR_NETWORK || evidence->err.kind == ERR_NAME;
}

void sender_put_off(struct sender *sender, uint64_t id, uint64_t until)
{
    sender->put_off[sender->put_off_count++ % RELAY_AWAY_MOST] = (struct store_wait){ id, until };
}

struct hastening {
    struct relay *relay;
    struct store_wait waits[RELAY_AWAY_MOST];
    size_t count;
    uint64_t at;
};

static bool run_hastening(void *data, struct store *store, uint64_t now, struct err *err)
{
    const struct hastening *h = data;

    return store_hasten(store, h->waits, h->count, h->at, now, err);
}

/* Where it failed they wait for their time. */
static void hastening_done(void *data, const struct err *err)
{
    (void)data, (void)err;
}

static void hastening_drop(void *data)
{
    struct hastening *h = data;
    struct relay *relay = h->relay;

    mem_free(h);
    relay->asks--;
    relay_ended(relay);
}

static void hasten(struct sender *sender, uint64_t at)
{
    size_t count = sender->put_off_count < RELAY_AWAY_MOST ? sender->put_off_count : RELAY_AWAY_MOST;
    struct hastening *h = count ? NEW(hastening) : NULL;
    const struct queue_job job = { .run = run_hastening, .done = hastening_done, .drop = hastening_drop, .data = h };

    if (!h)
        return;
    h->relay = sender->relay;
    h->count = count;
    h->at = at;
    memcpy(h->waits, sender->put_off, count * sizeof *h->waits);
    sender->put_off_count = 0;
    sender->relay->asks++;
    if (queue_ask(sender->relay->port, &job, NULL, NULL))
        return;
    sender->relay->asks--;
    mem_free(h);
}

/* How long it waits if that fails again is not forgotten: a network that comes and goes is not tried more often. */
void sender_reaches(struct sender *sender)
{
    uint64_t at = relay_now(sender->relay) + relay_random(sender->relay) % RELAY_REACH_MS;

    if (!sender->away || sender->state == LANE_GOES_ON)
        return;
    if (at < sender->until)
        sender->until = at;
    hasten(sender, at);
}

/* ---- whose turn it is ---- */

struct checking {
    struct sender *sender;
    uint64_t id;
    bool waits;
};

static bool run_checking(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct checking *checking = data;
    struct store_story story = { 0 };

    if (!store_show(store, checking->id, 0, 0, now, &story, err))
        return false;
    checking->waits = story.rows.at[0].next != STORE_NEVER || story.rows.at[0].state == STORE_PARKED;
    store_story_done(&story);
    return true;
}

static void checking_done(void *data, const struct err *err)
{
    struct checking *checking = data;
    struct sender *sender = checking->sender;

    (void)err; /* gone, most likely */
    sender->turn_checked = false;
    if (checking->waits || sender->turn.id != checking->id)
        return;
    sender->turn = (struct turn){ 0 };
    relay_look(sender->relay, sender);
}

static void checking_drop(void *data)
{
    struct checking *checking = data;
    struct relay *relay = checking->sender->relay;

    mem_free(checking);
    relay->asks--;
    relay_ended(relay);
}

void sender_check_turn(struct sender *sender)
{
    struct checking *checking = turn_is_up(&sender->turn) && !sender->turn_checked ? NEW(checking) : NULL;
    const struct queue_job job = { .run = run_checking, .done = checking_done, .drop = checking_drop, .data = checking,
                                   .early = true };

    if (!checking)
        return;
    checking->sender = sender;
    checking->id = sender->turn.id;
    sender->relay->asks++;
    sender->turn_checked = queue_ask(sender->relay->port, &job, NULL, NULL);
    if (sender->turn_checked)
        return;
    sender->relay->asks--;
    mem_free(checking);
}
