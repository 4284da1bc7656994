/* A status and a body: what comes of it is whole, or nothing and why. */
#include <assert.h>
#include <stdint.h>

#include "account/oauth_answer.h"
#include "base/str.h"
#include "oauth_way.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const unsigned statuses[] = { 200, 400, 401, 404, 429, 500 };
    struct oauth_way way = example_way();
    struct oauth_tokens tokens;
    struct oauth_device device;
    struct err err;

    if (!len)
        return 0;
    struct oauth_reply reply = { statuses[data[0] % COUNT(statuses)], { (const char *)data + 1, len - 1 } };

    enum oauth_outcome outcome = oauth_answer_tokens(&way, reply, &tokens, &err);
    assert((outcome == OAUTH_GIVEN) == (tokens.access != NULL));
    assert(outcome == OAUTH_GIVEN || (err.kind != ERR_NONE && err.fact && str_is_safe(span_of(err.said))));
    oauth_tokens_done(&tokens);

    outcome = oauth_answer_device(&way, reply, &device, &err);
    assert((outcome == OAUTH_GIVEN) == (device.code != NULL));
    assert(outcome != OAUTH_GIVEN || (device.interval_ms && device.life_ms && span_starts_word(span_of(device.page), "https://")));
    oauth_device_done(&device);

    (void)oauth_answer_revoked(&way, reply, &err);
    return 0;
}
