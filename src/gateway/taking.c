/* A message on its way into the queue. What comes is passed through intake and gathered; as soon as a piece is
 * full the store gets it, and the client is read on when it has; the rest goes in with the accept, whose commit is
 * the 250. So a session holds a piece or two, however large the message. */
#include "gateway/gateway_int.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "intake/passage.h"
#include "mail/convert.h"
#include "mail/envelope.h"
#include "mail/header.h"
#include "smtp/params.h"

#include "base/banned.h"

enum {
    PENDING_MAX = PASSAGE_OUT_MAX + 4 * STORE_PIECE_MAX,
    LOWERED_MAX = 16 * STORE_PIECE_MAX,
    SECOND = 1000,
};

/* What the store is asked; the thread's own while it is. */
struct asking {
    struct taking *taking; /* for whoever is told; abandoned, nobody is */
    struct store_body body;
    struct buf bytes;
    /* of the accept: */
    struct envelope *envelope;
    struct store_order order;
    char *account, *submitter, *message_id, *from;
    char digest[STORE_CONTENT_MAX];
    struct store_accepted accepted;
    bool waits; /* the client, for what becomes of it: if nothing else does */
};

struct taking {
    struct guest *guest;
    struct account account; /* the chosen one, with another word on other senders; what it points at is the other's */
    struct intake_order order;
    char received_from[REFUSAL_USER_MAX + 16];
    struct passage *passage;
    struct buf pending;      /* went through, and not yet to the store */
    struct store_body body;  /* what the store has */
    struct asking *asking;   /* NULL: the store is asked nothing */
    struct queue_ask *ask;
    size_t held;             /* octets counted by the caps */
    bool ended;              /* the message has come whole */
    bool lowered;            /* and was encoded for its long lines */
    uint64_t began;          /* of the loop's clock */
};

static void flush(struct taking *taking);

/* -- jobs -- */

static void asking_free(struct asking *asking)
{
    if (!asking)
        return;
    buf_done(&asking->bytes);
    envelope_free(asking->envelope);
    mem_free(asking->account);
    mem_free(asking->submitter);
    mem_free(asking->message_id);
    mem_free(asking->from);
    mem_free(asking);
}
OWNED(asking);

static void drop(void *data)
{
    asking_free(data);
}

static bool run_piece(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct asking *asking = data;

    return store_body_add(store, &asking->body, buf_span(&asking->bytes), now, err);
}

static bool run_accept(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct asking *asking = data;

    return (!asking->waits || waiting_is_fit(store, asking->account, now, &asking->waits, err)) &&
           store_accept(store, &asking->order, now, &asking->accepted, err);
}

static bool run_forget(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct asking *asking = data;

    (void)now;
    return store_body_drop(store, &asking->body, err);
}

static void nothing(void *data, const struct err *err)
{
    (void)data, (void)err;
}

/* -- the end of it -- */

static void hold(struct taking *taking)
{
    caps_release(taking->guest->gateway->caps, taking->held);
    taking->held = 0;
    if (caps_hold(taking->guest->gateway->caps, taking->pending.len))
        taking->held = taking->pending.len;
}

/* What the store got of it goes again now; if that can't be asked, its sweep will take it. */
static void forget_body(struct taking *taking)
{
    OWN(asking) asking = taking->body.pieces ? NEW(asking) : NULL;

    if (!asking)
        return;
    asking->body = taking->body;
    const struct queue_job job = { run_forget, nothing, drop, asking, .early = true };
    if (queue_ask(taking->guest->gateway->world.port, &job, NULL, NULL))
        (void)GIVE(asking);
}

static void taking_free(struct taking *taking)
{
    if (!taking)
        return;
    queue_abandon(taking->ask);
    caps_release(taking->guest->gateway->caps, taking->held);
    passage_free(taking->passage);
    buf_done(&taking->pending);
    mem_free(taking);
}

