/* An answer of an HTTPS interface: a line with the status, one with Retry-After, then the body. Whatever it
 * says, it is one of the fates; only a 2xx is success; and what is shown of it is safe. */
#include <assert.h>
#include <stdint.h>

#include "base/scan.h"
#include "base/str.h"
#include "relay/https_api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct https_api *api, const struct https_answer *answer)
{
    struct evidence evidence;
    enum smtp_fate fate = https_answer_read(api, answer, &evidence);

    assert(fate != SMTP_FATE_OPEN && evidence.stage == STAGE_HTTPS);
    assert((fate == SMTP_FATE_TAKEN) == (answer->status >= 200 && answer->status < 300));
    assert((fate == SMTP_FATE_TAKEN) == (evidence.err.kind == ERR_NONE));
    assert(str_is_safe(span_of(evidence.err.said)));
    assert(evidence.wait_ms <= 25ull * 3600 * 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct scan scan = scan_of((struct span){ (const char *)data, len });
    struct https_answer answer = { 0 };
    struct span line;
    uint64_t status;

    if (!scan_line(&scan, &line) || !str_to_u64(line, 0, 1000, &status) ||
        !scan_line(&scan, &answer.retry_after))
        return 0;
    answer.status = (unsigned)status;
    answer.body = scan_rest(&scan);
    check(&https_graph, &answer);
    check(&https_gmail, &answer);
    return 0;
}
