/* A server that says anything, to every mechanism: input is the mechanism's number, then challenges
 * parted by line ends. "@" in front of a challenge stands for our own SCRAM nonce in it. */
#include <stdint.h>

#include "smtp/sasl_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void drive(struct sasl_client *client, const struct secret *secret)
{
    while (sasl_client_need(client) == SASL_NEED_CREDENTIAL || sasl_client_need(client) == SASL_NEED_KEY
           || sasl_client_need(client) == SASL_NEED_SEND) {
        /* A salting of many rounds would only slow the search. */
        if (sasl_client_need(client) == SASL_NEED_KEY && sasl_client_salting(client).iterations > 5000)
            return;
        sasl_client_credential(client, secret);
        sasl_client_sent(client);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    OWN(secret) secret = secret_new(SPAN("secret"));
    OWN(sasl_client) client = NULL;
    struct span rest = { (const char *)data, len }, challenge;
    struct sasl_client_plan plan = { .username = SPAN("me@example.com"), .channel_binding = SPAN("binding") };

    if (!len || !secret)
        return 0;
    plan.mechanism = (enum sasl_mechanism)(data[0] % SASL_MECHANISM_COUNT);
    rest = span_from(rest, 1);
    if (!sasl_client_new(&plan, &client, NULL))
        return 0;
    HELD(buf) nonce = BUF(256);
    buf_add_span(&nonce, scram_nonce(sasl_client_output(client)));
    drive(client, secret);
    while (span_split(&rest, '\n', &challenge)) {
        HELD(buf) text = BUF(SASL_STEP_MAX * 2);
        if (span_starts(challenge, "@")) {
            buf_add(&text, "r=");
            buf_add_span(&text, buf_span(&nonce));
            challenge = span_from(challenge, 1);
        }
        buf_add_span(&text, challenge);
        sasl_client_input(client, buf_span(&text));
        drive(client, secret);
    }
    /* Whoever asks for a proof gets it or fails. */
    struct err err = { 0 };
    if (!sasl_client_accepted(client, &err) && err.kind == ERR_NONE)
        __builtin_trap();
    return 0;
}
