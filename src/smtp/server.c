/* The machine: octets to lines, questions to answers, the clock. What a command means stands in
 * server_verbs.c. */
#include "smtp/server_int.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "mail/envelope.h"
#include "smtp/reply.h"

#include "base/banned.h"

enum {
    MINUTE = 60 * 1000,
    COMMAND_WAIT = 5 * MINUTE,   /* for a whole command: RFC 5321, 4.5.3.2.7 */
    HANDSHAKE_WAIT = MINUTE / 2,
    DATA_WAIT = 3 * MINUTE,      /* for the next... */
    DATA_STEP = 4096,            /* ...so many octets of a message */
    HELD_MAX = 256 * 1024,
    OUTPUT_MAX = 64 * 1024,
    OUTPUT_ENOUGH = 16 * 1024,   /* with so much unread, no further command is served */
};

/* -- what is said -- */

void smtp_server_reply(struct smtp_server *server, uint16_t code, const char *enhanced,
                       const char *text)
{
    smtp_reply_write(&server->output, code, enhanced, text);
    server->last_code = code;
    if (code == 421 || server->output.full)
        server->closing = true;
    if (server->closing) {
        server->need = SMTP_SERVER_CLOSE;
        server->deadline = UINT64_MAX;
    }
}

void smtp_server_refuse(struct smtp_server *server, uint16_t code, const char *enhanced,
                        const char *text)
{
    smtp_server_reply(server, code, enhanced, text);
    if (++server->errors >= SMTP_SERVER_ERRORS_MAX)
        smtp_server_shut(server, "4.7.0", "Too many errors");
}

void smtp_server_note_refusal(struct smtp_server *server, uint16_t code, const char *text, bool of_message)
{
    struct smtp_refusal *untold = &server->untold;

    if (untold->code)
        return;
    untold->code = code;
    untold->of_message = of_message;
    snprintf(untold->text, sizeof untold->text, "%s", text);
}

void smtp_server_keep_reply(struct smtp_server_reply *reply, uint16_t code, const char *enhanced,
                            const char *text)
{
    size_t len = enhanced ? strlen(enhanced) : 0;

    reply->code = code;
    buf_clear(&reply->text);
    buf_add(&reply->text, text ? text : "");
    memset(reply->enhanced, 0, sizeof reply->enhanced);
    if (len < sizeof reply->enhanced)
        memcpy(reply->enhanced, enhanced ? enhanced : "", len);
}

static void forget_reply(struct smtp_server_reply *reply)
{
    reply->code = 0;
    buf_done(&reply->text);
}

void smtp_server_say_kept(struct smtp_server *server, struct smtp_server_reply *reply)
{
    smtp_server_reply(server, reply->code, reply->enhanced[0] ? reply->enhanced : NULL,
                      buf_text(&reply->text));
    forget_reply(reply);
}

/* Without a word, or after the last one. */
static void hang_up(struct smtp_server *server)
{
    server->closing = true;
    server->need = SMTP_SERVER_CLOSE;
    server->deadline = UINT64_MAX;
    smtp_server_reset(server);
}

void smtp_server_end(struct smtp_server *server, uint16_t code, const char *enhanced,
                     const char *text)
{
    if (server->closing)
        return;
    hang_up(server);
    server->last_code = code;
    smtp_reply_write(&server->output, code, enhanced, text);
}

void smtp_server_shut(struct smtp_server *server, const char *enhanced, const char *text)
{
    smtp_server_end(server, 421, enhanced, text);
}

void smtp_server_greet(struct smtp_server *server)
{
    HELD(buf) words = BUF(1024);

    buf_addf(&words, "%s %s", server->plan->name,
             server->plan->words ? server->plan->words : "ESMTP");
    smtp_server_reply(server, 220, NULL, buf_text(&words));
}

/* -- what is awaited -- */

static void wait_for(struct smtp_server *server, enum smtp_server_need need, uint64_t deadline)
{
    if (server->closing)
        return;
    server->need = need;
    server->deadline = deadline;
}

void smtp_server_ask(struct smtp_server *server, enum smtp_question question)
{
    server->question = question;
    wait_for(server, SMTP_SERVER_QUESTION, UINT64_MAX);
}

