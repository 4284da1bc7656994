/* AUTH (RFC 4954): base64 and lines around the bytes that smtp/sasl.h makes. */
#include "smtp/client_int.h"

#include "base/base64.h"
#include "base/str.h"

#include "base/banned.h"

static unsigned offered(const struct smtp_extensions *extensions)
{
    enum sasl_mechanism mechanism;
    unsigned bits = 0;

    for (unsigned i = 0; i < extensions->mechanism_count; i++)
        if (sasl_from_name(span_of(extensions->mechanisms[i]), &mechanism))
            bits |= SASL_BIT(mechanism);
    return bits;
}

static void fail_signin(struct smtp_client *c, const struct err *err)
{
    struct err told = *err;

    err_in(&told, "while %s", step_row(STEP_AUTH)->while_);
    client_fail_politely(c, STAGE_AUTH, &told);
}

/* A server that offers only what is unknown here does offer something: other words for a person. */
static void fail_no_mechanism(struct smtp_client *c, struct err *err)
{
    if (c->extensions.mechanism_count && err->fact)
        err_found(err, ERR_SIGNIN, "auth:no-common-mechanism",
                  "the server offers no way to sign in that this account may use");
    client_fail_politely(c, STAGE_AUTH, err);
}

/* Nothing to sign in with in clear text, and STARTTLS is there: it is offered behind that (RFC 4954, 4). */
static void say_if_in_tls(const struct smtp_client *c, struct err *err)
{
    bool behind_tls = !c->secured && smtp_offers(&c->extensions, SMTP_STARTTLS);

    if (behind_tls && err->fact && strcmp(err->fact, "auth:not-offered") == 0)
        err->fact = "auth:in-tls";
}

void signin_begin(struct smtp_client *c)
{
    struct sasl_client_plan plan = {
        .username = span_of(c->plan.user),
        .host = span_of(c->plan.host),
        .port = c->plan.port,
        .channel_binding = { c->binding, c->binding_len },
    };
    struct err err = { 0 };

    if (!sasl_choose(offered(&c->extensions), c->plan.mechanisms & ~c->tried, c->plan.credential,
                     c->binding_len > 0, &plan.mechanism, &err)) {
        say_if_in_tls(c, &err);
        fail_no_mechanism(c, &err);
        return;
    }
    c->mechanism = plan.mechanism;
    c->tried |= SASL_BIT(plan.mechanism);
    c->tries++;
    c->auth_said = c->auth_cancelled = false;
    sasl_client_free(c->sasl);
    c->sasl = NULL;
    client_enter(c, STEP_AUTH);
    if (!sasl_client_new(&plan, &c->sasl, &err))
        fail_signin(c, &err);
    else
        signin_pump(c);
}

/*= RFC 4954 4
 *# If the client is transmitting an initial response of zero length, it MUST instead transmit the
 *# response as a single equals sign ("=").                                                       */
static void say_auth(struct smtp_client *c, bool with_response)
{
    struct span response = sasl_client_output(c->sasl);
    HELD(buf) line = BUF(OUTPUT_MAX);

    buf_addf(&line, "AUTH %s", sasl_name(c->mechanism));
    if (with_response) {
        buf_add_char(&line, ' ');
        if (response.len)
            base64_encode(&line, response);
        else
            buf_add_char(&line, '=');
        sasl_client_sent(c->sasl);
    }
    c->auth_said = true;
    if (line.full)
        client_fail_memory(c);
    else
        client_say(c, STEP_AUTH, 0, buf_span(&line));
}

static bool response_fits(const struct smtp_client *c)
{
    size_t line = strlen("AUTH  \r\n") + strlen(sasl_name(c->mechanism)) +
                  BASE64_LEN(sasl_client_output(c->sasl).len);

    return line <= AUTH_LINE_MAX || c->plan.long_initial;
}

static void say_response(struct smtp_client *c)
{
    HELD(buf) line = BUF(OUTPUT_MAX);

    base64_encode(&line, sasl_client_output(c->sasl));
    sasl_client_sent(c->sasl);
    if (line.full)
        client_fail_memory(c);
    else
        client_say(c, STEP_AUTH, 0, buf_span(&line));
}

/*= RFC 4954 4
 *# If the client wishes to cancel the authentication exchange, it issues a line with a single "*". */
static void cancel(struct smtp_client *c, const struct err *why)
{
    if (!c->auth_said) {
        fail_signin(c, why);
        return;
    }
    c->auth_cancelled = true;
    c->auth_err = *why;
    client_say(c, STEP_AUTH, 0, SPAN("*"));
}

void signin_pump(struct smtp_client *c)
{
    switch (sasl_client_need(c->sasl)) {
    case SASL_NEED_SEND:
        if (!c->auth_said)
            say_auth(c, response_fits(c));
        else
            say_response(c);
        break;
    case SASL_NEED_PEER: /* it speaks first */
        if (!c->auth_said)
            say_auth(c, false);
        break;
    case SASL_FAILED:
        cancel(c, sasl_client_error(c->sasl));
        break;
    default: /* a credential or a key: see smtp_client_need() */
        break;
    }
}

