/* A message in hand, from the claim to the word about it. */
#include <string.h>

#include "base/alloc.h"
#include "net/loop.h"
#include "os/file.h"
#include "relay/relay_int.h"

#include "base/banned.h"

struct parcel *parcel_new(struct lane *lane, struct sender *sender, struct batch *batch,
                          const struct store_item *item)
{
    struct parcel *parcel = NEW(parcel);
    size_t count = item->envelope->count;

    if (!parcel)
        return NULL;
    parcel->outcomes = mem_array(count, sizeof *parcel->outcomes);
    parcel->verdicts = mem_array(count, sizeof *parcel->verdicts);
    parcel->settled = mem_array(count, sizeof *parcel->settled);
    if (!parcel->outcomes || !parcel->verdicts || !parcel->settled) {
        mem_free(parcel->outcomes);
        mem_free(parcel->verdicts);
        mem_free(parcel->settled);
        mem_free(parcel);
        return NULL;
    }
    parcel->relay = lane->relay;
    parcel->lane = lane;
    parcel->sender = sender;
    parcel->batch = batch;
    parcel->item = item;
    parcel->fd = -1;
    parcel->began = loop_now(lane->relay->loop);
    parcel->next = lane->relay->held;
    if (parcel->next)
        parcel->next->held_by = &parcel->next;
    parcel->held_by = &lane->relay->held;
    lane->relay->held = parcel;
    batch->users++;
    return parcel;
}

void parcel_free(struct parcel *parcel)
{
    if (!parcel)
        return;
    *parcel->held_by = parcel->next;
    if (parcel->next)
        parcel->next->held_by = parcel->held_by;
    if (--parcel->batch->users == 0) {
        store_items_done(&parcel->batch->items);
        mem_free(parcel->batch);
    }
    if (parcel->fd >= 0)
        parcel->relay->plan.disk->close(parcel->relay->plan.disk, parcel->fd);
    mem_free(parcel->outcomes);
    mem_free(parcel->verdicts);
    mem_free(parcel->settled);
    mem_free(parcel);
}

/* ---- its bytes ---- */

static bool read_body(void *of, uint64_t at, char *into, size_t room, size_t *ret_len, struct err *err)
{
    struct parcel *parcel = of;
    struct span body = parcel->item->body;

    if (parcel->fd < 0) {
        body = span_cut(body, at < body.len ? (size_t)at : body.len, body.len);
        *ret_len = body.len < room ? body.len : room;
        memcpy(into, body.at, *ret_len);
        return true;
    }
    return file_read_at(parcel->fd, at, into, room, ret_len, err);
}

struct transport_body parcel_body(struct parcel *parcel)
{
    return (struct transport_body){ read_body, parcel };
}

/* ---- what became of it ---- */

void parcel_fail(struct parcel *parcel, enum smtp_fate fate, const struct evidence *evidence)
{
    for (size_t i = parcel->first; i < parcel->item->envelope->count; i++)
        parcel->outcomes[i] = (struct transport_outcome){ .fate = fate, .evidence = *evidence };
}

static struct meaning judge(struct parcel *parcel, size_t i)
{
    struct relay *relay = parcel->relay;
    const struct transport_outcome *outcome = &parcel->outcomes[i];
    const struct store_item *item = parcel->item;
    bool failed = outcome->fate != SMTP_FATE_TAKEN;
    bool known = failed && classify(relay->plan.know, &outcome->evidence, &parcel->verdicts[i]);
    const struct attempt attempt = {
        .fate = outcome->fate,
        .verdict = known ? &parcel->verdicts[i] : NULL,
        .stage = outcome->evidence.stage,
        .line_up = outcome->evidence.err.reply && outcome->evidence.err.reply != 421,
        .now = relay_now(relay),
        .created = item_born(item),
        .stood_ms = item->stood,
        .tries = item->recipients[i].tries + 1,
        .line_breaks = parcel->sender->line_breaks + 1,
        .random = parcel->random,
        .notify = item->envelope->recipients[i].notify,
        .silent = item->silent,
        .wishes_passed = outcome->wishes_passed,
        .told = item->recipients[i].told,
        .deadline = item->deadline,
        .deadline_tells = item->deadline_tells,
    };

    return attempt_mean(&relay->plan.policy, &attempt);
}

