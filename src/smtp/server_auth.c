/* Signing in, as SMTP says it (RFC 4954): base64 on lines around the machine of smtp/sasl.h. */
#include "smtp/server_int.h"

#include "base/base64.h"
#include "base/str.h"

#include "base/banned.h"

/* A mechanism offered here and now: -PLUS takes a channel binding. */
static bool is_possible(const struct smtp_server *server, enum sasl_mechanism mechanism)
{
    bool plus = mechanism == SASL_SCRAM_SHA_256_PLUS || mechanism == SASL_SCRAM_SHA_1_PLUS;

    return SASL_SERVED & SASL_BIT(mechanism) && (!plus || server->binding.len > 0);
}

void smtp_server_mechanisms(const struct smtp_server *server, struct smtp_extensions *extensions)
{
    const struct smtp_extensions offered = *extensions;
    enum sasl_mechanism mechanism;

    extensions->mechanism_count = 0;
    for (unsigned i = 0; i < offered.mechanism_count; i++) {
        if (sasl_from_name(span_of(offered.mechanisms[i]), &mechanism) &&
            is_possible(server, mechanism))
            memcpy(extensions->mechanisms[extensions->mechanism_count++], offered.mechanisms[i],
                   sizeof offered.mechanisms[i]);
    }
    if (!extensions->mechanism_count)
        extensions->offered &= ~(unsigned)SMTP_AUTH;
}

static void end_with(struct smtp_server *server, uint16_t code, const char *enhanced,
                     const char *text)
{
    smtp_server_reset(server);
    smtp_server_refuse(server, code, enhanced, text);
}

static void signed_in(struct smtp_server *server)
{
    buf_clear(&server->user);
    buf_add_span(&server->user, sasl_server_user(server->sasl));
    smtp_server_reset(server);
    if (server->user.full || !server->user.len) {
        buf_clear(&server->user);
        smtp_server_reply(server, 454, "4.7.0", "No memory");
        return;
    }
    server->idle = 0;
    smtp_server_reply(server, 235, "2.7.0", "Signed in");
}

static void not_signed_in(struct smtp_server *server)
{
    enum err_kind why = sasl_server_error(server->sasl)->kind;
    struct smtp_server_reply reply = server->refusal;

    server->refusal = (struct smtp_server_reply){ .text = BUF(2048) };
    smtp_server_reset(server);
    if (why == ERR_PROTOCOL || why == ERR_LIMIT) {
        smtp_server_refuse(server, 501, "5.5.2", "The sign-in can't be read");
    } else if (why == ERR_MEMORY) {
        smtp_server_reply(server, 454, "4.7.0", "No memory");
    } else {
        if (reply.code)
            smtp_server_say_kept(server, &reply);
        else
            smtp_server_reply(server, 535, "5.7.8", "User name or password is wrong");
        if (++server->failed_sign_ins >= SMTP_SERVER_SIGN_INS_MAX)
            smtp_server_shut(server, "4.7.0", "Too many failed sign-ins");
    }
    buf_done(&reply.text);
}

void smtp_server_key_refused(struct smtp_server *server, const struct smtp_answer *answer)
{
    smtp_server_reset(server);
    smtp_server_refuse(server, answer->code ? answer->code : 454, answer->code ? answer->enhanced : "4.7.0",
                       answer->code ? answer->text : "Nobody can sign in now");
}

static void challenge(struct smtp_server *server, uint64_t now)
{
    HELD(buf) text = BUF(BASE64_LEN(SASL_STEP_MAX));

    base64_encode(&text, sasl_server_output(server->sasl));
    sasl_server_sent(server->sasl);
    smtp_server_reply(server, 334, NULL, buf_text(&text));
    smtp_server_read_next(server, SMTP_READS_SIGN_IN, now);
}

/* Does what the sign-in needs now. */
void smtp_server_auth_go_on(struct smtp_server *server, uint64_t now)
{
    smtp_server_read_next(server, SMTP_READS_COMMAND, now);
    switch (sasl_server_need(server->sasl)) {
    case SASL_NEED_SEND:
        challenge(server, now);
        break;
    case SASL_NEED_PEER:
        smtp_server_read_next(server, SMTP_READS_SIGN_IN, now);
        break;
    case SASL_NEED_VERDICT:
        smtp_server_ask(server, SMTP_ASK_SIGN_IN);
        break;
    case SASL_NEED_KEY:
        smtp_server_ask(server, SMTP_ASK_KEY);
        break;
    case SASL_DONE:
        signed_in(server);
        break;
    case SASL_NEED_CREDENTIAL:
    case SASL_FAILED:
        not_signed_in(server);
        break;
    }
}

/* One response in base64; "=" is the empty one on the AUTH line. */
static void respond(struct smtp_server *server, struct span text, bool initial, uint64_t now)
{
    HELD(buf) response = BUF(SMTP_SERVER_AUTH_LINE_MAX);

    if (initial && span_is(text, "="))
        text = SPAN_NONE;
    if (!base64_decode(&response, text)) {
        end_with(server, 501, "5.5.2", "This is not base64");
        return;
    }
    sasl_server_input(server->sasl, buf_span(&response));
    smtp_server_auth_go_on(server, now);
}

void smtp_server_auth(struct smtp_server *server, struct span argument, uint64_t now)
{
    struct span name = span_cut(argument, 0, span_find(argument, ' '));
    struct span initial = span_from(argument, name.len);
    const struct smtp_extensions *offers = smtp_server_offers(server);

    if (!sasl_from_name(name, &server->mechanism) || !is_possible(server, server->mechanism) ||
        !smtp_offers_mechanism(offers, sasl_name(server->mechanism))) {
        smtp_server_refuse(server, 504, "5.5.4", "This mechanism is not offered");
        return;
    }
    const struct sasl_server_plan plan = {
        .mechanism = server->mechanism,
        .channel_binding = buf_span(&server->binding),
        .error_challenge = server->plan->error_challenge,
    };
    if (!sasl_server_new(&plan, &server->sasl, NULL)) {
        smtp_server_reply(server, 454, "4.7.0", "No memory");
        return;
    }
    initial = span_trim(initial);
    if (initial.len)
        respond(server, initial, true, now);
    else if (sasl_client_first(server->mechanism))
        challenge(server, now);
    else
        smtp_server_auth_go_on(server, now);
}

void smtp_server_auth_line(struct smtp_server *server, struct span line, uint64_t now)
{
    /*= RFC 4954 4
     *# If the client wishes to cancel the authentication exchange, it issues a line with a single
     *# "*".  If the server receives such a response, it MUST reject the AUTH command by sending a
     *# 501 reply. */
    if (span_is(line, "*")) {
        smtp_server_read_next(server, SMTP_READS_COMMAND, now);
        end_with(server, 501, "5.7.0", "Cancelled");
    } else {
        smtp_server_read_next(server, SMTP_READS_COMMAND, now);
        respond(server, line, false, now);
    }
}

struct smtp_claim smtp_server_claim(const struct smtp_server *server)
{
    if (!server->sasl)
        return (struct smtp_claim){ server->mechanism, SPAN_NONE, SPAN_NONE };
    return (struct smtp_claim){ server->mechanism, sasl_server_user(server->sasl),
                                sasl_server_proof(server->sasl) };
}

void smtp_server_sign_in_answered(struct smtp_server *server, const struct smtp_answer *answer,
                                  uint64_t now)
{
    if (!answer->yes && answer->code)
        smtp_server_keep_reply(&server->refusal, answer->code, answer->enhanced, answer->text);
    sasl_server_verdict(server->sasl, answer->yes);
    smtp_server_auth_go_on(server, now);
}
