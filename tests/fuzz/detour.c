/* --connect-to's argument: four fields, brackets, and whatever else a script writes. */
#include <stdint.h>
#include <stdlib.h>

#include "net/dial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct dial_detour detour;
    struct err err;
    const char *host = "smtp.example.org";
    uint16_t port = 587;

    if (!dial_detour_parse((struct span){ (const char *)data, len }, &detour, &err))
        return 0;
    dial_detour_follow((struct dial_detours){ &detour, 1 }, &host, &port);
    if (!host || !port)
        abort();
    return 0;
}
