/* What is asked of the client and told to it. The conversation itself stands in client_steps.c. */
#include "smtp/client_int.h"

#include "base/alloc.h"
#include "base/str.h"
#include "mail/address.h"

#include "base/banned.h"

/* -- a life -- */

static bool plan_is_fit(const struct smtp_plan *plan, struct err *err)
{
    HELD(buf) hello = BUF(ADDRESS_DOMAIN_MAX);

    if (!address_domain_parse(span_of(plan->hello), &hello, err))
        return err_in(err, "our name for EHLO");
    if (!span_equal(buf_span(&hello), span_of(plan->hello)))
        return err_found(err, ERR_CONFIG, "address:malformed",
                         "our name for EHLO is not a domain as it goes on the wire");
    if (plan->mechanisms && plan->security == SMTP_SECURITY_NONE && !plan->clear_password)
        return err_set(err, ERR_CONFIG, "a sign-in is never sent without TLS");
    return true;
}

struct smtp_client *smtp_client_new(const struct smtp_plan *plan, uint64_t now, struct err *err)
{
    if (!plan_is_fit(plan, err))
        return NULL;
    struct smtp_client *c = NEW(smtp_client);
    if (!c) {
        err_no_memory(err);
        return NULL;
    }
    c->plan = *plan;
    c->now = c->progress = now;
    c->output = (struct buf)BUF(OUTPUT_MAX);
    c->chunk = (struct buf)BUF(CHUNK_FULL + SMTP_PIECE_MAX + 2);
    c->greeting = (struct buf)BUF(GREETING_KEPT);
    c->replies = (struct smtp_reply_reader)SMTP_REPLY_READER;
    if (plan->security == SMTP_SECURITY_TLS)
        client_enter(c, STEP_HANDSHAKE);
    else
        client_asked(c, STEP_GREETING, 0);
    return c;
}

void smtp_client_free(struct smtp_client *client)
{
    if (!client)
        return;
    transaction_done(client);
    sasl_client_free(client->sasl);
    smtp_reply_reader_done(&client->replies);
    buf_done(&client->output);
    buf_done(&client->chunk);
    buf_done(&client->greeting);
    mem_free(client->domains);
    str_wipe(client, sizeof *client);
    mem_free(client);
}

/* -- saying -- */

void client_enter(struct smtp_client *c, enum step place)
{
    c->place = place;
    c->next = STEP_NONE;
    c->progress = c->now;
    if (place == STEP_OVER)
        c->pipeline.count = 0;
}

static bool is_over(const struct smtp_client *c)
{
    return c->place == STEP_OVER;
}

void client_put(struct smtp_client *c, struct span bytes)
{
    size_t before = c->output.len;

    if (is_over(c))
        return;
    buf_add_span(&c->output, bytes);
    c->said += c->output.len - before;
    if (c->output.full)
        client_fail_memory(c);
}

void client_asked(struct smtp_client *c, enum step step, size_t recipient)
{
    if (is_over(c))
        return;
    if (pipeline_empty(&c->pipeline))
        c->progress = c->now;
    pipeline_said(&c->pipeline, (struct asked){ step, recipient, c->said });
}

/* The last look before the wire. What came here went through the grammar of its kind before; a
 * control character here is a fault of ours, and it must not become somebody's second command. */
static bool line_is_clean(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.at[i] < ' ' || line.at[i] == 127)
            return false;
    return true;
}

void client_say(struct smtp_client *c, enum step step, size_t recipient, struct span line)
{
    struct err err;

    if (!line_is_clean(line)) {
        err_set(&err, ERR_INTERNAL, "a command that must not be sent, while %s",
                step_row(step)->while_);
        client_fail(c, STAGE_LOCAL, &err);
        return;
    }
    client_put(c, line);
    client_put(c, SPAN("\r\n"));
    client_asked(c, step, recipient);
}

/* RFC 2920, 3.1: several commands may go at once where PIPELINING is offered, but behind some of them
 * nothing may follow. */
static bool pipeline_takes_next(const struct smtp_client *c)
{
    const struct asked *back = pipeline_back(&c->pipeline);

    if (!back)
        return true;
    return smtp_offers(&c->extensions, SMTP_PIPELINING) &&
           c->plan.pipelining != SMTP_PIPELINING_OFF && !step_row(back->step)->alone &&
           !pipeline_full(&c->pipeline);
}

void client_advance(struct smtp_client *c)
{
    transaction_settle(c);
    while (!is_over(c) && c->next != STEP_NONE && pipeline_takes_next(c)) {
        const struct step_row *row = step_row(c->next);
        if (row->ready && !row->ready(c))
            return;
        enum step next = row->say(c);
        if (is_over(c))
            return;
        c->next = next;
        transaction_settle(c);
    }
}

