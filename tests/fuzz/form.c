/* What is found and escaped again is found again, the same. */
#include <assert.h>
#include <stdint.h>

#include "base/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    HELD(buf) value = BUF(1 << 16), form = BUF(1 << 20), again = BUF(1 << 16);

    if (form_value((struct span){ (const char *)data, len }, "a", &value) != FORM_ONE)
        return 0;
    form_add(&form, "b", SPAN("x"));
    form_add(&form, "a", buf_span(&value));
    assert(form_value(buf_span(&form), "a", &again) == FORM_ONE);
    assert(span_equal(buf_span(&value), buf_span(&again)));
    return 0;
}
