/* One message: MAIL, RCPT, DATA or BDAT, and what became of each recipient. */
#include "smtp/client_int.h"

#include "base/alloc.h"
#include "base/str.h"
#include "mail/address.h"

#include "base/banned.h"

/* -- verdicts -- */

/* What an error means for mail that waits: a refusal, or not now. */
static enum smtp_fate fate_of(enum err_kind kind)
{
    switch (kind) {
    case ERR_REPLY:
    case ERR_DATA:
    case ERR_LIMIT:
    case ERR_RECIPIENT:
        return SMTP_FATE_REFUSED;
    default:
        return SMTP_FATE_LATER;
    }
}

void transaction_decide(struct smtp_client *c, enum smtp_fate fate, enum stage stage,
                        const struct err *err)
{
    if (!c->t.open)
        return;
    c->t.err = *err;
    if (fate == SMTP_FATE_OPEN)
        fate = fate_of(err->kind);
    if (fate == SMTP_FATE_UNKNOWN)
        c->t.err.kind = ERR_UNKNOWN;
    for (size_t i = 0; i < c->t.count; i++) {
        struct verdict *verdict = &c->t.verdicts[i];
        if (verdict->fate != SMTP_FATE_OPEN)
            continue;
        verdict->fate = fate;
        verdict->stage = stage;
        verdict->shared = true;
    }
    c->t.open = 0;
}

/* Decides one recipient. `text` is static; the server's words are kept short, and not at all where
 * there is no memory for them: the verdict stands without. */
static void decide_one(struct smtp_client *c, size_t recipient, enum smtp_fate fate,
                       enum stage stage, const struct err *err, const char *text)
{
    struct verdict *verdict = &c->t.verdicts[recipient];
    struct span said = span_cut(span_of(err->said), 0, SAID_MAX);

    if (verdict->fate != SMTP_FATE_OPEN)
        return;
    while (!str_is_utf8(said))
        said.len--;
    *verdict = (struct verdict){
        .fate = fate,
        .stage = stage,
        .kind = err->kind,
        .reply = err->reply,
        .fact = err->fact,
        .text = text,
        .said = said.len ? str_copy_span(said) : NULL,
    };
    memcpy(verdict->enhanced, err->enhanced, sizeof verdict->enhanced);
    c->t.open--;
}

void transaction_outcome(const struct smtp_client *c, size_t recipient,
                         struct smtp_outcome *ret_outcome)
{
    const struct transaction *t = &c->t;

    *ret_outcome = c->failed ? c->failure : (struct smtp_outcome){ 0 };
    if (!t->verdicts || recipient < t->first || recipient - t->first >= t->count)
        return;
    const struct verdict *verdict = &t->verdicts[recipient - t->first];
    *ret_outcome = (struct smtp_outcome){ .fate = verdict->fate, .stage = verdict->stage };
    if (verdict->shared) {
        ret_outcome->err = t->err;
    } else if (verdict->fate != SMTP_FATE_OPEN) {
        err_found(&ret_outcome->err, verdict->kind, verdict->fact, "%s", verdict->text);
        err_said(&ret_outcome->err, span_of(verdict->said));
        ret_outcome->err.reply = verdict->reply;
        memcpy(ret_outcome->err.enhanced, verdict->enhanced, sizeof verdict->enhanced);
    }
}

void transaction_done(struct smtp_client *c)
{
    for (size_t i = 0; c->t.verdicts && i < c->t.count; i++)
        mem_free(c->t.verdicts[i].said);
    mem_free(c->t.verdicts);
    c->t = (struct transaction){ 0 };
    buf_clear(&c->chunk);
}

void transaction_settle(struct smtp_client *c)
{
    if (!c->t.live || c->t.open)
        return;
    c->next = STEP_NONE;
    if (!pipeline_empty(&c->pipeline))
        return;
    c->t.live = false;
    c->transactions++;
    buf_clear(&c->chunk);
    client_enter(c, STEP_READY);
}

/* -- before a byte is sent -- */

/* Is it an address as it goes on the wire, byte for byte? The grammar is asked once more, here at the
 * last step: whatever slipped in before it would be a command of somebody else's. */
static bool check_address(const char *address, bool smtputf8, struct err *err)
{
    struct address parsed;
    bool same;

    if (!address_parse(span_of(address), &parsed, err))
        return false;
    same = strcmp(parsed.wire, address) == 0 && (smtputf8 || !parsed.smtputf8);
    address_done(&parsed);
    return same || err_found(err, ERR_DATA, "address:malformed",
                             "the address is not in the form that goes on the wire");
}

static bool binary_goes(const struct smtp_extensions *extensions)
{
    return smtp_offers(extensions, SMTP_BINARYMIME) && smtp_offers(extensions, SMTP_CHUNKING);
}

