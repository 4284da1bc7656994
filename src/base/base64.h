/* Base64 (RFC 4648, 4): strict. Whole groups of four, padding only at the end and only where it
 * belongs, spare bits zero, no other byte. The empty text is the empty bytes.
 */
#ifndef OUTPOST_BASE_BASE64_H
#define OUTPOST_BASE_BASE64_H

#include "base/buf.h"

#define BASE64_LEN(bytes) (((bytes) + 2) / 3 * 4)

void base64_encode(struct buf *out, struct span bytes);
/* False: not base64, or *out is full; then nothing was added. */
MUST_USE bool base64_decode(struct buf *out, struct span text);

/* The web's form of it (RFC 4648, 5): '-' and '_' for '+' and '/', and no padding. As strict otherwise. */
void base64url_encode(struct buf *out, struct span bytes);
MUST_USE bool base64url_decode(struct buf *out, struct span text);

#endif
