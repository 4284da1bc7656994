/* What decodes must encode to the same text, and what encodes must decode to the same bytes. */
#include <assert.h>
#include <stdint.h>

#include "base/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span input = { (const char *)data, len };
    HELD(buf) there = BUF(1 << 20), back = BUF(1 << 20);

    if (base64_decode(&there, input)) {
        base64_encode(&back, buf_span(&there));
        assert(span_equal(buf_span(&back), input));
    }
    buf_clear(&there);
    buf_clear(&back);
    base64_encode(&there, input);
    assert(base64_decode(&back, buf_span(&there)) && span_equal(buf_span(&back), input));
    buf_clear(&there);
    buf_clear(&back);
    base64url_encode(&there, input);
    assert(base64url_decode(&back, buf_span(&there)) && span_equal(buf_span(&back), input));
    return 0;
}
