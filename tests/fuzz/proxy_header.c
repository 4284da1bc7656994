/* A header is the same whether it comes at once or byte by byte, and says nothing beyond its end. */
#include <assert.h>
#include <stdint.h>

#include "net/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span all = { (const char *)data, len };
    struct proxy_header whole = { 0 }, slow = { 0 };
    enum proxy_verdict verdict = proxy_header_read(all, &whole), so_far = PROXY_MORE;
    size_t at = 0;

    for (; at <= len && so_far == PROXY_MORE; at++)
        so_far = proxy_header_read(span_cut(all, 0, at), &slow);
    assert(so_far == verdict);
    if (verdict == PROXY_MORE)
        assert(len < PROXY_HEADER_MAX);
    if (verdict != PROXY_DONE)
        return 0;
    assert(whole.len == at - 1 && whole.len <= PROXY_HEADER_MAX);
    assert(whole.len == slow.len && whole.own == slow.own && whole.source_port == slow.source_port);
    assert(ip_equal(whole.source, slow.source));
    return 0;
}
