#include "smtp/data.h"

#include "base/scan.h"
#include "base/str.h"

#include "base/banned.h"

enum { RUN_MAX = 1024 }; /* octets looked at together: one kind of line end alone must not make us look far for the other */

static bool bare(struct err *err)
{
    return err_found(err, ERR_DATA, "message:bare-line-end", "the message has a line end that is not CR LF");
}

/* The octets up to the next CR, or some of many. */
static bool check_run(const struct smtp_data_check *check, struct span run, struct err *err)
{
    if (span_find(run, '\n') < run.len)
        return bare(err);
    if (span_find(run, '\0') < run.len)
        return err_found(err, ERR_DATA, "message:nul", "the message has a NUL octet");
    return check->eight || str_is_ascii(run) ||
           err_found(err, ERR_DATA, "eightbit:not-offered", "the message has 8-bit text, and is said to have none");
}

bool smtp_data_check(struct smtp_data_check *check, struct span piece, bool last, struct err *err)
{
    if (piece.len)
        check->in_line = check->binary || piece.at[piece.len - 1] != '\n';
    if (check->binary)
        return true;
    while (piece.len) {
        if (check->after_cr) {
            if (*piece.at != '\n')
                return bare(err);
            check->after_cr = false;
            piece = span_from(piece, 1);
            continue;
        }
        struct span run = span_cut(piece, 0, RUN_MAX);
        run = span_cut(run, 0, span_find(run, '\r'));
        if (!check_run(check, run, err))
            return false;
        check->after_cr = run.len < piece.len && piece.at[run.len] == '\r';
        piece = span_from(piece, run.len + check->after_cr);
    }
    if (last && check->after_cr)
        return err_found(err, ERR_DATA, "message:bare-line-end", "the message ends in a bare CR");
    return true;
}

/*= RFC 5321 4.5.2
 *# Before sending a line of mail text, the SMTP client checks the first character of the line. If
 *# it is a period, one additional period is inserted at the beginning of the line. */
void smtp_data_write(struct smtp_data_writer *writer, struct span piece, struct buf *out)
{
    while (piece.len) {
        if (!writer->in_line && *piece.at == '.')
            buf_add_char(out, '.');
        size_t line = span_find(piece, '\n');
        writer->in_line = line == piece.len;
        line += !writer->in_line;
        buf_add_span(out, span_cut(piece, 0, line));
        piece = span_from(piece, line);
    }
}

void smtp_data_write_end(struct smtp_data_writer *writer, struct buf *out)
{
    buf_add(out, writer->in_line ? "\r\n.\r\n" : ".\r\n");
    writer->in_line = false;
}

/* What was read last. LINE is the beginning of one: after CRLF, and before anything. The last three only
 * where bare LFs are repaired: the same behind one of those, where no end of data can be. */
enum { LINE, INSIDE, CR, DOT, DOT_CR, BARE_LINE, BARE_DOT, BARE_DOT_CR };

static void count(struct smtp_data_reader *reader, size_t octets)
{
    reader->line += octets;
    if (reader->line > reader->line_max)
        reader->line_max = reader->line;
}

/* Adds octets up to the next CR or LF, or some of many: how many. */
static size_t read_run(struct smtp_data_reader *reader, struct span bytes, struct buf *out)
{
    struct span run = span_cut(bytes, 0, RUN_MAX);

    run = span_cut(run, 0, span_find(run, '\r'));
    run = span_cut(run, 0, span_find(run, '\n'));
    reader->nul |= span_find(run, '\0') < run.len;
    reader->eight |= !str_is_ascii(run);
    buf_add_span(out, run);
    count(reader, run.len);
    return run.len;
}

static void add_bare_cr(struct smtp_data_reader *reader, struct buf *out)
{
    reader->bare_cr = true;
    buf_add_char(out, '\r');
    count(reader, 1);
}

static void end_line(struct smtp_data_reader *reader, unsigned state, struct buf *out)
{
    buf_add(out, "\r\n");
    reader->line = 0;
    reader->state = state;
}

/* A dot was read behind a bare LF that is repaired. Alone on its line it is what some would take for the end:
 * never repaired, always refused. Before another dot it was stuffed, and goes. */
