/* Opening a sealed secret that somebody else may have written. What opens at all was sealed by us: it
 * seals to the same bytes again. And what we seal opens, until one bit of it is changed. */
#include <assert.h>
#include <stdint.h>

#include "account/sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char nonce[] = "012345678901234567890123";
    struct span input = { (const char *)data, len };
    OWN(secret) key = secret_new(SPAN("01234567890123456789012345678901"));
    OWN(secret) plain = secret_new(input);
    OWN(secret) opened = NULL;
    OWN(secret) again = NULL;
    HELD(buf) sealed = BUF(SEALED_MAX);

    if (!key || len > SECRET_MAX)
        return 0;
    if (sealed_open(key, input, SPAN("live"), &opened, NULL)) {
        bool same = sealed_make(key, span_cut(input, 16, 16 + SEALED_NONCE_LEN), SPAN("live"), opened,
                                &sealed, NULL);
        assert(same && span_equal(buf_span(&sealed), input));
    }
    buf_clear(&sealed);
    if (plain && sealed_make(key, span_of(nonce), SPAN("live"), plain, &sealed, NULL)) {
        bool back = sealed_open(key, buf_span(&sealed), SPAN("live"), &again, NULL);
        assert(back && span_equal(secret_bytes(again), input));
        sealed.at[len % sealed.len] = (char)(sealed.at[len % sealed.len] ^ 1);
        secret_free(GIVE(again));
        assert(!sealed_open(key, buf_span(&sealed), SPAN("live"), &again, NULL));
    }
    return 0;
}
