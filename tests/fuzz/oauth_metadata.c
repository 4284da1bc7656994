/* What an issuer publishes: where it is taken, there is a token endpoint, and all there is are https. */
#include <assert.h>
#include <stdint.h>

#include "account/oauth_way.h"
#include "oauth_way.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_https(const char *url)
{
    return !url || span_starts_word(span_of(url), "https://");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct oauth_way way = example_way();

    way.token = NULL;
    way.issuer_varies = len % 2;
    if (oauth_way_learn(&way, (struct span){ (const char *)data, len }, NULL))
        assert(way.token && is_https(way.token) && is_https(way.authorize) && is_https(way.device) && is_https(way.revoke));
    oauth_way_done(&way);
    return 0;
}