/* What the message needs, and this server has not. */
static bool check_needs(const struct smtp_client *c, const struct envelope *envelope,
                        struct err *err)
{
    const struct smtp_extensions *extensions = &c->extensions;

    if (smtp_client_transactions_left(c) == 0)
        return err_set(err, ERR_LATER, "the server takes no more messages on this connection");
    if (envelope->smtputf8 && !smtp_offers(extensions, SMTP_SMTPUTF8))
        return err_found(err, ERR_DATA, "smtputf8:not-offered",
                         "the message needs SMTPUTF8, which the server does not offer");
    if (envelope->body == BODY_8BIT && !smtp_offers(extensions, SMTP_8BITMIME))
        return err_found(err, ERR_DATA, "eightbit:not-offered",
                         "the message has 8-bit text, and the server takes none");
    if (envelope->body == BODY_BINARY && !binary_goes(extensions))
        return err_found(err, ERR_DATA, "eightbit:not-offered",
                         "the message is binary, and the server takes none");
    if (extensions->size && envelope->size > extensions->size)
        return err_found(err, ERR_LIMIT, "size:too-big",
                         "the message has %llu octets, and the server takes %llu",
                         (unsigned long long)envelope->size,
                         (unsigned long long)extensions->size);
    return true;
}

static bool check_sender(const struct smtp_client *c, const struct envelope *envelope,
                         struct err *err)
{
    HELD(buf) params = BUF(1024);

    if (*envelope->sender && !check_address(envelope->sender, envelope->smtputf8, err))
        return err_in(err, "the sender");
    return smtp_mail_params_write(envelope, &c->extensions, &params, err);
}

static void check_recipients(struct smtp_client *c)
{
    const struct transaction *t = &c->t;
    size_t fit = smtp_client_recipients_fit(c, t->envelope, t->first);
    bool many = fit == smtp_client_recipients_max(c);
    HELD(buf) params = BUF(4096);
    struct err err = { 0 };

    for (size_t i = 0; i < t->count; i++) {
        const struct recipient *recipient = &t->envelope->recipients[t->first + i];
        buf_clear(&params);
        if (i >= fit) {
            err_found(&err, ERR_LATER, "recipients:too-many", "too many");
            decide_one(c, i, SMTP_FATE_LATER, STAGE_LOCAL, &err,
                       many ? "more recipients than the server takes for one message"
                            : "more domains than the server takes on one connection");
        } else if (!check_address(recipient->address, t->envelope->smtputf8, &err) ||
                   !smtp_rcpt_params_write(recipient, &c->extensions, &params, &err)) {
            decide_one(c, i, fate_of(err.kind), STAGE_LOCAL, &err,
                       "the recipient's address can't be sent as it is");
        }
    }
}

static void check_all(struct smtp_client *c)
{
    struct err err = { 0 };

    if (!check_needs(c, c->t.envelope, &err))
        transaction_decide(c, SMTP_FATE_OPEN, STAGE_MAIL, &err);
    else if (!check_sender(c, c->t.envelope, &err))
        transaction_decide(c, SMTP_FATE_OPEN, STAGE_LOCAL, &err);
    else
        check_recipients(c);
}

static bool goes_by_bdat(const struct smtp_client *c, const struct envelope *envelope)
{
    return envelope->body == BODY_BINARY || (c->plan.pipelining == SMTP_PIPELINING_AUTO &&
                                             smtp_offers(&c->extensions, SMTP_CHUNKING));
}

static void begin(struct smtp_client *c, const struct envelope *envelope, size_t first, size_t count,
                  bool rehearsal, bool last)
{
    transaction_done(c);
    struct verdict *verdicts = mem_array(count, sizeof *verdicts);
    if (!verdicts || !limits_begin(c)) {
        mem_free(verdicts);
        client_fail_memory(c);
        return;
    }
    c->t = (struct transaction){
        .envelope = envelope,
        .first = first,
        .count = count,
        .verdicts = verdicts,
        .open = count,
        .live = true,
        .rehearsal = rehearsal,
        .last = last,
        .by_bdat = !rehearsal && goes_by_bdat(c, envelope),
        .check = { .binary = envelope->body == BODY_BINARY,
                   .eight = envelope->body != BODY_7BIT },
    };
    check_all(c);
    client_enter(c, STEP_MAIL);
    c->next = c->dirty ? STEP_RSET : STEP_MAIL;
    client_advance(c);
}

void smtp_client_send(struct smtp_client *client, const struct envelope *envelope, size_t first,
                      size_t count, uint64_t now)
{
    client->now = now;
    if (smtp_client_need(client) != SMTP_NEED_ENVELOPE || first >= envelope->count || !count)
        return;
    if (count > envelope->count - first)
        count = envelope->count - first;
    begin(client, envelope, first, count, false, false);
}

