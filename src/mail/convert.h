/* A message made fit for a server without 8BITMIME, or for lines of at most 998 octets, as it streams
 * by (RFC 6152, 3; RFC 2045; RFC 2046).
 *
 * In goes the canonical message: header, empty line, body, every line ended by CRLF, at any cut (what
 * filter.h gives). Out comes the same message in which each part's content is quoted-printable (text) or
 * base64 (the rest), with the Content-Transfer-Encoding that says so; parts that are so already only
 * get their lines broken. Header fields become ASCII by RFC 2047 and 2231. Containers (multipart,
 * message/rfc822) are never encoded themselves; the parts inside are, at any depth to CONVERT_DEPTH_MAX.
 *
 * What was signed is left alone: inside multipart/signed, content that would have to change is refused.
 *
 * Refusals: ERR_DATA with the fact "eightbit:not-offered" (signed, or a part that may not be encoded),
 * "smtputf8:not-offered" (an address is not ASCII), "line:too-long" (a header line that can't be folded),
 * ERR_LIMIT "message:header" (nested too deep, a part's
 * header too large). What came out until then is of no use.
 *
 * Memory: one header, and a line's first bytes. `out` gets at most 8 × what was fed, and one header.
 */
#ifndef OUTPOST_MAIL_CONVERT_H
#define OUTPOST_MAIL_CONVERT_H

#include "base/buf.h"
#include "base/err.h"

enum { CONVERT_DEPTH_MAX = 100 };

struct convert;

MUST_USE struct convert *convert_new(void); /* NULL: no memory */
void convert_free(struct convert *convert);
OWNED(convert);

/* False: refused, or no memory; the converter is then of no more use. */
MUST_USE bool convert_feed(struct convert *convert, struct span bytes, struct buf *out, struct err *err);
MUST_USE bool convert_end(struct convert *convert, struct buf *out, struct err *err);

#endif
