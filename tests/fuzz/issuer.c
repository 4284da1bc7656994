/* Two certificates of strangers': one that was shown, and what was found where it says that its issuer can be had. The first
 * two octets say how long the first is. An address that is learnt of them is one that can be asked for. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "net/tls.h"
#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* It trusts nobody: who has signed goes on to where his own issuer can be had. */
static struct tls_context *context(void)
{
    static const struct tls_client_plan plan = {
        .pin = "sha256:0000000000000000000000000000000000000000000000000000000000000000",
    };
    static struct tls_context *context;

    if (!context)
        assert(tls_client_context(&plan, &context, NULL));
    return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span all = { (const char *)data, len };
    size_t first = len < 2 ? 0 : 2 + ((size_t)data[0] << 8 | data[1]);
    char at[TLS_URL_MAX];
    struct url url;

    if (first < 2 || first > len)
        return 0;
    enum tls_issuer issuer = tls_issuer_of(context(), span_cut(all, 2, first), span_from(all, first), at);
    assert(issuer != TLS_ISSUER_TRUSTED && memchr(at, '\0', sizeof at));
    assert(!at[0] || issuer == TLS_ISSUER_STRANGE);
    if (at[0] && url_parse_plain(span_of(at), &url, NULL))
        assert(url.plain);
    return 0;
}
