/* A signed token of a client's: foreign bytes. What is taken has three parts. */
#include <assert.h>
#include <stdint.h>

#include "sandbox/assertion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span text = { (const char *)data, len };

    if (assertion_is_good(text, SPAN("app"), SPAN("https://i/token"), 1000))
        assert(span_find(text, '.') < span_find_last(text, '.'));
    return 0;
}