void smtp_server_read_next(struct smtp_server *server, enum smtp_server_mode mode, uint64_t now)
{
    bool body = mode == SMTP_READS_DATA || mode == SMTP_READS_CHUNK;

    server->mode = mode;
    server->moved = 0;
    wait_for(server, SMTP_SERVER_BYTES, now + (body ? DATA_WAIT : COMMAND_WAIT));
}

/* -- the one reset -- */

void smtp_server_reset(struct smtp_server *server)
{
    if (server->state > SMTP_AT_HELLO)
        server->state = SMTP_AT_HELLO;
    envelope_free(GIVE(server->envelope));
    server->wishes = (struct smtp_wishes){ 0 };
    server->rcpt_commands = 0;
    server->rcpt_notify = 0;
    address_done(&server->rcpt);
    buf_done(&server->rcpt_orcpt);
    server->data = (struct smtp_data_reader){ 0 };
    server->mender = (struct smtp_data_mender){ 0 };
    server->check = (struct smtp_data_check){ 0 };
    server->header = (struct smtp_header_count){ 0 };
    server->chunk_left = 0;
    server->chunk_last = server->chunk_refused = false;
    server->size = server->moved = 0;
    server->in_message = false;
    buf_done(&server->body);
    forget_reply(&server->spoiled);
    sasl_server_free(GIVE(server->sasl));
    forget_reply(&server->refusal);
}

const struct smtp_extensions *smtp_server_offers(const struct smtp_server *server)
{
    return server->secured ? &server->plan->secured : &server->plan->clear;
}

struct smtp_extensions smtp_server_offers_now(const struct smtp_server *server, uint64_t now)
{
    struct smtp_extensions offers = *smtp_server_offers(server);

    if (!server->knows_wall)
        offers.offered &= ~(unsigned)SMTP_FUTURERELEASE;
    else if (offers.hold_max)
        offers.hold_until_max = server->wall + (now - server->wall_at) / 1000 + offers.hold_max;
    return offers;
}

/* -- lines -- */

static void use(struct smtp_server *server, size_t len)
{
    server->in = span_from(server->in, len);
    server->looked = 0;
}

/* A browser can be made to write to any port; what it writes begins so (S22 of the threats). */
static bool is_http(struct span line)
{
    static const char *const methods[] = { "GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "DELETE ",
                                           "PATCH ", "CONNECT ", "TRACE " };

    for (size_t i = 0; i < COUNT(methods); i++) {
        if (span_starts_word(line, methods[i]))
            return true;
    }
    return span_find_text(line, " HTTP/") < line.len;
}

static void no_web_server(struct smtp_server *server)
{
    smtp_server_end(server, 500, "5.5.2", "This is a mail server");
}

static size_t longest_line(const struct smtp_server *server)
{
    bool signs_in = server->mode == SMTP_READS_SIGN_IN || span_starts_word(server->in, "AUTH ");

    return signs_in ? SMTP_SERVER_AUTH_LINE_MAX : SMTP_SERVER_LINE_MAX;
}

/* RFC 5321, 2.3.8: only CRLF ends a line. What ends in a bare LF is part of a line still to be
 * ended, and refused with it: so no hop before us can hide a command behind another idea of a
 * line. */
static bool take_line(struct smtp_server *server, struct span *ret_line)
{
    for (;;) {
        size_t lf = server->looked + span_find(span_from(server->in, server->looked), '\n');
        if (lf >= server->in.len)
            break;
        if (server->mode == SMTP_READS_COMMAND && is_http(span_cut(server->in, 0, lf))) {
            no_web_server(server);
            return false;
        }
        if (lf > 0 && server->in.at[lf - 1] == '\r' && lf < longest_line(server)) {
            *ret_line = span_cut(server->in, 0, lf - 1);
            use(server, lf + 1);
            return true;
        }
        server->looked = lf + 1;
        if (lf >= longest_line(server))
            break;
    }
    if (server->looked < server->in.len && server->in.len <= longest_line(server))
        server->looked = server->in.len;
    return false;
}

static bool has_bare_end(struct span line)
{
    return span_find(line, '\r') < line.len || span_find(line, '\n') < line.len;
}

