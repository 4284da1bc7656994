/* A message over a session, or over several: what the server can't take is changed first, recipients go in as
 * many transactions as it wants. */
#include "relay/smtp_carrier.h"

#include "base/alloc.h"

#include "base/banned.h"

/* ---- outcomes ---- */

static struct transport_outcome *outcome_at(const struct carrier *c, size_t recipient)
{
    size_t place = c->order ? c->order[recipient] - c->t->message.first : recipient;

    return &c->t->message.outcomes[place];
}

static void take_outcome(struct carrier *c, size_t recipient)
{
    struct transport_outcome *ret = outcome_at(c, recipient);
    struct smtp_outcome outcome;

    session_outcome(c->session, recipient, &outcome);
    ret->fate = outcome.fate;
    session_evidence(c->session, &outcome, &ret->evidence);
    ret->evidence.provider = transport_provider(c->t);
    ret->wishes_passed = smtp_offers(session_extensions(c->session), SMTP_DSN);
}

/* Those that nothing is known of get this one. */
static void settle_rest(struct carrier *c, enum smtp_fate fate, const struct evidence *why)
{
    for (size_t i = c->first; i < c->envelope.count; i++)
        if (outcome_at(c, i)->fate == SMTP_FATE_OPEN)
            *outcome_at(c, i) = (struct transport_outcome){ .fate = fate, .evidence = *why };
}

/* The line is gone, and some recipients were to have a transaction of their own. */
static void settle_cut(struct carrier *c)
{
    struct smtp_outcome outcome = { .fate = SMTP_FATE_LATER, .stage = STAGE_MAIL };
    struct evidence why;

    err_found(&outcome.err, ERR_NETWORK, "line:closed",
              "the server hung up before it was this recipient's turn");
    session_evidence(c->session, &outcome, &why);
    why.provider = transport_provider(c->t);
    settle_rest(c, SMTP_FATE_LATER, &why);
}

/* ---- what fits ---- */

static bool takes_more(const struct carrier *c)
{
    uint64_t most = c->t->account->limits.messages_per_connection;

    return session_open_still(c->session) && (!most || c->carried < most) &&
           session_transactions_left(c->session) > 0;
}

/* How many recipients the next transaction takes, by the server's word and by the account's; 0: none on
 * this connection. */
static size_t fitting(const struct carrier *c)
{
    uint64_t own = c->t->account->limits.recipients_per_message;
    size_t fit = takes_more(c) ? session_recipients_fit(c->session, &c->envelope, c->first) : 0;

    return own && own < fit ? (size_t)own : fit;
}

/* What the server can't take as it is, is made fit for it before anything of it is sent. */
static bool fit_for_server(struct carrier *c, struct err *err)
{
    const struct envelope *envelope = c->t->message.envelope;

    c->envelope.body = envelope->body;
    c->envelope.size = envelope->size;
    body_done(&c->body);
    body_begin(&c->body, &c->t->message.body);
    if (envelope->body == BODY_7BIT || smtp_offers(session_extensions(c->session), SMTP_8BITMIME))
        return true;
    c->envelope.body = BODY_7BIT;
    return body_lower(&c->body, &c->envelope.size, err) ||
           err_in(err, "the server takes no 8-bit text, and this message can't be changed");
}

/* Where the server counts domains, those of one domain go together; before any was named. */
static bool group_for_server(struct carrier *c, struct err *err)
{
    const struct transport_message *message = &c->t->message;

    if (c->first || c->order || !session_extensions(c->session)->rcpt_domain_max)
        return true;
    c->grouped = mem_array(message->count, sizeof *c->grouped);
    c->order = mem_array(message->count, sizeof *c->order);
    if (!c->grouped || !c->order ||
        !envelope_by_domain(message->envelope, message->first, message->count, c->order, err))
        return err_no_memory(err);
    for (size_t i = 0; i < message->count; i++)
        c->grouped[i] = message->envelope->recipients[c->order[i]];
    c->envelope.recipients = c->grouped;
    return true;
}

/* ---- transactions ---- */

void message_done(struct carrier *c)
{
    mem_free(GIVE(c->grouped));
    mem_free(GIVE(c->order));
    body_done(&c->body);
    c->first = 0;
}

