/* Encoded-words (RFC 2047): other letters in a header of ASCII.
 */
#ifndef OUTPOST_MAIL_WORDS_H
#define OUTPOST_MAIL_WORDS_H

#include "base/buf.h"

/* Is the text printable ASCII in which nothing looks like an encoded-word? Then it can stand as it is. */
bool words_are_plain(struct span text);

/* Adds the text as encoded-words of UTF-8, each at most 75 octets and of whole characters, with blanks
 * between. Bytes that are not UTF-8 become U+FFFD. Good in unstructured fields, phrases and comments. */
void words_encode(struct buf *out, struct span utf8);
/* The same, but only for the stretch of words that needs it. */
void words_encode_text(struct buf *out, struct span utf8);

/* For people to read: encoded-words of UTF-8, US-ASCII and ISO-8859-1 as UTF-8, others as they stand.
 * What comes out was never looked at by a parser: it may hold anything but is bounded by *out. */
void words_decode(struct buf *out, struct span text);

#endif
