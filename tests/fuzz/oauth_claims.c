/* An id_token: read and looked at, whatever it is. */
#include <assert.h>
#include <stdint.h>

#include "account/oauth_claims.h"
#include "oauth_way.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct oauth_way way = example_way();
    OWN(secret) token = secret_new((struct span){ (const char *)data, len });
    OWN(json_tree) claims = NULL;
    struct err err;

    if (!token || !oauth_claims_read(token, &claims, &err))
        return 0;
    bool for_us = oauth_claims_check(&way, json_root(claims), "n", UINT64_C(1700000000000), &err);
    assert(for_us || err.fact);
    return 0;
}
