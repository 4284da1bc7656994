#include "base/buf.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

enum { FIRST_ROOM = 64 };

/* Grows by moving, never by realloc: the old place must be wiped, and realloc would not. */
static bool grow(struct buf *buf, size_t need)
{
    size_t room = buf->room ? buf->room : FIRST_ROOM;
    while (room < need)
        room = room > SIZE_MAX / 2 ? need : room * 2;
    if (room > buf->ceiling + 1)
        room = buf->ceiling + 1;

    char *at = mem_resize(NULL, 1, room); /* nobody reads what was not written: no need for zeros */
    if (!at)
        return false;
    at[buf->len] = '\0';
    if (buf->at) {
        memcpy(at, buf->at, buf->len);
        str_wipe(buf->at, buf->room);
        mem_free(buf->at);
    }
    buf->at = at;
    buf->room = room;
    return true;
}

char *buf_room(struct buf *buf, size_t len)
{
    if (buf->full)
        return NULL;
    if (len > buf->ceiling - buf->len ||
        (buf->len + len + 1 > buf->room && !grow(buf, buf->len + len + 1))) {
        buf->full = true;
        return NULL;
    }
    return buf->at + buf->len;
}

void buf_wrote(struct buf *buf, size_t len)
{
    buf->len += len;
    buf->at[buf->len] = '\0';
}

void buf_expect(struct buf *buf, size_t len)
{
    size_t most = buf->ceiling - buf->len;
    size_t need = buf->len + (len < most ? len : most) + 1;

    if (need > buf->room && !grow(buf, need))
        return; /* whoever adds will be told */
}

void buf_add_span(struct buf *buf, struct span bytes)
{
    char *room = buf_room(buf, bytes.len);
    if (!room)
        return;
    if (bytes.len)
        memcpy(room, bytes.at, bytes.len);
    buf_wrote(buf, bytes.len);
}

void buf_add(struct buf *buf, const char *text)
{
    buf_add_span(buf, span_of(text));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add_span(buf, (struct span){ &c, 1 });
}

void buf_addv(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *room = len < 0 ? NULL : buf_room(buf, (size_t)len);
    if (room) {
        vsnprintf(room, (size_t)len + 1, format, again);
        buf_wrote(buf, (size_t)len);
    }
    va_end(again);
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_addv(buf, format, args);
    va_end(args);
}

void buf_drop_front(struct buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf_cut(buf, 0);
        return;
    }
    memmove(buf->at, buf->at + len, buf->len - len);
    buf_cut(buf, buf->len - len);
}

void buf_cut(struct buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    str_wipe(buf->at + len, buf->len - len);
    buf->len = len;
}

void buf_clear(struct buf *buf)
{
    buf_cut(buf, 0);
    buf->full = false;
}

void buf_done(struct buf *buf)
{
    if (buf->at) {
        str_wipe(buf->at, buf->room);
        mem_free(buf->at);
    }
    *buf = (struct buf)BUF(buf->ceiling);
}

struct span buf_span(const struct buf *buf)
{
    return (struct span){ buf->at, buf->len };
}

const char *buf_text(const struct buf *buf)
{
    return buf->at ? buf->at : "";
}

char *buf_give(struct buf *buf)
{
    if (!buf->at)
        buf_add(buf, "");
    if (buf->full)
        return NULL;
    char *text = GIVE(buf->at);
    *buf = (struct buf)BUF(buf->ceiling);
    return text;
}
