/* Content of one part made fit for a 7-bit line of mail, as its bytes arrive (RFC 2045, 6).
 *
 * Bytes come without their line ends; a line end that is content is told by transfer_line_end(). What
 * comes out has lines of at most 998 octets and no byte above 127, or it is refused.
 */
#ifndef OUTPOST_MAIL_TRANSFER_H
#define OUTPOST_MAIL_TRANSFER_H

#include "base/buf.h"

enum transfer_kind {
    TRANSFER_UNTOUCHED,        /* as it is; refused where it can't go so */
    TRANSFER_UNSEEN,           /* what no reader is shown: bytes above 127 become '?' */
    TRANSFER_QUOTED_PRINTABLE, /* encode */
    TRANSFER_BASE64,           /* encode */
    TRANSFER_QUOTED_AGAIN,     /* it is quoted-printable: encode stray bytes, break what is too long */
    TRANSFER_BASE64_AGAIN,     /* it is base64: break lines anew */
    TRANSFER_KINDS
};

struct transfer {
    enum transfer_kind kind;
    size_t column;         /* of the line that is written */
    unsigned char held[3]; /* bytes that wait for what comes next */
    size_t held_len;
    bool refused; /* TRANSFER_UNTOUCHED only: a byte above 127, or a line too long */
};

void transfer_begin(struct transfer *transfer, enum transfer_kind kind);
void transfer_bytes(struct transfer *transfer, struct span bytes, struct buf *out);
void transfer_line_end(struct transfer *transfer, struct buf *out);
/* No more content: writes what was held, but no line end of its own. */
void transfer_end(struct transfer *transfer, struct buf *out);

#endif