void taking_forget(struct guest *guest)
{
    if (guest->taking && !guest->taking->asking)
        forget_body(guest->taking);
    taking_free(GIVE(guest->taking));
}

/* It will not be: at its end the client is told why. */
static void lose(struct taking *taking, const struct err *err)
{
    struct guest *guest = taking->guest;
    const struct smtp_answer answer = answer_of(err);
    bool ended = taking->ended;

    guest_refused(guest, ended ? STAGE_END : STAGE_BODY, cause_of(err), answer.code, span_of(err->text));
    taking_forget(guest);
    if (ended)
        session_server_answer(guest->session, &answer);
    else
        session_server_body_lost(guest->session, &answer);
}

/* -- the beginning -- */

static void name_origin(const struct guest *guest, char *into, size_t room)
{
    HELD(buf) text = BUF(256);

    if (guest->user)
        buf_addf(&text, "user %s", guest->user->name);
    else if (guest->is_unix)
        buf_addf(&text, "uid %u", (unsigned)guest->uid);
    else
        buf_addf(&text, "listener %s", guest->face->settings->name);
    refusal_text(into, room, buf_span(&text));
}

static bool fill_order(struct taking *taking, struct err *err)
{
    struct guest *guest = taking->guest;
    struct gateway *gateway = guest->gateway;
    const struct envelope *envelope = smtp_server_envelope(session_server_machine(guest->session));
    uint64_t wall = gateway_wall(gateway);

    taking->account = *guest->choice.account;
    taking->account.other_senders = guest->choice.other_senders;
    name_origin(guest, taking->received_from, sizeof taking->received_from);
    taking->order = (struct intake_order){
        .account = &taking->account,
        .wall = wall / SECOND,
        .zone_minutes = clock_zone_minutes(wall),
        .hostname = guest->face->hostname,
        .received_from = taking->received_from,
        .fd = -1,
        .sender = envelope->sender,
        .envelope = envelope,
    };
    return random_fill(gateway->world.dice, taking->order.random, sizeof taking->order.random, err);
}

/* As they are now: they may be read anew while a slow client is still at its header. */
static bool take_aliases(struct taking *taking, struct err *err)
{
    struct gateway *gateway = taking->guest->gateway;

    taking->order.admin = gateway_local(gateway)->admin;
    return gateway_aliases(gateway, &taking->order.aliases, err);
}

void taking_begin(struct guest *guest)
{
    struct taking *taking = NEW(taking);
    struct err err = { 0 };

    taking_forget(guest);
    if (taking) {
        taking->guest = guest;
        taking->pending = (struct buf)BUF(PENDING_MAX);
        taking->began = loop_now(guest->gateway->world.loop);
    }
    bool ok = taking ? fill_order(taking, &err) && passage_new(&taking->order, &taking->passage, &err)
                     : err_no_memory(&err);
    if (ok) {
        guest->taking = taking;
        session_server_answer(guest->session, &(struct smtp_answer){ .yes = true });
        return;
    }
    taking_free(taking);
    const struct smtp_answer answer = answer_of(&err);
    session_server_answer(guest->session, &answer);
}

/* -- pieces -- */

static void piece_added(void *data, const struct err *err)
{
    struct asking *asking = data;
    struct taking *taking = asking->taking;

    taking->asking = NULL;
    taking->ask = NULL;
    if (err->kind != ERR_NONE) {
        lose(taking, err);
        return;
    }
    taking->body = asking->body;
    flush(taking);
}

/* Asks the store; `asking` is its own from then on, or is freed. */
static bool ask(struct taking *taking, struct asking *asking, const struct queue_job *job, struct err *err)
{
    asking->taking = taking;
    taking->asking = asking;
    if (queue_ask(taking->guest->gateway->world.port, job, &taking->ask, err))
        return true;
    taking->asking = NULL;
    asking_free(asking);
    return false;
}

