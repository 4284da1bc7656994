/* Encoded-words: what is decoded is bounded, and what was encoded reads back the same. */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "mail/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span text = { (const char *)data, len };
    HELD(buf) decoded = BUF(4096), encoded = BUF(64 * 1024), back = BUF(64 * 1024);

    words_decode(&decoded, text);
    words_encode(&encoded, text);
    if (len > 10000 || encoded.full)
        return 0;
    for (size_t i = 0; i < encoded.len; i++)
        if (encoded.at[i] < ' ' || encoded.at[i] > '~')
            abort(); /* a control character, or one that needs encoding itself */
    words_decode(&back, buf_span(&encoded));
    if (str_is_utf8(text) && !span_equal(buf_span(&back), text))
        abort();
    return 0;
}
