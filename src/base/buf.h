/* A buffer that grows as far as the ceiling it was born with, and no further.
 *
 * Adding is all or nothing: what does not fit, or finds no memory, is not added; `full` is set and
 * later adds do nothing. So a row of adds needs one check, at its end:
 *
 *     HELD(buf) line = BUF(SMTP_LINE_MAX);
 *     buf_add(&line, "MAIL FROM:<");
 *     buf_add_span(&line, sender);
 *     buf_add(&line, ">\r\n");
 *     if (line.full)
 *         return err_set(err, ERR_LIMIT, "the sender is too long for one line");
 *
 * Every byte is wiped before it is freed or moved: tokens pass through here.
 * buf_text() is always NUL-terminated, never NULL, and good until the next call.
 */
#ifndef OUTPOST_BASE_BUF_H
#define OUTPOST_BASE_BUF_H

#include <stdarg.h>
#include <stdint.h>

#include "base/own.h"
#include "base/span.h"

struct buf {
    char *at; /* NULL while nothing was added */
    size_t len;
    size_t room;    /* bytes allocated */
    size_t ceiling; /* `len` never passes it */
    bool full;      /* something did not fit, or memory ran out */
};

#define BUF(most) { .ceiling = (most) }

void buf_add(struct buf *buf, const char *text);
void buf_add_span(struct buf *buf, struct span bytes);
void buf_add_char(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_addv(struct buf *buf, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Room for `len` more bytes to be written in place, or NULL; then buf_wrote() says how many were. */
char *buf_room(struct buf *buf, size_t len);
void buf_wrote(struct buf *buf, size_t len);
/* About `len` more bytes will come, bit by bit: makes room for them at once, where that can be had. */
void buf_expect(struct buf *buf, size_t len);

void buf_drop_front(struct buf *buf, size_t len); /* the first bytes go, the rest moves up */
void buf_cut(struct buf *buf, size_t len);        /* only the first `len` bytes stay */
void buf_clear(struct buf *buf);                  /* empty again, wiped, `full` forgotten; keeps its memory */
void buf_done(struct buf *buf);                   /* wiped and freed; may be used again */

struct span buf_span(const struct buf *buf);
const char *buf_text(const struct buf *buf);
/* The text as memory of its own, for mem_free(); NULL when full or out of memory. Leaves buf empty. */
MUST_USE char *buf_give(struct buf *buf);

#endif
