#include "queue/checksum.h"

#include <endian.h>
#include <string.h>

#include "base/banned.h"

/* Each step can be undone, whichever of the two is known: so a difference never goes away again. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * 0x9e3779b97f4a7c15u; /* odd: the golden ratio's bits */
    return sum ^ (sum >> 32);
}

/* At most eight octets, little-endian on any machine. */
static uint64_t word_of(const char *at, size_t len)
{
    uint64_t word = 0;

    if (len)
        memcpy(&word, at, len);
    return le64toh(word);
}

uint64_t checksum(struct span bytes, uint64_t seed)
{
    uint64_t sum = mix(seed, bytes.len);
    size_t at = 0;

    for (; bytes.len - at >= 8; at += 8)
        sum = mix(sum, word_of(bytes.at + at, 8));
    return mix(sum, word_of(bytes.at + at, bytes.len - at));
}