static void finish(struct carrier *c)
{
    if (!takes_more(c))
        carrier_hang_up(c);
    message_done(c);
}

/* This line takes no more of it; another one does. */
static void go_on(struct carrier *c)
{
    const struct session_body body = body_for_session(&c->body);

    c->count = fitting(c);
    if (c->count && c->t->message.rehearsal) {
        session_rehearse(c->session, &c->envelope, c->t->message.last);
    } else if (c->count) {
        body_rewind(&c->body);
        session_send(c->session, &c->envelope, c->first, c->count, &body);
    } else {
        carrier_hang_up(c);
        carrier_open(c);
    }
}

static void refuse(struct carrier *c, const struct err *err)
{
    const struct evidence why = { .stage = STAGE_LOCAL, .err = *err, .provider = transport_provider(c->t) };
    bool for_good = err->kind == ERR_DATA || err->kind == ERR_LIMIT;

    settle_rest(c, for_good ? SMTP_FATE_REFUSED : SMTP_FATE_LATER, &why);
    finish(c);
    transport_sent_soon(c->t);
}

void message_begin(struct carrier *c)
{
    const struct transport_message *message = &c->t->message;
    struct err err = { 0 };

    if (c->first == 0 && !c->order) {
        c->envelope = *message->envelope;
        c->envelope.recipients += message->first;
        c->envelope.count = message->count;
    }
    if (fit_for_server(c, &err) && group_for_server(c, &err))
        go_on(c);
    else
        refuse(c, &err);
}

/* A 452 says so by its code, others in words that the client knows (451 4.5.3 of Dovecot). */
static bool says_too_many(const struct evidence *last)
{
    const char *fact = last->err.fact;

    return last->stage == STAGE_RCPT &&
           (last->err.reply == 452 || (fact && strcmp(fact, "recipients:too-many") == 0));
}

/* "452 too many recipients" at the end of a list means the rest goes in another transaction
 * (RFC 5321, 4.5.3.1.10), where at least one got through in this. How many were done with. */
static size_t settled(const struct carrier *c)
{
    size_t count = c->count;

    for (; count; count--) {
        if (!says_too_many(&outcome_at(c, c->first + count - 1)->evidence))
            break;
    }
    for (size_t i = 0; i < count; i++)
        if (outcome_at(c, c->first + i)->fate == SMTP_FATE_TAKEN)
            return count;
    return c->count;
}

/* A line that was kept warm, and of which the server was tired: it hung up, or said so, before it took
 * even the sender. */
static bool was_stale(const struct carrier *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct transport_outcome *outcome = outcome_at(c, i);
        if (outcome->fate != SMTP_FATE_LATER || outcome->evidence.stage != STAGE_MAIL)
            return false;
    }
    return c->warm && c->first == 0 && !session_open_still(c->session);
}

static void again_on_fresh_line(struct carrier *c)
{
    for (size_t i = 0; i < c->count; i++)
        *outcome_at(c, i) = (struct transport_outcome){ 0 };
    carrier_hang_up(c);
    carrier_open(c);
}

/* Who was too many is forgotten again: their turn comes. */
static void reopen(struct carrier *c, size_t from)
{
    for (size_t i = from; i < c->first + c->count; i++)
        *outcome_at(c, i) = (struct transport_outcome){ 0 };
}

void message_sent(struct carrier *c)
{
    for (size_t i = c->first; i < c->first + c->count; i++)
        take_outcome(c, i);
    if (was_stale(c)) {
        again_on_fresh_line(c);
        return;
    }
    c->carried++;
    if (c->t->message.transactions)
        ++*c->t->message.transactions;
    size_t next = c->first + settled(c);
    if (next < c->envelope.count && session_open_still(c->session)) {
        reopen(c, next);
        c->first = next;
        go_on(c);
        return;
    }
    c->first = next;
    if (next < c->envelope.count)
        settle_cut(c);
    finish(c);
    transport_sent(c->t);
}

bool message_stranded(struct carrier *c, const struct evidence *why)
{
    bool begun = c->t->sending && c->first > 0;

    if (begun)
        settle_rest(c, SMTP_FATE_LATER, why);
    message_done(c);
    return begun;
}
