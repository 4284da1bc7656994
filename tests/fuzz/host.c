/* Host names and addresses as people, records and configurations write them: what is one reads back the same. */
#include <stdint.h>
#include <stdlib.h>

#include "net/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span text = { (const char *)data, len };
    HELD(buf) written = BUF(100);
    struct ip ip, again;
    struct err err = { 0 };

    if (!host_check(text, &err) && !err.text[0])
        abort();
    if (host_is_name(text) && len > HOST_NAME_MAX_LEN + 1)
        abort();
    if (!ip_parse(text, &ip))
        return 0;
    (void)ip_is_public(ip);
    ip_write(&written, ip);
    if (!ip_parse(buf_span(&written), &again) || !ip_equal(ip, again))
        abort();
    return 0;
}
