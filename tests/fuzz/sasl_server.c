/* A client that says anything, to every mechanism: input is the mechanism's number, then responses
 * parted by line ends. */
#include <stdint.h>

#include "smtp/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    OWN(secret) secret = secret_new(SPAN("secret"));
    OWN(sasl_server) server = NULL;
    struct span rest = { (const char *)data, len }, response;
    struct sasl_server_plan plan = { .channel_binding = SPAN("binding"), .error_challenge = true };

    if (!len || !secret)
        return 0;
    plan.mechanism = (enum sasl_mechanism)(data[0] % SASL_MECHANISM_COUNT);
    rest = span_from(rest, 1);
    if (!sasl_server_new(&plan, &server, NULL))
        return 0;
    while (span_split(&rest, '\n', &response)) {
        sasl_server_input(server, response);
        if (sasl_server_need(server) == SASL_NEED_VERDICT)
            sasl_server_verdict(server, sasl_server_proof(server).len & 1);
        if (sasl_server_need(server) == SASL_NEED_KEY)
            sasl_server_password(server, secret);
        sasl_server_sent(server);
    }
    return 0;
}
