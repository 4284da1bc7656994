#include "intake/compose_int.h"

#include "base/str.h"
#include "intake/spool.h"
#include "mail/header.h"

#include "base/banned.h"

/* A text while it is read: its line ends become LF, and what it is made of is found out. */
struct reading {
    struct spool spool;
    struct buf out;
    bool cr;
    size_t column, longest;
    bool eightbit;
    bool not_utf8;
    char tail[4]; /* a character that is not whole yet */
    size_t tail_len;
    char last;
    bool marks; /* "=_" is in it: with that, and nothing in quoted-printable, a boundary begins */
    uint64_t nul_at, in;
};

static void reading_done(struct reading *reading)
{
    spool_done(&reading->spool);
    buf_done(&reading->out);
}

static bool starts_like_utf8(const struct reading *reading)
{
    unsigned char first = (unsigned char)reading->tail[0];
    size_t want = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    return first >= 0xC2 && first <= 0xF4 && reading->tail_len < want;
}

static void utf8_byte(struct reading *reading, char c)
{
    if (reading->not_utf8 || ((unsigned char)c < 128 && reading->tail_len == 0))
        return;
    reading->tail[reading->tail_len++] = c;
    if (str_utf8_len((struct span){ reading->tail, reading->tail_len }) == reading->tail_len)
        reading->tail_len = 0;
    else if (!starts_like_utf8(reading))
        reading->not_utf8 = true;
}

static void byte_out(struct reading *reading, char c)
{
    reading->column = c == '\n' ? 0 : reading->column + 1;
    if (reading->column > reading->longest)
        reading->longest = reading->column;
    buf_add_char(&reading->out, c);
}

static void byte_take(struct reading *reading, char c)
{
    bool cr = reading->cr;

    reading->in++;
    if (c == '\0' && !reading->nul_at)
        reading->nul_at = reading->in;
    reading->eightbit |= (unsigned char)c >= 128;
    reading->marks |= reading->last == '=' && c == '_';
    reading->last = c;
    utf8_byte(reading, c);
    if (cr) /* CRLF is one line end, and a bare CR is one, too */
        byte_out(reading, '\n');
    reading->cr = c == '\r';
    if (c != '\r' && !(cr && c == '\n'))
        byte_out(reading, c);
}

static bool piece_take(struct reading *reading, struct span bytes, const char *what, struct err *err)
{
    for (size_t i = 0; i < bytes.len; i++)
        byte_take(reading, bytes.at[i]);
    if (reading->nul_at)
        return err_found(err, ERR_DATA, "message:nul", "%s has a NUL, at byte %llu", what,
                         (unsigned long long)reading->nul_at);
    if (reading->out.full)
        return err_no_memory(err);
    bool good = spool_add(&reading->spool, buf_span(&reading->out), err);
    buf_clear(&reading->out);
    return good;
}

bool compose_text_read(const struct disk *disk, const char *directory, int fd, const char *what,
                       struct compose_text *ret_text, struct err *err)
{
    HELD(reading) reading = {
        .spool = spool_begin(disk, directory),
        .out = BUF(2 * SPOOL_PIECE),
    };
    HELD(buf) piece = BUF(SPOOL_PIECE);
    char *room = buf_room(&piece, SPOOL_PIECE);
    size_t len = 1;

    if (!room)
        return err_no_memory(err);
    while (len)
        if (!spool_read(disk, fd, what, room, SPOOL_PIECE, &len, err) ||
            !piece_take(&reading, (struct span){ room, len }, what, err))
            return false;
    if (reading.cr)
        byte_out(&reading, '\n');
    if (reading.column)
        byte_out(&reading, '\n');
    if (!piece_take(&reading, SPAN(""), what, err))
        return false;

    struct compose_text text = { .disk = disk };
    if (!spool_give(&reading.spool, &text.fd, err))
        return false;
    text.size = reading.spool.size;
    text.charset = !reading.eightbit                       ? "us-ascii"
                   : reading.not_utf8 || reading.tail_len ? "windows-1252"
                                                           : "utf-8";
    text.quoted = reading.eightbit || reading.marks || reading.longest > HEADER_LINE_MAX;
    *ret_text = text;
    return true;
}

void compose_text_done(struct compose_text *text)
{
    if (text->fd >= 0)
        text->disk->close(text->disk, text->fd);
    text->fd = -1;
}
