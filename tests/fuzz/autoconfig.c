/* Whatever the document says, a server that is found has a host, a port and a way to sign in, all of
 * them ended, and can be put into the list or refused by it. */
#include <assert.h>
#include <stdint.h>

#include "discover/autoconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct span address = SPAN_INIT("jane.doe@example.com");
    struct candidates candidates = { 0 };
    struct autoconfig found;
    struct err err;

    if (!autoconfig_parse((struct span){ (const char *)data, len }, address, &found, &err))
        return 0;
    assert(found.count <= AUTOCONFIG_SERVERS_MAX);
    for (size_t i = 0; i < found.count; i++) {
        struct candidate *candidate = &found.at[i];
        assert(strnlen(candidate->host, sizeof candidate->host) < sizeof candidate->host);
        assert(strnlen(candidate->username, sizeof candidate->username) < sizeof candidate->username);
        assert(candidate->port && candidate->auth_count <= CANDIDATE_AUTHS);
        candidate->source = SOURCE_ISPDB;
        candidates_add(&candidates, candidate, SPAN("example.com"), NULL);
    }
    assert(candidates.count <= found.count);
    return 0;
}
