/* What a proxy says, in pieces as the first byte has it; and what a person configures. */
#include <assert.h>
#include <stdint.h>

#include "net/host.h"
#include "net/socks5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void configured(struct span text)
{
    char host[SOCKS5_NAME_MAX + 1];
    uint16_t port;

    if (socks5_url_parse(text, host, &port, NULL))
        assert(port && host_check(span_of(host), NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span bytes = { (const char *)data, len };
    size_t piece = len ? data[0] : 0;
    struct socks5 socks;
    struct err err = { 0 };
    bool more = true, good = true;

    configured(bytes);
    bytes = span_from(bytes, 1);
    if (!socks5_begin(&socks, SPAN("smtp.example.com"), 587, &err))
        return 0;
    while (good && bytes.len && socks5_wants(&socks)) {
        size_t wants = socks5_wants(&socks), now = piece && piece < wants ? piece : wants;
        assert(wants <= SOCKS5_MESSAGE_MAX && socks5_output(&socks).len <= SOCKS5_MESSAGE_MAX);
        good = socks5_recv(&socks, span_cut(bytes, 0, now), &more, &err);
        bytes = span_from(bytes, now);
    }
    assert(good || (err.fact && err.text[0]));
    return 0;
}
