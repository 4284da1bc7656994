/* A client that proves itself by a signed token (RFC 7523, 3). Pure: foreign bytes. The claims are looked at;
 * the signature is not, for any client is taken and no certificate of its is known. The room's own.
 */
#ifndef OUTPOST_SANDBOX_ASSERTION_H
#define OUTPOST_SANDBOX_ASSERTION_H

#include <stdint.h>

#include "base/own.h"
#include "base/span.h"

enum { ASSERTION_MAX = 8 * 1024, ASSERTION_LIFE_MAX = 24 * 60 * 60 /* seconds */ };

/* Is it the client's own, for this endpoint, signed by something, and alive? `now` in seconds since 1970. */
MUST_USE bool assertion_is_good(struct span assertion, struct span client, struct span endpoint, uint64_t now);

#endif
