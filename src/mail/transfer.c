#include "mail/transfer.h"

#include "base/base64.h"
#include "base/own.h"
#include "base/str.h"
#include "mail/header.h"

#include "base/banned.h"

/*= RFC 2045 6.7 (5)
 *# The Quoted-Printable encoding REQUIRES that encoded lines be no more than 76 characters long.   */
enum { LINE_MAX_ENCODED = 76, LINE_MAX_AGAIN = 900 };

static void untouched_byte(struct transfer *transfer, char c, struct buf *out)
{
    transfer->refused |= (unsigned char)c >= 128 || ++transfer->column > HEADER_LINE_MAX;
    buf_add_char(out, c);
}

static void unseen_byte(struct transfer *transfer, char c, struct buf *out)
{
    if (++transfer->column > HEADER_LINE_MAX) {
        buf_add(out, "\r\n");
        transfer->column = 1;
    }
    buf_add_char(out, (unsigned char)c >= 128 ? '?' : c);
}

static void plain_line_end(struct transfer *transfer, struct buf *out)
{
    transfer->column = 0;
    buf_add(out, "\r\n");
}

static void nothing_held(struct transfer *transfer, struct buf *out)
{
    (void)transfer;
    (void)out;
}

/* Adds what must stay on one line; before it a soft line break where the line would pass `most`. */
static void quoted_add(struct transfer *transfer, struct span token, size_t most, struct buf *out)
{
    if (transfer->column + token.len > most - 1) { /* one place is for the '=' */
        buf_add(out, "=\r\n");
        transfer->column = 0;
    }
    transfer->column += token.len;
    buf_add_span(out, token);
}

static void quoted_escape(struct transfer *transfer, char c, size_t most, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char byte = (unsigned char)c;
    const char token[3] = { '=', digits[byte >> 4], digits[byte & 15] };

    quoted_add(transfer, (struct span){ token, 3 }, most, out);
}

static void quoted_byte(struct transfer *transfer, char c, struct buf *out)
{
    bool blank = c == ' ' || c == '\t';

    if (transfer->held_len) { /* a blank, which turned out not to end its line */
        char held = (char)transfer->held[0];
        quoted_add(transfer, (struct span){ &held, 1 }, LINE_MAX_ENCODED, out);
        transfer->held_len = 0;
    }
    if (blank) {
        transfer->held[transfer->held_len++] = (unsigned char)c;
        return;
    }
    if (c > ' ' && c <= '~' && c != '=')
        quoted_add(transfer, (struct span){ &c, 1 }, LINE_MAX_ENCODED, out);
    else
        quoted_escape(transfer, c, LINE_MAX_ENCODED, out);
}

static void quoted_end(struct transfer *transfer, struct buf *out)
{
    if (transfer->held_len)
        quoted_escape(transfer, (char)transfer->held[0], LINE_MAX_ENCODED, out);
    transfer->held_len = 0;
}

static void quoted_line_end(struct transfer *transfer, struct buf *out)
{
    quoted_end(transfer, out);
    plain_line_end(transfer, out);
}

/* "=3D" must not be torn apart, so an escape is held until it is complete. */
static void quoted_again_end(struct transfer *transfer, struct buf *out)
{
    buf_add_span(out, (struct span){ (const char *)transfer->held, transfer->held_len });
    transfer->column += transfer->held_len;
    transfer->held_len = 0;
}

static void quoted_again_byte(struct transfer *transfer, char c, struct buf *out)
{
    bool plain = (unsigned char)c < 128;

    if (plain && (transfer->held_len || c == '=')) {
        transfer->held[transfer->held_len++] = (unsigned char)c;
        if (transfer->held_len == sizeof transfer->held) {
            struct span token = { (const char *)transfer->held, transfer->held_len };
            transfer->held_len = 0;
            quoted_add(transfer, token, LINE_MAX_AGAIN, out);
        }
        return;
    }
    quoted_again_end(transfer, out);
    if (plain)
        quoted_add(transfer, (struct span){ &c, 1 }, LINE_MAX_AGAIN, out);
    else
        quoted_escape(transfer, c, LINE_MAX_AGAIN, out);
}

static void quoted_again_line_end(struct transfer *transfer, struct buf *out)
{
    quoted_again_end(transfer, out);
    plain_line_end(transfer, out);
}

static void base64_add(struct transfer *transfer, struct span letters, struct buf *out)
{
    if (transfer->column + letters.len > LINE_MAX_ENCODED)
        plain_line_end(transfer, out);
    transfer->column += letters.len;
    buf_add_span(out, letters);
}

static void base64_end(struct transfer *transfer, struct buf *out)
{
    HELD(buf) group = BUF(4);

    base64_encode(&group, (struct span){ (const char *)transfer->held, transfer->held_len });
    base64_add(transfer, buf_span(&group), out);
    out->full |= group.full;
    transfer->held_len = 0;
}

static void base64_byte(struct transfer *transfer, char c, struct buf *out)
{
    transfer->held[transfer->held_len++] = (unsigned char)c;
    if (transfer->held_len == sizeof transfer->held)
        base64_end(transfer, out);
}

static void base64_line_end(struct transfer *transfer, struct buf *out)
{
    base64_byte(transfer, '\r', out);
    base64_byte(transfer, '\n', out);
}

/*= RFC 2045 6.8
 *# Any characters outside of the base64 alphabet are to be ignored in base64-encoded data.   */
static void base64_again_byte(struct transfer *transfer, char c, struct buf *out)
{
    if (str_is_alpha(c) || str_is_digit(c) || c == '+' || c == '/' || c == '=')
        base64_add(transfer, (struct span){ &c, 1 }, out);
}

static const struct {
    void (*byte)(struct transfer *, char, struct buf *);
    void (*line_end)(struct transfer *, struct buf *);
    void (*end)(struct transfer *, struct buf *);
} kinds[TRANSFER_KINDS] = {
    [TRANSFER_UNTOUCHED] = { untouched_byte, plain_line_end, nothing_held },
    [TRANSFER_UNSEEN] = { unseen_byte, plain_line_end, nothing_held },
    [TRANSFER_QUOTED_PRINTABLE] = { quoted_byte, quoted_line_end, quoted_end },
    [TRANSFER_BASE64] = { base64_byte, base64_line_end, base64_end },
    [TRANSFER_QUOTED_AGAIN] = { quoted_again_byte, quoted_again_line_end, quoted_again_end },
    [TRANSFER_BASE64_AGAIN] = { base64_again_byte, nothing_held, nothing_held },
};

void transfer_begin(struct transfer *transfer, enum transfer_kind kind)
{
    *transfer = (struct transfer){ .kind = kind };
}

void transfer_bytes(struct transfer *transfer, struct span bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.len; i++)
        kinds[transfer->kind].byte(transfer, bytes.at[i], out);
}

void transfer_line_end(struct transfer *transfer, struct buf *out)
{
    kinds[transfer->kind].line_end(transfer, out);
}

void transfer_end(struct transfer *transfer, struct buf *out)
{
    kinds[transfer->kind].end(transfer, out);
}
