/* Dates of RFC 3339 and of HTTP: what is one reads back the same. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "mail/date.h"

static const uint64_t LAST_DAY = 253402214400; /* 9999-12-31 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    HELD(buf) written = BUF(100);
    uint64_t seconds, again;
    struct span text = { (const char *)data, len };

    if (!date_read_rfc3339(text, &seconds) && !date_read_http(text, &seconds))
        return 0;
    date_add_rfc3339(&written, seconds);
    bool same = date_read_rfc3339(buf_span(&written), &again) && again == seconds;
    if (!same && seconds < LAST_DAY) /* which is not written: a zone could make it the year 10000 */
        abort();
    return 0;
}