void smtp_client_rehearse(struct smtp_client *client, const struct envelope *envelope, bool last, uint64_t now)
{
    client->now = now;
    if (smtp_client_need(client) == SMTP_NEED_ENVELOPE && envelope->count)
        begin(client, envelope, 0, 1, true, last);
}

/* -- naming sender and recipients -- */

/* With BDAT the first chunk is at hand before anything is said: so a small message goes in one flight
 * with its envelope, and nobody need know beforehand how small it is. */
bool mail_ready(const struct smtp_client *c)
{
    return !c->t.by_bdat || c->t.body_ended || c->chunk.len >= CHUNK_FULL;
}

/* Before a transaction, to clear what the last one left; and behind a rehearsal's recipients. */
enum step say_rset(struct smtp_client *c)
{
    client_say(c, STEP_RSET, 0, SPAN("RSET"));
    return c->t.next < c->t.count ? STEP_MAIL : STEP_NONE;
}

void heard_rset(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply)
{
    struct err err = { .kind = ERR_NONE };

    (void)asked;
    (void)reply;
    c->dirty = false;
    if (c->t.rehearsal && c->t.accepted)
        transaction_decide(c, SMTP_FATE_TAKEN, STAGE_RCPT, &err);
}

/* The next recipient that is to be named, from `from` on; count: there is none. */
static size_t next_open(const struct transaction *t, size_t from)
{
    while (from < t->count && t->verdicts[from].fate != SMTP_FATE_OPEN)
        from++;
    return from;
}

enum step say_mail(struct smtp_client *c)
{
    const struct envelope *envelope = c->t.envelope;
    HELD(buf) line = BUF(4096);
    struct err err = { 0 };

    buf_addf(&line, "MAIL FROM:<%s>", envelope->sender);
    if (!smtp_mail_params_write(envelope, &c->extensions, &line, &err) || line.full) {
        client_fail_memory(c); /* its grammar was good in check_all() */
        return STEP_NONE;
    }
    client_say(c, STEP_MAIL, 0, buf_span(&line));
    c->t.next = next_open(&c->t, 0);
    return STEP_RCPT;
}

void heard_mail(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply)
{
    (void)asked;
    (void)reply;
    c->dirty = true;
}

enum step say_rcpt(struct smtp_client *c)
{
    struct transaction *t = &c->t;
    const struct recipient *recipient = &t->envelope->recipients[t->first + t->next];
    HELD(buf) line = BUF(4096);
    struct err err = { 0 };

    buf_addf(&line, "RCPT TO:<%s>", recipient->address);
    if (!smtp_rcpt_params_write(recipient, &c->extensions, &line, &err) || line.full) {
        client_fail_memory(c);
        return STEP_NONE;
    }
    client_say(c, STEP_RCPT, t->next, buf_span(&line));
    limits_named(c, t->first + t->next);
    t->next = next_open(t, t->next + 1);
    if (t->next < t->count)
        return STEP_RCPT;
    if (t->rehearsal)
        return t->last ? STEP_QUIT : STEP_RSET;
    return t->by_bdat ? STEP_CHUNK : STEP_DATA;
}

void heard_rcpt(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply)
{
    (void)reply;
    c->t.accepted += c->t.verdicts[asked->recipient].fate == SMTP_FATE_OPEN;
}

/* RFC 5321, 4.5.3.1.10: 452 (of old, 552; Dovecot's is 451 4.5.3) for one recipient more than the server takes
 * at once: the rest is for another transaction. 452 is also a full disk or mailbox; without an enhanced code the
 * recipients that were taken before it decide. */
static bool is_too_many(const struct smtp_client *c, const struct err *err)
{
    bool says_so = err->enhanced[1] == 5 && err->enhanced[2] == 3;

    if (err->reply == 452)
        return says_so || (!err->enhanced[0] && c->t.accepted);
    return says_so && (err->kind == ERR_LATER || err->reply == 552);
}

void refused_rcpt(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply)
{
    struct err err;

    smtp_reply_err(reply, &err, "no");
    if (is_too_many(c, &err)) {
        err.kind = ERR_LATER;
        err.fact = "recipients:too-many";
    }
    decide_one(c, asked->recipient, fate_of(err.kind), STAGE_RCPT, &err,
               "the server said no while naming this recipient");
}

/* -- the message -- */

enum step say_data(struct smtp_client *c)
{
    client_say(c, STEP_DATA, 0, SPAN("DATA"));
    return STEP_NONE;
}

/*= RFC 2920 3.1
 *# but if the DATA command was accepted the client SMTP should send a single dot.
 *
 * That is where none of the recipients was. */