/* -- failing -- */

/* Has the whole message left, and the answer to it not come? */
static bool end_is_open(const struct smtp_client *c)
{
    const struct asked *back = pipeline_back(&c->pipeline);

    return back && step_row(back->step)->unknown && back->ends <= c->written;
}

void client_fail(struct smtp_client *c, enum stage stage, const struct err *err)
{
    struct err told = *err; /* it may be the transaction's own */

    if (is_over(c))
        return;
    /* A refusal in its turn says that the rest was not done; without one nobody knows. */
    bool unknown = end_is_open(c) && !told.reply;
    if (c->t.live)
        transaction_decide(c, unknown ? SMTP_FATE_UNKNOWN : SMTP_FATE_LATER, stage, &told);
    c->t.live = false;
    c->failed = true;
    c->failure.fate = SMTP_FATE_LATER;
    c->failure.stage = stage;
    c->failure.err = told;
    client_enter(c, STEP_OVER);
    buf_clear(&c->output); /* what has not left must not: its recipients are told so */
    sasl_client_free(c->sasl);
    c->sasl = NULL;
}

void client_fail_politely(struct smtp_client *c, enum stage stage, const struct err *err)
{
    bool between_lines = !is_over(c) && c->output.len == 0;

    client_fail(c, stage, err);
    if (between_lines)
        buf_add(&c->output, "QUIT\r\n");
}

void client_fail_reply(struct smtp_client *c, unsigned step, const struct smtp_reply *reply,
                       const char *fact)
{
    struct err err;

    smtp_reply_err(reply, &err, "the server said no");
    err_in(&err, "while %s", step_row(step)->while_);
    err.fact = fact;
    client_fail_politely(c, step_row(step)->stage, &err);
}

void client_fail_memory(struct smtp_client *c)
{
    struct err err;

    err_no_memory(&err);
    client_fail(c, STAGE_LOCAL, &err);
}

/* What we are at: the front of what was asked, or the place. Once the message has left whole, it is
 * the final word that counts; while its end is still here, it is the sending. */
static enum step at(const struct smtp_client *c)
{
    const struct asked *front = pipeline_front(&c->pipeline);

    if (!front)
        return c->place;
    if (end_is_open(c))
        return (enum step)pipeline_back(&c->pipeline)->step;
    return step_row(front->step)->unknown ? STEP_BODY : (enum step)front->step;
}

/* The two ways a line ends, as facts: their names depend on how far we had come. */
struct line_end {
    const char *greeting, *tls, *line;
};
static const struct line_end closed = { "greeting:closed", "tls:closed", "line:closed" };
static const struct line_end silent = { "greeting:timeout", "tls:timeout", "line:timeout" };

static void fail_line(struct smtp_client *c, const struct line_end *end, const char *what)
{
    const struct step_row *row = step_row(at(c));
    bool greeting = row->stage == STAGE_GREETING;
    bool tls = row->stage == STAGE_TLS;
    struct err err;

    err_found(&err, ERR_NETWORK, greeting ? end->greeting : tls ? end->tls : end->line,
              "the server %s%s while %s", what,
              smtp_reply_unfinished(&c->replies) ? " in the middle of a reply" : "", row->while_);
    client_fail(c, row->stage, &err);
}

/* The goodbye is all that is open: whatever the line does now is good. */
static bool is_leaving(const struct smtp_client *c)
{
    const struct asked *front = pipeline_front(&c->pipeline);

    return front && (front->step == STEP_QUIT || front->step == STEP_PARTING);
}

void client_leave(struct smtp_client *c)
{
    struct err none = { .kind = ERR_NONE };

    if (c->t.live && c->t.accepted)
        transaction_decide(c, SMTP_FATE_TAKEN, STAGE_RCPT, &none);
    c->t.live = false;
    client_enter(c, STEP_OVER);
}

void smtp_client_closed(struct smtp_client *client)
{
    if (is_leaving(client))
        client_leave(client);
    else
        fail_line(client, &closed, "hung up");
}

void smtp_client_expired(struct smtp_client *client)
{
    if (is_leaving(client))
        client_leave(client);
    else
        fail_line(client, &silent,
                  client->output.len ? "took nothing more" : "was silent for too long");
}

/* Cut off before a word was said, be it inside TLS or without a goodbye: it hung up all the same. */
static bool is_cut(const struct err *why)
{
    return why->fact && (strcmp(why->fact, "line:closed") == 0 || strcmp(why->fact, "line:reset") == 0);
}