static const char *words_of(const struct err *err)
{
    return err->said[0] ? err->said : err->text[0] ? err->text : NULL;
}

static enum relay_event_kind event_of(enum store_state state)
{
    switch (state) {
    case STORE_DELIVERED:
        return RELAY_EVENT_DELIVERED;
    case STORE_FAILED:
        return RELAY_EVENT_FAILED;
    case STORE_UNKNOWN:
        return RELAY_EVENT_UNKNOWN;
    default:
        return RELAY_EVENT_DEFERRED;
    }
}

static void tell(struct parcel *parcel, size_t i, const struct store_outcome *settled)
{
    const struct relay_event event = {
        .kind = event_of(settled->state),
        .id = parcel->item->id,
        .account = parcel->sender->account->name,
        .recipient = parcel->item->envelope->recipients[i].address,
        .evidence = &parcel->outcomes[i].evidence,
        .cause = settled->cause,
        .until = settled->next == STORE_NEVER ? 0 : settled->next,
        .ms = loop_now(parcel->relay->loop) - parcel->began,
        .reports = settled->reports,
    };

    relay_tell(parcel->relay, &event);
}

/* What is made of one recipient's outcome. */
static struct meaning settle_recipient(struct parcel *parcel, size_t i)
{
    const struct meaning meaning = judge(parcel, i);
    const struct err *err = &parcel->outcomes[i].evidence.err;
    struct store_outcome *settled = &parcel->settled[i];
    const struct cause *cause = parcel->verdicts[i].cause;

    *settled = (struct store_outcome){
        .number = parcel->item->recipients[i].number,
        .state = meaning.state,
        .next = meaning.next,
        .reply = err->reply,
        .enhanced = { err->enhanced[0], err->enhanced[1], err->enhanced[2] },
        .cause = cause ? cause->id : NULL,
        .text = words_of(err),
        .reports = meaning.reports,
    };
    return meaning;
}

/* ---- telling the queue ---- */

/* Nobody tells when what was not known to be claimed is due, or late. */
static void look_again(const struct parcel *parcel)
{
    uint64_t at = relay_now(parcel->relay) + RELAY_AGAIN_MS;

    lane_note_due(parcel->lane, at);
    lane_late(parcel->lane, at);
}

struct settling {
    struct parcel *parcel;
    struct buf limit; /* what is used of the limits, to be kept by the same commit */
    bool in_vain;     /* to be said again */
};

/* All of it failed at the first try, and whoever handed it in waits for just that word: then no report is due. */
static void leave_it_to_who_waits(struct parcel *parcel)
{
    const struct store_item *item = parcel->item;
    size_t count = item->envelope->count;

    if (count < item->total)
        return;
    for (size_t i = 0; i < count; i++)
        if (item->recipients[i].tries || parcel->settled[i].state != STORE_FAILED)
            return;
    if (!queue_is_answered(parcel->relay->plan.queue, item->id))
        return;
    for (size_t i = 0; i < count; i++)
        parcel->settled[i].reports &= ~(unsigned)REPORT_FAILURE;
}

static bool run_settle(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct settling *settling = data;
    struct parcel *parcel = settling->parcel;
    const char *account = parcel->sender->account->name;
    const struct store_settlement settlement = {
        .id = parcel->item->id,
        .lease = parcel->item->lease,
        .by = account,
        .outcomes = parcel->settled,
        .count = parcel->item->envelope->count,
    };

    leave_it_to_who_waits(parcel);
    return store_settle(store, &settlement, now, err) &&
           store_mark_put(store, "limit", account, buf_span(&settling->limit), err);
}

static void settle_done(void *data, const struct err *err)
{
    struct settling *settling = data;
    struct parcel *parcel = settling->parcel;
    bool again = err->kind != ERR_NONE && parcel->decided && err->kind != ERR_DATA;

    settling->in_vain = again;
    if (err->kind == ERR_NONE || (again && parcel->unsaid)) /* told before */
        return;
    /* Where something became of it the lease is kept, and the queue told again. Else its lease runs out, and the queue
     * decides by what it knows; or it has no lease, and is due for somebody. */
    parcel->unsaid = again;
    if (!again)
        look_again(parcel);
    const struct evidence evidence = { .stage = STAGE_LOCAL, .err = *err };
    const struct relay_event event = {
        .kind = RELAY_EVENT_TROUBLE,
        .id = parcel->item->id,
        .account = parcel->sender->account->name,
        .evidence = &evidence,
    };
    relay_tell(parcel->relay, &event);
}

