/* The header of a message: its fields one by one, folded and unfolded, checked before they are
 * written (RFC 5322, 2.2 and 3.6.8).
 *
 * A header block is lines ended by CRLF, without the blank line that ends it; what filter.h keeps.
 */
#ifndef OUTPOST_MAIL_HEADER_H
#define OUTPOST_MAIL_HEADER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/scan.h"

enum {
    HEADER_LINE_MAX = 998,        /* RFC 5322, 2.1.1, without the CRLF */
    HEADER_FOLD_AT = 78,          /* the same: SHOULD */
    HEADER_BLOCK_MAX = 256 * 1024,
    HEADER_FIELDS_MAX = 10000,
};

struct header_field {
    struct span name;  /* "Subject" */
    struct span value; /* behind the colon, still folded, without the last CRLF */
    struct span whole; /* the field with its last CRLF */
};

/* The next field of a block; false at its end. A line that is no field is passed over. */
MUST_USE bool header_next(struct scan *block, struct header_field *ret_field);
/* The first field of this name (ASCII case aside). */
MUST_USE bool header_find(struct span block, const char *name, struct header_field *ret_field);
bool header_has(struct span block, const char *name);
size_t header_count(struct span block, const char *name);

/* Is the name one of a list, which ends with NULL? ASCII case aside; "*" in the list stands for any
 * bytes. */
bool header_listed(struct span name, const char *const list[]);
/* Copies the fields that are not listed. Lines above HEADER_LINE_MAX are folded on the way. */
void header_copy_but(struct buf *out, struct span block, const char *const list[]);

/* Of the block's lines, without CRLF. */
size_t header_longest_line(struct span block);

/* RFC 5322, 3.6.8: printable ASCII, no colon. */
bool header_name_is_good(struct span name);
/* For what people and programs put into a header: no CR, LF or NUL (a second field would begin), and
 * valid UTF-8. `what` names the thing in the error: ERR_DATA, fact "message:header". */
MUST_USE bool header_check_text(const char *what, struct span text, struct err *err);

/* The value without its line breaks, blanks at both ends taken off. */
void header_unfold(struct buf *out, struct span value);
/* Writes "name: value" CRLF, folded at blanks so that lines have at most HEADER_FOLD_AT characters
 * where that can be; the value is one line and is not changed otherwise. */
void header_fold(struct buf *out, const char *name, struct span value);
/* The same for text in any language: what is not printable ASCII goes as encoded-words. */
void header_fold_text(struct buf *out, const char *name, struct span utf8);

#endif
