/* ASCII case, numbers within limits, UTF-8, and text made safe for a terminal. No locale anywhere. */
#ifndef OUTPOST_BASE_STR_H
#define OUTPOST_BASE_STR_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

static inline char str_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool str_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool str_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A memory of its own for mem_free(), or NULL. str_copy(NULL) is NULL, and no failure. */
MUST_USE char *str_copy(const char *text);
MUST_USE char *str_copy_span(struct span bytes);

/* Decimal digits and nothing else, least..most; false leaves *ret as it was. */
MUST_USE bool str_to_u64(struct span text, uint64_t least, uint64_t most, uint64_t *ret);
MUST_USE bool str_to_u16(struct span text, uint16_t least, uint16_t most, uint16_t *ret);

/* How many bytes the UTF-8 character at the front has, 1..4; 0 where it is not valid (overlong,
 * surrogate, above U+10FFFF, cut short) or the span is empty. */
size_t str_utf8_len(struct span text);
bool str_is_utf8(struct span text);
bool str_is_ascii(struct span text); /* no byte above 127 */
bool str_is_safe(struct span text);  /* UTF-8 without what str_printable() would escape */

/* Adds foreign text so that it can be shown and logged: control characters (C0, DEL, C1, bidi
 * marks, line separators) and bytes that are not UTF-8 as \xNN or \u{NNNN}, a backslash as itself;
 * cut at `most` bytes with "..." where it is longer. */
void str_printable(struct buf *out, struct span foreign, size_t most);

/* Does the text match a pattern where each '*' stands for any bytes? ASCII case aside. */
bool str_matches(struct span text, const char *pattern);

/* How unlike two words are: insertions, deletions, swaps, changes; `most` + 1 when there are more.
 * For "did you mean". Words over 64 bytes are unlike everything. */
unsigned str_distance(const char *a, const char *b, unsigned most);

/* Overwrites bytes in a way no compiler leaves out. */
void str_wipe(void *at, size_t len);
/* Equal? In a time that does not depend on where they differ. */
bool str_equal_secret(struct span a, struct span b);

#endif