static void keep_unsaid(struct parcel *parcel)
{
    struct relay *relay = parcel->relay;

    parcel->unsaid_next = relay->unsaid;
    relay->unsaid = parcel;
    timer_set(relay->say_again, loop_now(relay->loop) + RELAY_AGAIN_MS);
}

static void settle_drop(void *data)
{
    struct settling *settling = data;
    struct relay *relay = settling->parcel->relay;
    struct lane *lane = settling->parcel->lane;

    if (settling->in_vain && !relay->ending)
        keep_unsaid(settling->parcel);
    else
        parcel_free(settling->parcel);
    buf_done(&settling->limit);
    mem_free(settling);
    relay->asks--;
    lane_look(lane); /* more may be due */
    relay_ended(relay);
}

static void send_word(struct parcel *parcel)
{
    struct relay *relay = parcel->relay;
    struct settling *settling = NEW(settling);
    struct err err = { 0 };
    const struct queue_job job = { .run = run_settle, .done = settle_done, .drop = settle_drop, .data = settling };

    if (settling) {
        *settling = (struct settling){ .parcel = parcel, .limit = BUF(STORE_MARK_MAX) };
        limit_write(&parcel->sender->limit, &settling->limit);
        relay->asks++;
        if (queue_ask(relay->port, &job, NULL, &err))
            return;
        relay->asks--;
        settle_done(settling, &err);
        buf_done(&settling->limit);
        mem_free(settling);
    }
    parcel_free(parcel); /* its lease runs out */
}

void parcels_say_again(void *of)
{
    struct relay *relay = of;

    for (struct parcel *parcel = GIVE(relay->unsaid), *next; parcel; parcel = next) {
        next = parcel->unsaid_next;
        send_word(parcel);
    }
}

/* It is another's. */
static void let_go(struct parcel *parcel)
{
    sender_uncount(parcel);
    look_again(parcel);
    parcel_free(parcel);
}

static void put_back(struct parcel *parcel, size_t i, uint64_t next)
{
    parcel->settled[i] = (struct store_outcome){
        .number = parcel->item->recipients[i].number, .state = STORE_QUEUED, .next = next,
    };
}

static void note_put_off(struct parcel *parcel, size_t i, const struct meaning *meaning)
{
    bool same = i > 0 && parcel->settled[i - 1].next == meaning->next; /* all of a message, usually */

    if (meaning->state == STORE_DEFERRED && meaning->lane == LANE_WAITS && !same &&
        is_away(&parcel->outcomes[i].evidence))
        sender_put_off(parcel->sender, parcel->item->id, meaning->next);
}

void parcel_settle(struct parcel *parcel)
{
    size_t count = parcel->item->envelope->count, which = 0, elsewhere = 0;
    struct sender *sender = parcel->sender;
    struct meaning worst = { 0 };
    size_t decided = parcel->rest_at ? parcel->first : count;

    if (parcel->gone) {
        let_go(parcel);
        return;
    }
    parcel->decided = true;
    parcel->random = relay_random(parcel->relay);
    for (size_t i = 0; i < decided; i++) {
        const struct meaning meaning = settle_recipient(parcel, i);
        note_put_off(parcel, i, &meaning);
        elsewhere += meaning.elsewhere;
        if (i == 0 || meaning.lane > worst.lane) {
            worst = meaning; /* it is what the account learns */
            which = i;
        }
    }
    for (size_t i = decided; i < count; i++)
        put_back(parcel, i, parcel->rest_at);
    bool goes_on = elsewhere == count && route_goes_on(parcel);
    if (worst.lane == LANE_GOES_ON)
        sender_works(sender);
    else
        sender_learn(sender, &worst, &parcel->outcomes[which].evidence,
                     parcel->verdicts[which].cause ? &parcel->verdicts[which] : NULL);
    if (goes_on)
        return;
    if (worst.lane != LANE_GOES_ON)
        route_pass_on(parcel);
    for (size_t i = 0; i < decided; i++) {
        sender->counts[parcel->settled[i].state]++;
        tell(parcel, i, &parcel->settled[i]);
    }
    send_word(parcel);
}

