/* The whole client against a server that says anything. The first octet picks the plan, the second how
 * the bytes are cut; needs are served as a driver would. It must end, without a password in clear text,
 * and call nothing delivered whose end was not answered. Half of the plans rehearse before they send. */
#include <assert.h>
#include <stdint.h>

#include "mail/envelope.h"
#include "smtp/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct drive {
    struct smtp_client *client;
    struct envelope *envelope;
    size_t body_left;
    unsigned messages;
    unsigned salted;
    bool rehearses, sent;
};

/* The salting itself is left out: a hundred thousand rounds teach nothing here. */
static void give_key(struct drive *d)
{
    struct sasl_salting how = smtp_client_salting(d->client);
    char zeros[SASL_KEY_MAX] = { 0 };
    OWN(secret) key = secret_new((struct span){ zeros, sasl_key_len(how.hash) });

    assert(how.iterations >= SASL_ITERATIONS_MIN && how.iterations <= SASL_ITERATIONS_MAX);
    assert(d->salted++ < 4);
    smtp_client_key(d->client, key, 0);
}

static void give_credential(struct drive *d)
{
    OWN(secret) secret = secret_new(SPAN("hunter2"));

    smtp_client_credential(d->client, secret, 0);
}

static void give_body(struct drive *d)
{
    static char lines[1000];
    size_t len = d->body_left < sizeof lines ? d->body_left : sizeof lines;

    memset(lines, '.', sizeof lines);
    d->body_left -= len;
    smtp_client_body(d->client, (struct span){ lines, len }, d->body_left == 0, 0);
}

static void serve(struct drive *d)
{
    for (;;) {
        assert(smtp_client_output(d->client).len < 400000);
        smtp_client_wrote(d->client, smtp_client_output(d->client).len, 0);
        switch (smtp_client_need(d->client)) {
        case SMTP_NEED_TLS:
            smtp_client_secured(d->client, SPAN("binding"), 0);
            break;
        case SMTP_NEED_CREDENTIAL:
            give_credential(d);
            break;
        case SMTP_NEED_KEY:
            give_key(d);
            break;
        case SMTP_NEED_BODY:
            give_body(d);
            break;
        case SMTP_NEED_ENVELOPE:
            if (!d->messages)
                return;
            d->messages--;
            if (d->rehearses && d->messages) {
                smtp_client_rehearse(d->client, d->envelope, d->messages == 1, 0);
                break;
            }
            d->sent = true;
            d->body_left = d->messages ? 200000 : 30;
            smtp_client_send(d->client, d->envelope, 0, d->envelope->count, 0);
            break;
        default:
            return;
        }
    }
}

static struct smtp_plan plan_of(uint8_t pick)
{
    struct smtp_plan plan = {
        .hello = "me.example",
        .user = "me@example.net",
        .host = "mail.example.org",
        .security = (enum smtp_security)(pick % 3),
        .mechanisms = pick & 4 ? SASL_ALL : 0,
        .credential = pick & 8 ? SASL_TOKEN : SASL_PASSWORD,
        .pipelining = (enum smtp_pipelining)((pick >> 4) % 3),
        .long_initial = (pick & 64) != 0,
        .clear_password = true,
    };
    return plan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    struct smtp_plan plan = plan_of(data[0]);
    OWN(envelope) envelope = envelope_new();
    OWN(smtp_client) client = smtp_client_new(&plan, 0, NULL);
    struct drive drive = { .client = client, .envelope = envelope, .messages = 2, .rehearses = (data[0] & 128) != 0 };
    struct span bytes = { (const char *)data + 2, len - 2 };
    size_t piece = data[1] ? data[1] : len;

    if (!envelope || !client || !envelope_add(envelope, SPAN("a@example.org"), NULL) ||
        !envelope_add(envelope, SPAN("b@example.org"), NULL))
        return 0;
    serve(&drive);
    for (; bytes.len; bytes = span_from(bytes, piece)) {
        smtp_client_recv(client, span_cut(bytes, 0, piece), 0);
        serve(&drive);
    }
    smtp_client_closed(client);
    for (size_t i = 0; i < envelope->count; i++) {
        struct smtp_outcome outcome;
        smtp_client_outcome(client, i, &outcome);
        if (outcome.fate == SMTP_FATE_TAKEN && drive.sent)
            assert(outcome.err.reply / 100 == 2 && outcome.stage == STAGE_END);
        if (!drive.sent)
            assert(outcome.fate != SMTP_FATE_UNKNOWN);
        assert(drive.messages == 2 || outcome.fate != SMTP_FATE_OPEN);
    }
    assert(smtp_client_need(client) == SMTP_NEED_NOTHING);
    return 0;
}
