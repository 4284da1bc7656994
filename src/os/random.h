/* Random bytes, fit for keys: the only place that asks for them. Rooms that need some (a boundary, a
 * Message-ID, a nonce) are handed them.
 */
#ifndef OUTPOST_OS_RANDOM_H
#define OUTPOST_OS_RANDOM_H

#include "base/err.h"
#include "base/own.h"

struct dice {
    bool (*fill)(const struct dice *, void *at, size_t len); /* all or false, with errno */
};

extern const struct dice dice_system; /* the kernel's, by getrandom(2) */

MUST_USE bool random_fill(const struct dice *dice, void *at, size_t len, struct err *err);

#endif