bool parcel_is_late(const struct parcel *parcel)
{
    const struct store_item *item = parcel->item;
    bool asked = true;

    for (size_t i = 0; i < item->envelope->count; i++)
        asked &= item->recipients[i].was == STORE_UNKNOWN && (item->recipients[i].told & REPORT_FAILURE);
    return !asked && item->deadline && !item->deadline_tells && item->deadline <= relay_now(parcel->relay);
}

static struct meaning judge_waiting(const struct parcel *parcel, size_t i)
{
    const struct store_item *item = parcel->item;
    const struct attempt waiting = {
        .now = relay_now(parcel->relay),
        .created = item_born(item),
        .stood_ms = item->stood,
        .notify = item->envelope->recipients[i].notify,
        .silent = item->silent,
        .told = item->recipients[i].told,
        .deadline = item->deadline,
        .deadline_tells = item->deadline_tells,
    };

    return attempt_late(&parcel->relay->plan.policy, &waiting, item->recipients[i].was == STORE_UNKNOWN);
}

/* What kept it, as far as that is known: its own last try, or what its account waits for. */
static void say_why(struct parcel *parcel, size_t i, const char **ret_cause, const char **ret_text)
{
    const struct store_open_recipient *recipient = &parcel->item->recipients[i];
    const struct sender *sender = parcel->sender;
    bool tried = *recipient->cause || *recipient->text;

    *ret_cause = tried ? recipient->cause : sender->because;
    *ret_text = tried ? recipient->text : sender->said;
}

/* RFC 3463: X.4.7 is "delivery time expired". What may have arrived is not called failed: a person decides. */
static void give_up(struct parcel *parcel, size_t i, const struct meaning *meaning)
{
    struct err *err = &parcel->outcomes[i].evidence.err;
    const char *cause, *text;

    say_why(parcel, i, &cause, &text);
    parcel->outcomes[i] = (struct transport_outcome){ .fate = SMTP_FATE_REFUSED, .evidence = { .stage = STAGE_LOCAL } };
    err_set(err, ERR_LATER, "its time is over: %s%s%s",
            parcel_is_late(parcel) ? "it was to be delivered by now, or to come back" : "it waited too long to be sent",
            *text ? "; " : "", text);
    parcel->settled[i] = (struct store_outcome){
        .number = parcel->item->recipients[i].number,
        .state = meaning->state,
        .next = meaning->next,
        .enhanced = { meaning->state == STORE_UNKNOWN ? 4 : 5, 4, 7 },
        .cause = *cause ? cause : NULL,
        .text = err->text,
        .reports = meaning->reports,
    };
    parcel->sender->counts[meaning->state]++;
    tell(parcel, i, &parcel->settled[i]);
}

/* It goes on, and somebody may have to hear that it is late. */
static void go_on(struct parcel *parcel, size_t i, const struct meaning *meaning)
{
    put_back(parcel, i, parcel->item->recipients[i].next);
    parcel->settled[i].reports = meaning->reports;
    if (!meaning->reports)
        return;
    parcel->outcomes[i] = (struct transport_outcome){ .fate = SMTP_FATE_LATER, .evidence = { .stage = STAGE_LOCAL } };
    err_set(&parcel->outcomes[i].evidence.err, ERR_LATER, "it is late, and goes on");
    tell(parcel, i, &parcel->settled[i]);
}

bool parcel_settle_late(struct parcel *parcel)
{
    bool any = false;

    for (size_t i = 0; i < parcel->item->envelope->count; i++) {
        const struct meaning meaning = judge_waiting(parcel, i);
        any |= meaning.state != STORE_QUEUED || meaning.reports;
        parcel->decided |= meaning.state != STORE_QUEUED;
        if (meaning.state == STORE_QUEUED)
            go_on(parcel, i, &meaning);
        else
            give_up(parcel, i, &meaning);
    }
    send_word(parcel);
    return any;
}

void parcel_give_back(struct parcel *parcel, uint64_t next)
{
    if (parcel->gone) {
        let_go(parcel);
        return;
    }
    sender_uncount(parcel);
    for (size_t i = 0; i < parcel->item->envelope->count; i++)
        put_back(parcel, i, next);
    send_word(parcel);
}