static void read_line(struct smtp_server *server, uint64_t now)
{
    bool signs_in = server->mode == SMTP_READS_SIGN_IN;
    size_t most = longest_line(server);
    struct span line;

    if (take_line(server, &line)) {
        server->deadline = now + COMMAND_WAIT;
        if (signs_in)
            smtp_server_auth_line(server, line, now);
        else if (has_bare_end(line))
            smtp_server_refuse(server, 500, "5.5.2", "CR LF ends a command, and neither is inside");
        else
            smtp_server_command(server, line, now);
    } else if (!server->closing && server->in.len > most) {
        if (!signs_in && is_http(span_cut(server->in, 0, most))) {
            no_web_server(server);
            return;
        }
        if (signs_in)
            smtp_server_reset(server);
        server->mode = SMTP_READS_REST;
        server->drained = 0;
    }
}

/* The rest of a line that is too long is read, up to a point, and forgotten. */
static void read_rest(struct smtp_server *server, uint64_t now)
{
    size_t end = span_find_text(server->in, "\r\n");
    bool ended = end < server->in.len;
    size_t len = ended ? end + 2 : server->in.len;

    /* A CR at the end may be the half of a line end. */
    if (!ended && server->in.len && server->in.at[len - 1] == '\r')
        len--;
    server->drained += len;
    use(server, len);
    if (server->drained > SMTP_SERVER_DRAIN_MAX) {
        smtp_server_shut(server, "4.7.0", "Line too long");
    } else if (ended) {
        smtp_server_read_next(server, SMTP_READS_COMMAND, now);
        smtp_server_refuse(server, 500, "5.5.2", "Line too long");
    }
}

/* -- the turn -- */

static void (*const readers[])(struct smtp_server *, uint64_t now) = {
    [SMTP_READS_COMMAND] = read_line,
    [SMTP_READS_SIGN_IN] = read_line,
    [SMTP_READS_DATA]    = smtp_server_read_data,
    [SMTP_READS_CHUNK]   = smtp_server_read_chunk,
    [SMTP_READS_REST]    = read_rest,
};

/* Reads on while the client's octets are what is needed, and there are some. */
static void work(struct smtp_server *server, uint64_t now)
{
    for (size_t before = SIZE_MAX; server->need == SMTP_SERVER_BYTES && !server->closing;) {
        if (server->output.len > OUTPUT_ENOUGH) {
            wait_for(server, SMTP_SERVER_ROOM, now + COMMAND_WAIT);
            return;
        }
        if (!server->in.len || server->in.len == before)
            return;
        enum smtp_server_mode mode = server->mode;
        before = server->in.len;
        readers[mode](server, now);
        if (server->mode != mode)
            before = SIZE_MAX;
    }
}

/* Reads what is held and what has come, and holds what is left. */
static void turn(struct smtp_server *server, struct span came, uint64_t now)
{
    bool straight = server->held.len == 0;

    if (!straight)
        buf_add_span(&server->held, came);
    server->in = straight ? came : buf_span(&server->held);
    if (server->held.full)
        smtp_server_shut(server, "4.3.0", "Too much at once");
    work(server, now);
    if (server->closing)
        server->in = SPAN_NONE;
    if (straight)
        buf_add_span(&server->held, server->in);
    else
        buf_drop_front(&server->held, server->held.len - server->in.len);
    if (server->held.full && !server->closing)
        smtp_server_shut(server, "4.3.0", "Too much at once");
    if (server->held.len == 0 || server->closing)
        buf_done(&server->held);
    server->in = SPAN_NONE;
}

void smtp_server_recv(struct smtp_server *server, struct span bytes, uint64_t now)
{
    if (!bytes.len || server->closing)
        return;
    /*= RFC 3207 4.2
     *# The server MUST discard any knowledge obtained from the client, such as the argument to the
     *# EHLO command, which was not obtained from the TLS negotiation itself. */
    if (server->need == SMTP_SERVER_TLS) {
        hang_up(server);
        return;
    }
    server->moved += bytes.len;
    if (server->moved >= DATA_STEP && server->need == SMTP_SERVER_BYTES &&
        (server->mode == SMTP_READS_DATA || server->mode == SMTP_READS_CHUNK)) {
        server->moved = 0;
        server->deadline = now + DATA_WAIT;
    }
    turn(server, bytes, now);
}