void smtp_client_broken(struct smtp_client *client, const struct err *why)
{
    struct err err = *why;
    bool token = smtp_client_need(client) == SMTP_NEED_CREDENTIAL &&
                 client->plan.credential == SASL_TOKEN;

    if (is_leaving(client)) {
        client_leave(client);
        return;
    }
    enum stage stage = token ? STAGE_TOKEN : step_row(at(client))->stage;
    if (stage == STAGE_GREETING && is_cut(why))
        err.fact = closed.greeting;
    client_fail(client, stage, &err);
}

/* -- hearing -- */

static void fail_protocol(struct smtp_client *c, const struct smtp_reply *reply, const char *fact,
                          const char *what)
{
    const struct step_row *row = step_row(at(c));
    struct err err;

    smtp_reply_err(reply, &err, what);
    err_in(&err, "while %s", row->while_);
    err.kind = ERR_PROTOCOL;
    err.fact = fact;
    err.reply = 0; /* it answers nothing: no rule may take it for the server's verdict */
    client_fail(c, row->stage, &err);
}

void client_fail_unasked(struct smtp_client *c, const struct smtp_reply *reply)
{
    fail_protocol(c, reply, "reply:unasked", "the server answered what was not asked");
}

/* Replies answer commands. Only a refusal is taken unasked: servers do say 421, and break off a message
 * that is still being sent. Anything else would be counted for the next command. */
static void hear_unasked(struct smtp_client *c, const struct smtp_reply *reply)
{
    const struct step_row *row = step_row(at(c));
    struct err err;

    if (reply->code / 100 < 4) {
        client_fail_unasked(c, reply);
        return;
    }
    smtp_reply_err(reply, &err, "the server broke off");
    err_in(&err, "while %s", row->while_);
    if (c->t.live)
        transaction_decide(c, SMTP_FATE_OPEN, row->stage, &err);
    client_fail(c, row->stage, &err);
}

static void hear_answer(struct smtp_client *c, const struct smtp_reply *reply)
{
    const struct step_row *row = step_row(pipeline_front(&c->pipeline)->step);
    unsigned class = reply->code / 100;

    if (class < 4 && row->good && class != row->good) {
        fail_protocol(c, reply, "reply:malformed", "the server gave the answer to another question");
        return;
    }
    struct asked asked = pipeline_heard(&c->pipeline);
    if (class >= 4)
        row->refused(c, &asked, reply);
    else
        row->heard(c, &asked, reply);
}

static void hear(struct smtp_client *c, const struct smtp_reply *reply)
{
    const struct asked *front = pipeline_front(&c->pipeline);
    struct err err;

    c->last_code = reply->code;
    c->progress = c->now;
    if (!front) {
        hear_unasked(c, reply);
    } else if (reply->code == 421 && !is_leaving(c)) {
        smtp_reply_err(reply, &err, "the server closes the connection");
        err_in(&err, "while %s", step_row(front->step)->while_);
        client_fail(c, step_row(front->step)->stage, &err);
    } else if (front->ends > c->written &&
               !(reply->code / 100 >= 4 && front->step == STEP_CHUNK)) {
        hear_unasked(c, reply); /* the answer was there before the question had left */
    } else {
        hear_answer(c, reply);
    }
}

/* Bytes behind the 220 were put there to be taken for the server's after the handshake: no honest
 * server sends them. */
static void fail_before_handshake(struct smtp_client *c)
{
    struct err err;

    if (c->plan.security == SMTP_SECURITY_STARTTLS) {
        err_found(&err, ERR_PROTOCOL, "starttls:injected",
                  "something was slipped in before the TLS handshake");
        client_fail(c, STAGE_STARTTLS, &err);
    } else {
        err_found(&err, ERR_PROTOCOL, "tls:plaintext",
                  "the server speaks in clear text where a TLS handshake is due");
        client_fail(c, STAGE_TLS, &err);
    }
}

static void fail_reading(struct smtp_client *c, struct err *err)
{
    enum step step = at(c);

    if (step == STEP_GREETING && err->kind == ERR_PROTOCOL)
        err->fact = "greeting:not-smtp";
    err_in(err, "while %s", step_row(step)->while_);
    client_fail(c, step_row(step)->stage, err);
}

