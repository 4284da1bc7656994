/* Parameters of a header's value, and a header made fit for servers that take ASCII only. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span text = { (const char *)data, len }, name;
    struct scan value = scan_of(text);
    HELD(buf) says = BUF(1000), ascii = BUF(256 * 1024);
    size_t count = 0;

    (void)mime_word(&value);
    while (mime_param(&value, &name, &says))
        if (!name.len || ++count > len)
            abort(); /* a parameter of nothing, or out of nothing */
    if (len > 10000 || !mime_header_to_ascii(&ascii, text, NULL))
        return 0;
    for (size_t i = 0; i < ascii.len; i++)
        if ((unsigned char)ascii.at[i] > 127)
            abort();
    return 0;
}
