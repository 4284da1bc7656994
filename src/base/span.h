/* Borrowed bytes: compare, split, trim. A span never owns, is not NUL-terminated, and is good as
 * long as what it points into. The empty span may have at == NULL.
 */
#ifndef OUTPOST_BASE_SPAN_H
#define OUTPOST_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *at;
    size_t len;
};

#define SPAN_INIT(literal) { "" literal, sizeof(literal) - 1 } /* in tables of constants */
#define SPAN(literal)      ((struct span)SPAN_INIT(literal))
#define SPAN_NONE          ((struct span){ NULL, 0 })

/* For printf: "%.*s", SPAN_ARG(span). Only for text known to be safe; see str_printable(). */
#define SPAN_ARG(span) (int)(span).len, ((span).at ? (span).at : "")

static inline struct span span_of(const char *text) /* NULL gives the empty span */
{
    return (struct span){ text, text ? strlen(text) : 0 };
}

/* The bytes from..to (not included), both cut to what is there. */
struct span span_cut(struct span span, size_t from, size_t to);
struct span span_from(struct span span, size_t from);

bool span_is(struct span span, const char *text);             /* the same bytes */
bool span_is_word(struct span span, const char *text);        /* the same, ASCII case aside */
bool span_equal(struct span a, struct span b);
bool span_equal_word(struct span a, struct span b);           /* ASCII case aside */
bool span_starts(struct span span, const char *text);
bool span_starts_word(struct span span, const char *text);    /* ASCII case aside */
bool span_ends_word(struct span span, const char *text);      /* ASCII case aside */

/* Where the byte or the text first stands; span.len if nowhere. */
size_t span_find(struct span span, char byte);
size_t span_find_last(struct span span, char byte);
size_t span_find_text(struct span span, const char *text);
size_t span_find_word(struct span span, const char *text);    /* ASCII case aside */

struct span span_trim(struct span span);                      /* of space, tab, CR, LF at both ends */

/* Takes what stands before `byte` off the front of *rest, and the byte with it; false when *rest
 * is spent. "a,,b" gives "a", "", "b"; the empty span gives nothing; a last "a," gives "a" only. */
bool span_split(struct span *rest, char byte, struct span *ret_part);

#endif