static void signed_in(struct smtp_client *c)
{
    struct err err = { 0 };

    if (!sasl_client_accepted(c->sasl, &err)) {
        fail_signin(c, &err);
        return;
    }
    sasl_client_free(c->sasl);
    c->sasl = NULL;
    c->signed_in = true;
    client_enter(c, STEP_READY);
}

static void challenged(struct smtp_client *c, const struct smtp_reply *reply)
{
    HELD(buf) challenge = BUF(SASL_STEP_MAX);
    struct err err;

    if (sasl_client_need(c->sasl) == SASL_NEED_SEND) { /* the response that did not fit above */
        say_response(c);
        return;
    }
    if (reply->cut || !base64_decode(&challenge, span_trim(reply->text))) {
        err_found(&err, ERR_PROTOCOL, "reply:malformed",
                  "the server's challenge is not base64, or too long");
        cancel(c, &err);
        return;
    }
    sasl_client_input(c->sasl, buf_span(&challenge));
    signin_pump(c);
}

void signin_heard(struct smtp_client *c, const struct asked *asked, const struct smtp_reply *reply)
{
    struct err err;

    (void)asked;
    if (c->auth_cancelled) {
        fail_signin(c, &c->auth_err);
    } else if (reply->code == 334) {
        challenged(c, reply);
    } else if (reply->code == 235) {
        signed_in(c);
    } else {
        err_found(&err, ERR_PROTOCOL, "reply:malformed",
                  "the server answered %u, which is no answer to AUTH", (unsigned)reply->code);
        fail_signin(c, &err);
    }
}

/* May another mechanism do better with the same password? Where this one is refused as such, and
 * where the server may lack what this one needs to check it; never after a plain "wrong". */
static bool another_may_work(const struct smtp_client *c, uint16_t code)
{
    unsigned by_proof = SASL_BIT(SASL_SCRAM_SHA_256_PLUS) | SASL_BIT(SASL_SCRAM_SHA_1_PLUS) |
                        SASL_BIT(SASL_SCRAM_SHA_256) | SASL_BIT(SASL_SCRAM_SHA_1) |
                        SASL_BIT(SASL_CRAM_MD5);
    enum sasl_mechanism next;

    if (code == 535 && !(by_proof & SASL_BIT(c->mechanism)))
        return false;
    return (code == 535 || code == 504 || code == 534) && c->tries < MECHANISMS_TRIED_MAX &&
           sasl_choose(offered(&c->extensions), c->plan.mechanisms & ~c->tried, c->plan.credential,
                       c->binding_len > 0, &next, NULL);
}

/* Where a token was refused, its challenge has said more than the reply: "invalid_token". */
static void tell_refusal(const struct smtp_client *c, const struct smtp_reply *reply,
                         struct err *err)
{
    struct sasl_bearer_error bearer = sasl_client_bearer_error(c->sasl);
    HELD(buf) text = BUF(1000);

    buf_add(&text, "the server said no");
    if (bearer.status.len) {
        buf_add(&text, ", and of the token: ");
        str_printable(&text, bearer.status, 100);
    }
    smtp_reply_err(reply, err, buf_text(&text));
    if (err->kind == ERR_REPLY)
        err->kind = ERR_SIGNIN;
    if (reply->code == 500 || reply->code == 502) /* and yet it was offered, or AUTH had not been said */
        err->fact = "auth:not-understood";
}

void signin_refused(struct smtp_client *c, const struct asked *asked,
                    const struct smtp_reply *reply)
{
    struct err err;

    (void)asked;
    if (c->auth_cancelled && !c->auth_err.reply) {
        fail_signin(c, &c->auth_err); /* our own reason; the 501 only confirms it */
        return;
    }
    if (another_may_work(c, reply->code)) {
        signin_begin(c);
        return;
    }
    tell_refusal(c, reply, &err);
    fail_signin(c, &err);
}

void smtp_client_credential(struct smtp_client *client, const struct secret *secret, uint64_t now)
{
    enum smtp_need need = smtp_client_need(client);

    client->now = now;
    if (need != SMTP_NEED_CREDENTIAL && need != SMTP_NEED_KEY)
        return;
    sasl_client_credential(client->sasl, secret);
    signin_pump(client);
    client_advance(client);
}

struct sasl_salting smtp_client_salting(const struct smtp_client *client)
{
    return client->sasl ? sasl_client_salting(client->sasl) : (struct sasl_salting){ 0 };
}

void smtp_client_key(struct smtp_client *client, const struct secret *key, uint64_t now)
{
    client->now = now;
    if (smtp_client_need(client) != SMTP_NEED_KEY)
        return;
    sasl_client_key(client->sasl, key);
    signin_pump(client);
    client_advance(client);
}
