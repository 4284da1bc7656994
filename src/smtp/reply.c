#include "smtp/reply.h"

#include "base/str.h"
#include "mail/status.h"

#include "base/banned.h"

enum { CODE_LEN = 3, MALFORMED_SHOWN = 200 };

bool smtp_reply_unfinished(const struct smtp_reply_reader *reader)
{
    return !reader->given && reader->octets;
}

void smtp_reply_reader_done(struct smtp_reply_reader *reader)
{
    buf_done(&reader->text);
}

static void begin_line(struct smtp_reply_reader *reader)
{
    reader->line_starts = reader->text.len;
    reader->line_len = 0;
    reader->line_code = 0;
    reader->more = false;
    reader->was_cr = false;
}

static void begin_reply(struct smtp_reply_reader *reader)
{
    buf_clear(&reader->text);
    reader->octets = 0;
    reader->lines = 0;
    reader->code = 0;
    reader->cut = false;
    reader->given = false;
    begin_line(reader);
}

/* One octet of the code, or what stands behind it. Second digits above 5 are met, and harmless.
 *
 *= RFC 5321 4.2
 *# Reply-code     = %x32-35 %x30-35 %x30-39
 */
static bool take_head(struct smtp_reply_reader *reader, char c)
{
    if (reader->line_len == CODE_LEN) {
        reader->more = c == '-';
        return c == '-' || c == ' ';
    }
    if (!str_is_digit(c) || (reader->line_len == 0 && (c < '2' || c > '5')))
        return false;
    reader->line_code = (uint16_t)(reader->line_code * 10 + (c - '0'));
    if (reader->line_len < CODE_LEN - 1)
        return true;
    if (!reader->code)
        reader->code = reader->line_code;
    return reader->code == reader->line_code;
}

/* A challenge (RFC 4954, 4) is one line that may be long; other lines are for people. */
static void keep(struct smtp_reply_reader *reader, char c)
{
    size_t most = reader->code == 334 ? SMTP_CHALLENGE_KEPT : SMTP_REPLY_LINE_KEPT;

    if (reader->text.len - reader->line_starts < most)
        buf_add_char(&reader->text, c);
    else
        reader->cut = true;
}

/* One octet that does not end a line. */
static bool take(struct smtp_reply_reader *reader, char c)
{
    bool head = reader->line_len <= CODE_LEN;

    if (reader->was_cr && !head)
        keep(reader, '\r'); /* a CR alone ends nothing: it is a part of the text */
    else if (reader->was_cr)
        return false;
    reader->was_cr = c == '\r';
    if (reader->was_cr)
        return true;
    if (head && !take_head(reader, c))
        return false;
    if (!head)
        keep(reader, c);
    reader->line_len++;
    return true;
}

static bool too_long(struct smtp_reply_reader *reader, struct err *err)
{
    reader->bad = true;
    return err_found(err, ERR_PROTOCOL, "reply:too-long",
                     "the server's reply has more than %d lines or %d KB", SMTP_REPLY_LINES_MAX,
                     SMTP_REPLY_OCTETS_MAX / 1024);
}

/* Tells what stood there, as far as it is at hand: people recognise an SSH or HTTP server by it. */
static bool malformed(struct smtp_reply_reader *reader, struct span rest, struct err *err)
{
    HELD(buf) shown = BUF(2 * MALFORMED_SHOWN);

    reader->bad = true;
    if (reader->line_len)
        buf_addf(&shown, "%u", (unsigned)reader->line_code);
    buf_add_span(&shown, span_cut(rest, 0, span_find(span_cut(rest, 0, MALFORMED_SHOWN), '\n')));
    err_found(err, ERR_PROTOCOL, "reply:malformed", "the server's answer is not a reply of SMTP");
    return err_said(err, span_trim(buf_span(&shown)));
}

