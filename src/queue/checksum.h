/* Finds damage, not malice: 64 bits over bytes. Whatever changes within one aligned word of eight bytes is found for
 * certain; anything else but for one chance in 2^64. `seed` says where the bytes belong, so that bytes in another's
 * place are found, too.
 */
#ifndef OUTPOST_QUEUE_CHECKSUM_H
#define OUTPOST_QUEUE_CHECKSUM_H

#include <stdint.h>

#include "base/span.h"

uint64_t checksum(struct span bytes, uint64_t seed);

#endif