/* A full piece goes to the store. */
static bool send_piece(struct taking *taking, struct err *err)
{
    OWN(asking) asking = NEW(asking);

    if (!asking)
        return err_no_memory(err);
    asking->bytes = (struct buf)BUF(STORE_PIECE_MAX);
    asking->body = taking->body;
    buf_add_span(&asking->bytes, span_cut(buf_span(&taking->pending), 0, STORE_PIECE_MAX));
    if (asking->bytes.full)
        return err_no_memory(err);
    buf_drop_front(&taking->pending, asking->bytes.len);
    hold(taking);
    const struct queue_job job = { run_piece, piece_added, drop, asking, .bytes = asking->bytes.len,
                                   .early = true, .bare = true };
    return ask(taking, GIVE(asking), &job, err);
}

void taking_piece(struct guest *guest, struct span piece)
{
    struct taking *taking = guest->taking;
    struct err err = { 0 };

    bool ok = take_aliases(taking, &err) && passage_feed(taking->passage, piece, &taking->pending, &err);
    if (ok) {
        hold(taking);
        ok = taking->held == taking->pending.len ||
             err_set(&err, ERR_LATER, "too many octets are on their way in");
    }
    if (ok)
        flush(taking);
    else
        lose(taking, &err);
}

/* -- the last of it -- */

static void accepted(void *data, const struct err *err)
{
    struct asking *asking = data;
    struct taking *taking = asking->taking;
    struct guest *guest = taking->guest;
    struct gateway *gateway = guest->gateway;
    char text[100];

    taking->asking = NULL;
    taking->ask = NULL;
    if (err->kind != ERR_NONE) {
        lose(taking, err);
        return;
    }
    snprintf(text, sizeof text, "Queued%s as %llu", asking->accepted.repeated ? " before" : "",
             (unsigned long long)asking->accepted.id);
    if (gateway->world.log)
        log_event(gateway->world.log, LOG_AT_INFO, "accepted", log_number("id", asking->accepted.id),
                  log_text("account", asking->account), log_text("submitter", asking->submitter),
                  log_text("peer", guest->peer), log_number("recipients", asking->envelope->count),
                  log_number("size", asking->envelope->size),
                  log_number("ms", loop_now(gateway->world.loop) - taking->began));
    taking_free(GIVE(guest->taking));
    if (asking->waits && !asking->accepted.repeated && !gateway->drains && waiting_begin(guest, asking->accepted.id))
        return;
    session_server_answer(guest->session, &(struct smtp_answer){ true, 250, "2.0.0", text });
    if (gateway->drains)
        guest_drain_if_there(gateway, guest);
}

/* The client's wishes, as times of the queue. */
static void add_wishes(const struct guest *guest, struct store_order *order)
{
    const struct smtp_wishes *wishes = smtp_server_wishes(session_server_machine(guest->session));
    const struct queue *queue = guest->gateway->world.queue;
    uint64_t now = queue_now(queue);

    if (guest->user)
        order->priority = wishes->priority;
    if (wishes->hold_for)
        order->not_before = now + wishes->hold_for * (uint64_t)SECOND;
    else if (wishes->hold_until)
        order->not_before = queue_from_wall(queue, wishes->hold_until * SECOND);
    if (!wishes->has_by)
        return;
    order->deadline = wishes->by_time > 0 ? now + (uint64_t)wishes->by_time * SECOND : now;
    order->deadline_tells = !wishes->by_returns;
}