static void give(struct smtp_reply_reader *reader, struct smtp_reply *ret_reply)
{
    struct span text = buf_span(&reader->text), rest = text, line;

    *ret_reply = (struct smtp_reply){.code = reader->code, .text = text, .cut = reader->cut};
    while (span_split(&rest, '\n', &line)) {
        struct scan scan = scan_of(line);
        uint16_t status[3];
        if (!status_scan(&scan, status))
            continue;
        if (status[0] == reader->code / 100)
            memcpy(ret_reply->enhanced, status, sizeof status);
        break;
    }
    reader->given = true;
}

/* The line is complete: was it the reply's last? */
static bool end_line(struct smtp_reply_reader *reader)
{
    bool last = !reader->more;

    reader->lines++;
    if (!last)
        buf_add_char(&reader->text, '\n');
    begin_line(reader);
    return last;
}

enum smtp_reading smtp_reply_read(struct smtp_reply_reader *reader, struct span *bytes,
                                  struct smtp_reply *ret_reply, struct err *err)
{
    if (reader->given)
        begin_reply(reader);
    if (reader->bad) {
        err_found(err, ERR_PROTOCOL, "reply:malformed",
                  "the server's replies have lost their place");
        return SMTP_READING_BAD;
    }
    while (bytes->len) {
        char c = *bytes->at;
        bool ends = c == '\n' && reader->line_len >= CODE_LEN;

        if (++reader->octets > SMTP_REPLY_OCTETS_MAX ||
            (ends && reader->more && reader->lines + 1 == SMTP_REPLY_LINES_MAX)) {
            too_long(reader, err);
            return SMTP_READING_BAD;
        }
        if (!ends && (c == '\n' || !take(reader, c))) {
            malformed(reader, *bytes, err);
            return SMTP_READING_BAD;
        }
        *bytes = span_from(*bytes, 1);
        if (reader->text.full) {
            reader->bad = true;
            err_no_memory(err);
            return SMTP_READING_BAD;
        }
        if (ends && end_line(reader)) {
            give(reader, ret_reply);
            return SMTP_READING_REPLY;
        }
    }
    return SMTP_READING_MORE;
}

void smtp_reply_words(const struct smtp_reply *reply, struct buf *out)
{
    struct span rest = reply->text, line;
    const char *between = "";

    while (span_split(&rest, '\n', &line)) {
        struct scan scan = scan_of(line);
        uint16_t status[3];
        if (status_scan(&scan, status) && memcmp(status, reply->enhanced, sizeof status) == 0)
            line = scan_rest(&scan);
        line = span_trim(line);
        if (!line.len)
            continue;
        buf_add(out, between);
        buf_add_span(out, line);
        between = " ";
    }
}

bool smtp_reply_err(const struct smtp_reply *reply, struct err *err, const char *text)
{
    HELD(buf) words = BUF(SMTP_REPLY_OCTETS_MAX);

    if (!err)
        return false;
    err_set(err, reply->code / 100 == 4 ? ERR_LATER : ERR_REPLY, "%s", text);
    err->reply = reply->code;
    memcpy(err->enhanced, reply->enhanced, sizeof err->enhanced);
    smtp_reply_words(reply, &words);
    return err_said(err, buf_span(&words));
}

/* Text of ours may quote a peer's: what could end the line, or is no UTF-8, becomes '?'. */
static void write_text(struct buf *out, struct span line)
{
    while (line.len) {
        size_t len = str_utf8_len(line);
        bool safe = len > 1 || (len == 1 && *line.at >= ' ' && *line.at != 127);
        buf_add_span(out, safe ? span_cut(line, 0, len) : SPAN("?"));
        line = span_from(line, safe ? len : 1);
    }
}

void smtp_reply_write(struct buf *out, uint16_t code, const char *enhanced, const char *text)
{
    struct span rest = span_of(text), line = SPAN_NONE;

    do {
        if (!span_split(&rest, '\n', &line))
            line = SPAN_NONE;
        buf_addf(out, "%u%c", (unsigned)code, rest.len ? '-' : ' ');
        if (enhanced)
            buf_addf(out, "%s%s", enhanced, line.len ? " " : "");
        write_text(out, line);
        buf_add(out, "\r\n");
    } while (rest.len);
}