void smtp_server_wrote(struct smtp_server *server, size_t len, uint64_t now)
{
    buf_drop_front(&server->output, len);
    if (server->output.len == 0)
        buf_done(&server->output);
    if (server->need == SMTP_SERVER_ROOM && server->output.len <= OUTPUT_ENOUGH) {
        wait_for(server, SMTP_SERVER_BYTES, now + COMMAND_WAIT);
        turn(server, SPAN_NONE, now);
    }
}

void smtp_server_expired(struct smtp_server *server)
{
    if (server->need == SMTP_SERVER_TLS)
        hang_up(server);
    else
        smtp_server_shut(server, "4.4.2", "Waited too long");
}

/*= RFC 3207 4.2
 *# Upon completion of the TLS handshake, the SMTP protocol is reset to the initial state */
void smtp_server_secured(struct smtp_server *server, struct span binding, uint64_t now)
{
    if (server->need != SMTP_SERVER_TLS)
        return;
    bool first = server->state == SMTP_AT_START && !server->hello.len && !server->last_code;
    smtp_server_reset(server);
    server->state = SMTP_AT_START;
    server->secured = true;
    server->extended = false;
    buf_done(&server->hello);
    buf_done(&server->user);
    buf_clear(&server->binding);
    buf_add_span(&server->binding, binding);
    smtp_server_read_next(server, SMTP_READS_COMMAND, now);
    if (first)
        smtp_server_greet(server);
}

/* -- answers -- */

void smtp_server_answer(struct smtp_server *server, const struct smtp_answer *answer, uint64_t now)
{
    if (server->need != SMTP_SERVER_QUESTION || (server->question == SMTP_ASK_KEY && answer->yes))
        return;
    smtp_server_read_next(server, SMTP_READS_COMMAND, now);
    switch (server->question) {
    case SMTP_ASK_SIGN_IN:
        smtp_server_sign_in_answered(server, answer, now);
        break;
    case SMTP_ASK_SENDER:
        smtp_server_sender_answered(server, answer);
        break;
    case SMTP_ASK_RECIPIENT:
        smtp_server_recipient_answered(server, answer);
        break;
    case SMTP_ASK_BEGIN:
        smtp_server_begin_answered(server, answer, now);
        break;
    case SMTP_ASK_KEEP:
        smtp_server_keep_answered(server, answer);
        break;
    case SMTP_ASK_CLIENT:
        smtp_server_client_answered(server, answer);
        break;
    case SMTP_ASK_KEY:
        smtp_server_key_refused(server, answer);
        break;
    }
    turn(server, SPAN_NONE, now);
}

static void key_given(struct smtp_server *server, uint64_t now)
{
    smtp_server_auth_go_on(server, now);
    turn(server, SPAN_NONE, now);
}

void smtp_server_password(struct smtp_server *server, const struct secret *password, uint64_t now)
{
    if (server->need != SMTP_SERVER_QUESTION || server->question != SMTP_ASK_KEY)
        return;
    sasl_server_password(server->sasl, password);
    key_given(server, now);
}

void smtp_server_stored_key(struct smtp_server *server, const struct sasl_stored_key *key,
                            uint64_t now)
{
    if (server->need != SMTP_SERVER_QUESTION || server->question != SMTP_ASK_KEY)
        return;
    sasl_server_stored_key(server->sasl, key);
    key_given(server, now);
}

void smtp_server_body_kept(struct smtp_server *server, uint64_t now)
{
    if (server->need != SMTP_SERVER_BODY)
        return;
    smtp_server_piece_done(server, now);
    turn(server, SPAN_NONE, now);
}

void smtp_server_body_lost(struct smtp_server *server, const struct smtp_answer *answer,
                           uint64_t now)
{
    if (server->need != SMTP_SERVER_BODY)
        return;
    smtp_server_keep_reply(&server->spoiled, answer->code ? answer->code : 451,
                           answer->code ? answer->enhanced : "4.3.0",
                           answer->code ? answer->text : "The message can't be kept now");
    server->in_message = false;
    smtp_server_piece_done(server, now);
    turn(server, SPAN_NONE, now);
}

