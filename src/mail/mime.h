/* What Content-Type and its kin say (RFC 2045, 5.1), and a header for servers that take ASCII only.
 */
#ifndef OUTPOST_MAIL_MIME_H
#define OUTPOST_MAIL_MIME_H

#include "base/err.h"
#include "mail/header.h"

/* The first word of a value: "text/plain", "base64", "attachment". Empty if there is none. Leaves the
 * scan behind it, where the parameters begin. */
struct span mime_word(struct scan *value);
/* The next parameter: its name ("filename", "filename*0*") and what it says, quotes taken off. */
MUST_USE bool mime_param(struct scan *value, struct span *ret_name, struct buf *says);

/* Copies a field so that it has no byte above 127: text becomes encoded-words (RFC 2047), display names too,
 * parameters the form of RFC 2231. Bytes that are not UTF-8 are read as ISO-8859-1. False, ERR_DATA with
 * the fact "smtputf8:not-offered", where an address itself is not ASCII: no other form of it exists. */
MUST_USE bool mime_field_to_ascii(struct buf *out, const struct header_field *field, struct err *err);
/* The same for a block of fields. */
MUST_USE bool mime_header_to_ascii(struct buf *out, struct span block, struct err *err);

#endif