void heard_data(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply)
{
    (void)asked;
    (void)reply;
    if (c->t.open) {
        client_enter(c, STEP_BODY);
        return;
    }
    client_say(c, STEP_DOT, 0, SPAN("."));
}

bool chunk_ready(const struct smtp_client *c)
{
    bool whole = c->t.body_ended && !c->t.chunk_left;

    if (whole && c->plan.pipelining == SMTP_PIPELINING_AUTO)
        return true;
    if (pipeline_holds(&c->pipeline, STEP_RSET) || pipeline_holds(&c->pipeline, STEP_MAIL) ||
        pipeline_holds(&c->pipeline, STEP_RCPT))
        return false;
    return (c->t.body_ended || c->chunk.len >= CHUNK_FULL) && c->output.len < OUTPUT_HIGH &&
           c->pipeline.count < CHUNKS_UNDER_WAY;
}

enum step say_chunk(struct smtp_client *c)
{
    enum step step = c->t.body_ended ? STEP_LAST : STEP_CHUNK;
    HELD(buf) line = BUF(64);

    smtp_bdat_write(&line, c->chunk.len, step == STEP_LAST);
    if (line.full) {
        client_fail_memory(c);
        return STEP_NONE;
    }
    client_put(c, buf_span(&line));
    client_put(c, buf_span(&c->chunk));
    client_asked(c, step, 0);
    buf_clear(&c->chunk);
    c->t.chunk_left = true;
    return step == STEP_LAST ? STEP_NONE : STEP_CHUNK;
}

void heard_chunk(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply)
{
    (void)c;
    (void)asked;
    (void)reply;
}

/* RFC 5321, 4.2.5: with this reply, and no other, the message is the server's. */
void heard_end(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply)
{
    struct err err;

    smtp_reply_err(reply, &err, "the server has taken the message");
    err.kind = ERR_NONE;
    c->dirty = false;
    transaction_decide(c, SMTP_FATE_TAKEN, step_row(asked->step)->stage, &err);
}

/* MAIL, DATA, a chunk or the end was refused, and so the message for all that were still hoping. */
void refused_all(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply)
{
    const struct step_row *row = step_row(asked->step);
    struct err err;

    if (asked->step == STEP_DOT)
        c->dirty = false;
    smtp_reply_err(reply, &err, "the server said no");
    err_in(&err, "while %s", row->while_);
    transaction_decide(c, SMTP_FATE_OPEN, row->stage, &err);
}

/* -- its body -- */

bool transaction_wants_body(const struct smtp_client *c)
{
    const struct transaction *t = &c->t;

    if (!t->live || !t->open || t->body_ended || c->output.len >= OUTPUT_HIGH)
        return false;
    return t->by_bdat ? c->chunk.len < CHUNK_FULL : c->place == STEP_BODY;
}

/* Inside DATA there is no way to take a message back but to hang up before its end. */
static void fail_body(struct smtp_client *c, const struct err *why)
{
    bool in_data = c->place == STEP_BODY;

    transaction_decide(c, SMTP_FATE_OPEN, STAGE_LOCAL, why);
    if (in_data)
        client_fail(c, STAGE_LOCAL, why);
    client_advance(c);
}

void smtp_client_body_failed(struct smtp_client *client, const struct err *why)
{
    if (client->t.live && client->t.open && !client->t.body_ended)
        fail_body(client, why);
}

static void add_to_chunk(struct smtp_client *c, struct span piece, bool last)
{
    buf_add_span(&c->chunk, piece);
    if (last && c->t.check.in_line && !c->t.check.binary)
        buf_add(&c->chunk, "\r\n"); /* as DATA would end it */
    if (c->chunk.full)
        client_fail_memory(c);
}

static void add_to_data(struct smtp_client *c, struct span piece, bool last)
{
    size_t before = c->output.len;

    smtp_data_write(&c->t.writer, piece, &c->output);
    if (last)
        smtp_data_write_end(&c->t.writer, &c->output);
    c->said += c->output.len - before;
    if (c->output.full)
        client_fail_memory(c);
    else if (last)
        client_asked(c, STEP_DOT, 0);
}

void smtp_client_body(struct smtp_client *client, struct span piece, bool last, uint64_t now)
{
    struct err err = { 0 };

    client->now = now;
    if (smtp_client_need(client) != SMTP_NEED_BODY)
        return;
    if (piece.len > SMTP_PIECE_MAX) {
        err_set(&err, ERR_INTERNAL, "a piece of the message is too large");
        fail_body(client, &err);
        return;
    }
    if (!smtp_data_check(&client->t.check, piece, last, &err)) {
        fail_body(client, &err);
        return;
    }
    client->t.body_ended = last;
    if (client->t.by_bdat)
        add_to_chunk(client, piece, last);
    else
        add_to_data(client, piece, last);
    client_advance(client);
}