static bool settle_bare_dot(struct smtp_data_reader *reader, char c, struct buf *out)
{
    bool after_cr = reader->state == BARE_DOT_CR;

    if (!after_cr && c == '\r') {
        reader->state = BARE_DOT_CR;
        return true;
    }
    reader->bare_dot |= c == '\n';
    if (after_cr || c != '.') {
        buf_add_char(out, '.');
        count(reader, 1);
    }
    if (after_cr && c == '\n') { /* a line end all the same, and the end may follow it */
        end_line(reader, LINE, out);
        return true;
    }
    if (after_cr)
        add_bare_cr(reader, out);
    reader->state = INSIDE;
    return false;
}

/* Resolves what was kept back, by the octet that follows it. True: the octet is used up. */
static bool settle(struct smtp_data_reader *reader, char c, struct buf *out)
{
    switch (reader->state) {
    case DOT: /* a stuffed dot goes; a dot alone waits for its line end */
        reader->bare_dot |= reader->repair && c == '\n';
        reader->state = c == '\r' ? DOT_CR : INSIDE;
        return c == '\r';
    case BARE_DOT:
    case BARE_DOT_CR:
        return settle_bare_dot(reader, c, out);
    case DOT_CR:
        reader->ended = c == '\n';
        if (reader->ended)
            return true;
        add_bare_cr(reader, out);
        reader->state = INSIDE;
        return false;
    case CR:
        if (c == '\n') {
            end_line(reader, LINE, out);
            return true;
        }
        add_bare_cr(reader, out);
        reader->state = INSIDE;
        return false;
    default:
        return false;
    }
}

static void read_bare_lf(struct smtp_data_reader *reader, struct buf *out)
{
    if (reader->repair) {
        end_line(reader, BARE_LINE, out);
        return;
    }
    reader->bare_lf = true;
    buf_add_char(out, '\n');
    count(reader, 1);
    reader->state = INSIDE;
}

/*= RFC 5321 4.1.1.4
 *# In particular, the sequence "<LF>.<LF>" (bare line feeds, without carriage returns) MUST NOT be
 *# treated as equivalent to <CRLF>.<CRLF> as the end of mail data indication.                     */
bool smtp_data_read(struct smtp_data_reader *reader, struct span *bytes, struct buf *out)
{
    while (bytes->len && !reader->ended) {
        char c = *bytes->at;

        if (settle(reader, c, out)) {
            *bytes = span_from(*bytes, 1);
        } else if (c == '\r') {
            reader->state = CR;
            *bytes = span_from(*bytes, 1);
        } else if (c == '\n') {
            read_bare_lf(reader, out);
            *bytes = span_from(*bytes, 1);
        } else if (c == '.' && (reader->state == LINE || reader->state == BARE_LINE)) {
            reader->state = reader->state == LINE ? DOT : BARE_DOT;
            *bytes = span_from(*bytes, 1);
        } else {
            *bytes = span_from(*bytes, read_run(reader, *bytes, out));
            reader->state = INSIDE;
        }
    }
    return reader->ended;
}

void smtp_data_mend(struct smtp_data_mender *mender, struct span piece, struct buf *out)
{
    for (size_t i = 0; i < piece.len; i++) {
        char c = piece.at[i];
        if (c == '\n') {
            bool bare = !mender->after_cr;
            mender->bare_dot |= mender->dot && mender->line == 1 && (bare || mender->after_bare);
            *mender = (struct smtp_data_mender){ .after_bare = bare, .bare_dot = mender->bare_dot };
            buf_add(out, bare ? "\r\n" : "\n");
            continue;
        }
        mender->after_cr = c == '\r';
        if (c != '\r')
            mender->dot = ++mender->line == 1 ? c == '.' : mender->dot;
        buf_add_char(out, c);
    }
}

void smtp_bdat_write(struct buf *out, size_t size, bool last)
{
    buf_addf(out, "BDAT %zu%s\r\n", size, last ? " LAST" : "");
}

bool smtp_bdat_read(struct span text, uint64_t most, uint64_t *ret_size, bool *ret_last)
{
    struct scan scan = scan_of(text);
    uint64_t size;
    bool last;

    if (!scan_number(&scan, 0, most, &size))
        return false;
    last = scan_word(&scan, " LAST");
    if (!scan_end(&scan))
        return false;
    *ret_size = size;
    *ret_last = last;
    return true;
}