/* All that the accept needs, in memory of its own. */
static bool fill_accept(struct taking *taking, struct asking *asking, struct err *err)
{
    struct guest *guest = taking->guest;
    const struct passage_facts facts = passage_facts(taking->passage);
    HELD(buf) submitter = BUF(256);

    buf_addf(&submitter, "%s:%s", guest->user ? "user" : "listener",
             guest->user ? guest->user->name : guest->face->settings->name);
    if (guest->is_unix && !guest->user) {
        buf_clear(&submitter);
        buf_addf(&submitter, "uid:%u", (unsigned)guest->uid);
    }
    asking->account = str_copy(guest->choice.lane);
    asking->submitter = buf_give(&submitter);
    asking->message_id = passage_take_message_id(taking->passage);
    asking->from = passage_take_from(taking->passage);
    asking->envelope = passage_take_envelope(taking->passage);
    asking->body = taking->body;
    asking->bytes = taking->pending;
    taking->pending = (struct buf)BUF(PENDING_MAX);
    if (taking->lowered)
        asking->envelope->body = BODY_7BIT;
    if (!asking->account || !asking->submitter)
        return err_no_memory(err);
    if (facts.digest.len)
        memcpy(asking->digest, facts.digest.at, facts.digest.len);
    asking->order = (struct store_order){
        .account = asking->account,
        .submitter = asking->submitter,
        .envelope = asking->envelope,
        .content = { asking->digest, facts.digest.len },
        .message_id = asking->message_id,
        .from = asking->from,
        .silent = facts.silent,
        .body = asking->body.pieces ? &asking->body : NULL,
        .last = buf_span(&asking->bytes),
    };
    add_wishes(guest, &asking->order);
    asking->waits = guest->face->settings->deliver == DELIVER_WHILE_WAITING && !asking->order.not_before;
    return true;
}

static bool send_accept(struct taking *taking, struct err *err)
{
    OWN(asking) asking = NEW(asking);

    if (!asking)
        return err_no_memory(err);
    if (!fill_accept(taking, asking, err))
        return false;
    const struct queue_job job = { run_accept, accepted, drop, asking, .bytes = asking->bytes.len,
                                   .bare = !asking->envelope->key && !asking->waits };
    return ask(taking, GIVE(asking), &job, err);
}

/* What can go on when the store, or nobody, has been asked: the next full piece, the accept, the next octets. */
static void flush(struct taking *taking)
{
    struct guest *guest = taking->guest;
    struct err err = { 0 };
    bool ok = true;

    if (taking->pending.len > STORE_PIECE_MAX)
        ok = send_piece(taking, &err);
    else if (taking->ended)
        ok = send_accept(taking, &err);
    else
        session_server_body_kept(guest->session);
    if (!ok)
        lose(taking, &err);
}

/* Lines that no server has to take are encoded, where all of the message is still here. */
static bool shorten_lines(struct taking *taking, struct err *err)
{
    const struct passage_facts facts = passage_facts(taking->passage);
    OWN(convert) convert = NULL;
    HELD(buf) lowered = BUF(LOWERED_MAX);

    if (facts.longest_line <= HEADER_LINE_MAX)
        return true;
    if (taking->body.pieces)
        return err_found(err, ERR_DATA, "line:too-long", "a line of %llu octets is longer than %d",
                         (unsigned long long)facts.longest_line, HEADER_LINE_MAX);
    convert = convert_new();
    if (!convert)
        return err_no_memory(err);
    if (!convert_feed(convert, buf_span(&taking->pending), &lowered, err) ||
        !convert_end(convert, &lowered, err)) {
        if (err && err->fact && strcmp(err->fact, "eightbit:not-offered") == 0)
            err->fact = "line:too-long";
        return err_in(err, "a line of %llu octets", (unsigned long long)facts.longest_line);
    }
    if (lowered.full)
        return err_no_memory(err);
    taking->lowered = true;
    buf_clear(&taking->pending);
    buf_add_span(&taking->pending, buf_span(&lowered));
    return !taking->pending.full || err_no_memory(err);
}

void taking_keep(struct guest *guest)
{
    struct taking *taking = guest->taking;
    struct err err = { 0 };

    taking->ended = true;
    if (take_aliases(taking, &err) && passage_end(taking->passage, &taking->pending, &err) &&
        shorten_lines(taking, &err))
        flush(taking);
    else
        lose(taking, &err);
}
