/* A hash for places in tables that strangers fill: seeded, so that nobody can choose what falls together. */
#ifndef OUTPOST_GATEWAY_MIX_H
#define OUTPOST_GATEWAY_MIX_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *)bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 0x100000001b3ULL; /* FNV-1a */
    return hash ^ hash >> 29;
}

#endif
