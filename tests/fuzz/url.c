/* A URL that is taken has a host that may be looked up, a port, and a target within the text. */
#include <assert.h>
#include <stdint.h>

#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span text = { (const char *)data, len };
    struct url url;
    struct err err;

    if (!url_parse(text, &url, &err) && !url_parse_plain(text, &url, &err))
        return 0;
    assert(url.port && strlen(url.host) <= HOST_NAME_MAX_LEN);
    assert(host_check(span_of(url.host), &err));
    assert(url.target.len && url.target.len <= len);
    assert(span_find(url.target, '#') == url.target.len && span_find(url.target, ' ') == url.target.len);
    return 0;
}