void smtp_client_recv(struct smtp_client *client, struct span bytes, uint64_t now)
{
    struct smtp_reply reply;
    struct err err = { 0 };

    client->now = now;
    while (bytes.len && !is_over(client)) {
        if (client->place == STEP_HANDSHAKE) {
            fail_before_handshake(client);
            return;
        }
        switch (smtp_reply_read(&client->replies, &bytes, &reply, &err)) {
        case SMTP_READING_MORE:
            return;
        case SMTP_READING_BAD:
            fail_reading(client, &err);
            return;
        case SMTP_READING_REPLY:
            hear(client, &reply);
            client_advance(client);
        }
    }
}

/* -- what is needed, and by when -- */

enum smtp_need smtp_client_need(const struct smtp_client *client)
{
    if (is_over(client))
        return SMTP_NEED_NOTHING;
    if (transaction_wants_body(client))
        return SMTP_NEED_BODY;
    if (!pipeline_empty(&client->pipeline))
        return SMTP_NEED_BYTES;
    if (client->place == STEP_HANDSHAKE)
        return SMTP_NEED_TLS;
    if (client->place == STEP_AUTH)
        return sasl_client_need(client->sasl) == SASL_NEED_KEY ? SMTP_NEED_KEY
                                                               : SMTP_NEED_CREDENTIAL;
    return client->place == STEP_READY ? SMTP_NEED_ENVELOPE : SMTP_NEED_BYTES;
}

uint64_t smtp_client_deadline(const struct smtp_client *client)
{
    const struct asked *front = pipeline_front(&client->pipeline);
    unsigned patience = client->plan.patience ? client->plan.patience : 100;
    enum step step = STEP_NONE;

    if (is_over(client))
        return UINT64_MAX;
    if (front)
        step = (enum step)front->step;
    else if (client->output.len)
        step = STEP_BODY;
    else if (client->place == STEP_HANDSHAKE)
        step = STEP_HANDSHAKE;
    uint64_t wait = step_row(step)->wait * patience / 100;
    return wait ? client->progress + wait : UINT64_MAX;
}

struct span smtp_client_output(const struct smtp_client *client)
{
    return buf_span(&client->output);
}

void smtp_client_wrote(struct smtp_client *client, size_t len, uint64_t now)
{
    client->now = now;
    if (len > client->output.len)
        len = client->output.len;
    buf_drop_front(&client->output, len);
    client->written += len;
    client->progress = now;
    client_advance(client);
}

void smtp_client_secured(struct smtp_client *client, struct span binding, uint64_t now)
{
    client->now = now;
    if (client->place != STEP_HANDSHAKE)
        return;
    client->secured = true;
    /*= RFC 3207 4.2
     *# The client MUST discard any knowledge obtained from the server, such as the list of
     *# SMTP service extensions, which was not obtained from the TLS negotiation itself.   */
    client->extensions = (struct smtp_extensions){ 0 };
    client->binding_len = binding.len <= sizeof client->binding ? binding.len : 0;
    if (client->binding_len)
        memcpy(client->binding, binding.at, client->binding_len);
    client_enter(client, STEP_NONE);
    if (client->plan.security == SMTP_SECURITY_TLS)
        client_asked(client, STEP_GREETING, 0);
    else
        client->next = STEP_EHLO;
    client_advance(client);
}

void smtp_client_quit(struct smtp_client *client, uint64_t now)
{
    client->now = now;
    if (client->place != STEP_READY || !pipeline_empty(&client->pipeline))
        return;
    client->next = STEP_QUIT;
    client_advance(client);
}

/* -- for whoever shows it -- */

void smtp_client_outcome(const struct smtp_client *client, size_t recipient,
                         struct smtp_outcome *ret_outcome)
{
    transaction_outcome(client, recipient, ret_outcome);
}

const struct smtp_outcome *smtp_client_failure(const struct smtp_client *client)
{
    return client->failed ? &client->failure : NULL;
}

enum stage smtp_client_stage(const struct smtp_client *client)
{
    return step_row(at(client))->stage;
}

const char *smtp_client_doing(const struct smtp_client *client)
{
    return step_row(at(client))->while_;
}

const struct smtp_extensions *smtp_client_extensions(const struct smtp_client *client)
{
    return &client->extensions;
}

const char *smtp_client_mechanism(const struct smtp_client *client)
{
    return client->tries ? sasl_name(client->mechanism) : NULL;
}

unsigned smtp_client_tries(const struct smtp_client *client)
{
    return client->tries;
}

bool smtp_client_signed_in(const struct smtp_client *client)
{
    return client->signed_in;
}

uint16_t smtp_client_last_code(const struct smtp_client *client)
{
    return client->last_code;
}

struct span smtp_client_greeting(const struct smtp_client *client)
{
    return buf_span(&client->greeting);
}
