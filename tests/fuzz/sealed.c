/* Opening a sealed secret that somebody else may have written. What opens at all was sealed by us: it
 * seals to the same bytes again. And what we seal opens, until one bit of it is changed. */
#include <assert.h>
#include <stdint.h>

#include "account/sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span input = { (const char *)data, len };
    OWN(secret) key = secret_new(SPAN("01234567890123456789012345678901"));
    OWN(secret) plain = secret_new(input);
    OWN(secret) opened = NULL;
    OWN(secret) again = NULL;
    HELD(buf) sealed = BUF(SEALED_MAX);
    struct sealed_way way = { key, SEALED_KEY_KERNEL, SPAN("012345678901234567890123"), SPAN("live") };

    if (!key || len > SECRET_MAX)
        return 0;
    if (sealed_open(key, input, SPAN("live"), &opened, NULL)) {
        struct sealed_way as_it_was = way;
        bool known = sealed_key_of(input, &as_it_was.kept, NULL);
        as_it_was.nonce = span_cut(input, 17, 17 + SEALED_NONCE_LEN);
        bool same = known && sealed_make(&as_it_was, opened, &sealed, NULL);
        assert(same && span_equal(buf_span(&sealed), input));
    }
    buf_clear(&sealed);
    if (plain && sealed_make(&way, plain, &sealed, NULL)) {
        bool back = sealed_open(key, buf_span(&sealed), SPAN("live"), &again, NULL);
        assert(back && span_equal(secret_bytes(again), input));
        sealed.at[len % sealed.len] = (char)(sealed.at[len % sealed.len] ^ 1);
        secret_free(GIVE(again));
        assert(!sealed_open(key, buf_span(&sealed), SPAN("live"), &again, NULL));
    }
    return 0;
}
