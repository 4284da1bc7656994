/* The one cursor with which foreign bytes are read. It never reads past the end; each call takes
 * what it says and moves on, or takes nothing and returns false.
 */
#ifndef OUTPOST_BASE_SCAN_H
#define OUTPOST_BASE_SCAN_H

#include <stdint.h>

#include "base/own.h"
#include "base/span.h"

struct scan {
    struct span all;
    size_t at; /* how far we are: also the place to name in an error */
};

static inline struct scan scan_of(struct span bytes)
{
    return (struct scan){ bytes, 0 };
}

static inline bool scan_end(const struct scan *scan)
{
    return scan->at >= scan->all.len;
}

static inline char scan_peek(const struct scan *scan) /* NUL at the end */
{
    return scan_end(scan) ? '\0' : scan->all.at[scan->at];
}

static inline struct span scan_rest(const struct scan *scan)
{
    return span_from(scan->all, scan->at);
}

bool scan_char(struct scan *scan, char c);
bool scan_text(struct scan *scan, const char *text);
bool scan_word(struct scan *scan, const char *text); /* ASCII case aside */
void scan_blanks(struct scan *scan);                 /* any spaces and tabs, or none */
/* One byte or more for which `is` holds. */
bool scan_while(struct scan *scan, bool (*is)(char c), struct span *ret_bytes);
/* What stands before `stop`, which is taken too; false, and nothing taken, where there is none. */
bool scan_until(struct scan *scan, char stop, struct span *ret_bytes);
/* A line without its CRLF or LF, which is taken too; the last may lack one. False at the end. */
bool scan_line(struct scan *scan, struct span *ret_line);
/* Digits, within least..most; a leading zero is fine. */
bool scan_number(struct scan *scan, uint64_t least, uint64_t most, uint64_t *ret_number);

#endif
