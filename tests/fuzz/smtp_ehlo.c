/* What was read and written again is read as the same. */
#include <assert.h>
#include <stdint.h>

#include "smtp/extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct smtp_extensions first, again;
    HELD(buf) text = BUF(1 << 16);

    smtp_extensions_read((struct span){ (const char *)data, len }, &first);
    buf_add(&text, "name");
    smtp_extensions_write(&first, &text);
    smtp_extensions_read(buf_span(&text), &again);
    assert(again.offered == first.offered);
    if (first.offered & SMTP_SIZE)
        assert(again.size == first.size);
    if (first.offered & SMTP_LIMITS)
        assert(again.rcpt_max == first.rcpt_max && again.mail_max == first.mail_max);
    if (first.offered & SMTP_FUTURERELEASE)
        assert(again.hold_max == first.hold_max && (!first.hold_max || again.hold_until_max == first.hold_until_max ||
                                                    first.hold_until_max > 253402214399));
    if (first.offered & SMTP_DELIVERBY)
        assert(again.deliver_by_min == first.deliver_by_min);
    assert(again.mechanism_count == first.mechanism_count);
    assert(memcmp(again.mechanisms, first.mechanisms, sizeof first.mechanisms) == 0);
    return 0;
}