/* -- birth and death -- */

struct smtp_server *smtp_server_new(const struct smtp_server_plan *plan, bool tls_first,
                                    uint64_t now, struct err *err)
{
    if (!str_is_safe(span_of(plan->name)) || !*plan->name || strlen(plan->name) > 255) {
        (void)err_set(err, ERR_CONFIG, "the server's name can't be sent");
        return NULL;
    }
    OWN(smtp_server) server = NEW(smtp_server);
    if (!server) {
        (void)err_no_memory(err);
        return NULL;
    }
    *server = (struct smtp_server){
        .plan = plan,
        .state = SMTP_AT_START,
        .held = BUF(HELD_MAX),
        .output = BUF(OUTPUT_MAX),
        .hello = BUF(1024),
        .user = BUF(1024),
        .binding = BUF(256),
        .refusal.text = BUF(2048),
        .rcpt_orcpt = BUF(ENVELOPE_ORCPT_MAX),
        .body = BUF(HELD_MAX + 2),
        .spoiled.text = BUF(2048),
    };
    if (tls_first) {
        wait_for(server, SMTP_SERVER_TLS, now + HANDSHAKE_WAIT);
    } else {
        smtp_server_read_next(server, SMTP_READS_COMMAND, now);
        smtp_server_greet(server);
    }
    if (server->closing) {
        (void)err_no_memory(err);
        return NULL;
    }
    return GIVE(server);
}

void smtp_server_tell_wall(struct smtp_server *server, uint64_t wall, uint64_t now)
{
    server->knows_wall = true;
    server->wall = wall;
    server->wall_at = now;
}

void smtp_server_change_plan(struct smtp_server *server, const struct smtp_server_plan *plan)
{
    if (server->need == SMTP_SERVER_QUESTION && server->question == SMTP_ASK_CLIENT)
        server->plan = plan;
}

void smtp_server_free(struct smtp_server *server)
{
    if (!server)
        return;
    smtp_server_reset(server);
    mem_free(server->told);
    buf_done(&server->held);
    buf_done(&server->output);
    buf_done(&server->hello);
    buf_done(&server->user);
    buf_done(&server->binding);
    mem_free(server);
}

/* -- what it tells -- */

enum smtp_server_need smtp_server_need(const struct smtp_server *server)
{
    return server->need;
}

uint64_t smtp_server_deadline(const struct smtp_server *server)
{
    return server->deadline;
}

struct span smtp_server_output(const struct smtp_server *server)
{
    return buf_span(&server->output);
}

enum smtp_question smtp_server_question(const struct smtp_server *server)
{
    return server->question;
}

const struct smtp_told *smtp_server_told(const struct smtp_server *server)
{
    return server->told;
}

const struct smtp_wishes *smtp_server_wishes(const struct smtp_server *server)
{
    return &server->wishes;
}

const struct envelope *smtp_server_envelope(const struct smtp_server *server)
{
    return server->envelope;
}

struct envelope *smtp_server_take_envelope(struct smtp_server *server)
{
    return GIVE(server->envelope);
}

const char *smtp_server_recipient(const struct smtp_server *server)
{
    return server->rcpt.wire;
}

struct span smtp_server_body(const struct smtp_server *server)
{
    return buf_span(&server->body);
}

bool smtp_server_in_message(const struct smtp_server *server)
{
    return server->in_message;
}

const char *smtp_server_hello(const struct smtp_server *server)
{
    return buf_text(&server->hello);
}

const char *smtp_server_user(const struct smtp_server *server)
{
    return server->user.len ? buf_text(&server->user) : NULL;
}

bool smtp_server_is_extended(const struct smtp_server *server)
{
    return server->extended;
}

bool smtp_server_is_secured(const struct smtp_server *server)
{
    return server->secured;
}

uint16_t smtp_server_last_code(const struct smtp_server *server)
{
    return server->last_code;
}

bool smtp_server_take_refusal(struct smtp_server *server, struct smtp_refusal *ret_refusal)
{
    *ret_refusal = server->untold;
    server->untold.code = 0;
    return ret_refusal->code != 0;
}

unsigned smtp_server_failed_sign_ins(const struct smtp_server *server)
{
    return server->failed_sign_ins;
}
