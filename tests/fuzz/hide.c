/* A secret in foreign text: first its length, then the secret, then the text. Afterwards the secret is not there
 * as it was. */
#include <assert.h>
#include <stdint.h>

#include "base/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span input = { (const char *)data, len };
    struct span bytes = span_cut(input, 1, len ? 1 + (size_t)data[0] : 0);
    struct span text = span_cut(span_from(input, 1 + bytes.len), 0, 4096);
    OWN(secret) secret = secret_new(bytes);
    HELD(buf) out = BUF(64 * 1024);

    if (!secret)
        return 0;
    secret_hide(&out, text, secret);
    assert(!out.full);
    if (bytes.len < 4) {
        assert(span_equal(buf_span(&out), text));
        return 0;
    }
    for (size_t i = 0; i + bytes.len <= out.len; i++) {
        bool there = memcmp(out.at + i, bytes.at, bytes.len) == 0;
        /* Stars are ours: a secret of stars, or one that comes about beside them, tells nothing. */
        assert(!there || memchr(out.at + i, '*', bytes.len));
    }
    return 0;
}
