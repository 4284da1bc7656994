#include "mail/convert.h"

#include "base/alloc.h"
#include "base/str.h"
#include "mail/mime.h"
#include "mail/transfer.h"

#include "base/banned.h"

enum {
    BOUNDARY_MAX = 70,  /* RFC 2046, 5.1.1 */
    LINE_FRONT_MAX = 200, /* a boundary line with blanks behind it; longer ones are none */
};

/* A multipart whose end has not come. */
struct multipart {
    char boundary[BOUNDARY_MAX + 1];
    bool is_signed; /* or inside of one that is */
};

struct convert {
    struct multipart open[CONVERT_DEPTH_MAX];
    size_t depth;

    bool in_header;
    bool is_top;       /* the header is the message's own */
    bool is_signed;    /* the part is inside of multipart/signed */
    struct buf header; /* of the part that begins */
    size_t header_line; /* where its last line begins */
    struct transfer transfer;

    char front[LINE_FRONT_MAX]; /* of the line, while it may be a boundary */
    size_t front_len;
    bool past_front;
    bool line_end_waits; /* after a line: content's, or the next boundary's (RFC 2046, 5.1.1) */
    bool cr;
};

struct convert *convert_new(void)
{
    struct convert *convert = NEW(convert);

    if (!convert)
        return NULL;
    convert->in_header = convert->is_top = true;
    convert->header = (struct buf)BUF(HEADER_BLOCK_MAX);
    return convert;
}

void convert_free(struct convert *convert)
{
    if (!convert)
        return;
    buf_done(&convert->header);
    mem_free(convert);
}

/* What a part's header says of its content. */
struct part {
    struct span type, encoding; /* empty: not said */
    struct buf boundary;
    bool bad_boundary; /* too long, or not ASCII: nobody could tell where the parts are */
};

static void part_done(struct part *part)
{
    buf_done(&part->boundary);
}

static void part_read(struct span header, struct part *part)
{
    struct header_field field;
    HELD(buf) says = BUF(HEADER_BLOCK_MAX);
    struct span name;

    *part = (struct part){ .boundary = BUF(BOUNDARY_MAX) };
    if (header_find(header, "Content-Transfer-Encoding", &field)) {
        struct scan value = scan_of(field.value);
        part->encoding = mime_word(&value);
    }
    if (!header_find(header, "Content-Type", &field))
        return;
    struct scan value = scan_of(field.value);
    size_t start = value.at;
    struct span word = mime_word(&value);
    if (word.len)
        start = (size_t)(word.at - field.value.at);
    part->type = span_cut(field.value, start, value.at);
    while (mime_param(&value, &name, &says)) {
        part->boundary.full |= says.full;
        if (span_is_word(name, "boundary") && part->boundary.len == 0) {
            part->bad_boundary = says.len > BOUNDARY_MAX || !str_is_ascii(buf_span(&says));
            buf_add_span(&part->boundary, span_cut(buf_span(&says), 0, BOUNDARY_MAX));
        }
    }
}

static bool says_raw(const struct part *part)
{
    return span_is_word(part->encoding, "8bit") || span_is_word(part->encoding, "binary");
}

static bool is_encoded(const struct part *part)
{
    return span_is_word(part->encoding, "quoted-printable") || span_is_word(part->encoding, "base64");
}

/* The content's kind, and the Content-Transfer-Encoding to be written instead of the old one, or NULL. */
static enum transfer_kind choose(const struct part *part, bool is_signed, const char **ret_encoding)
{
    bool unsaid = part->encoding.len == 0 || span_is_word(part->encoding, "7bit");
    bool text = part->type.len == 0 || span_starts_word(part->type, "text/");

    *ret_encoding = NULL;
    if (is_signed || span_starts_word(part->type, "message/"))
        return TRANSFER_UNTOUCHED;
    if (span_is_word(part->encoding, "quoted-printable"))
        return TRANSFER_QUOTED_AGAIN;
    if (span_is_word(part->encoding, "base64"))
        return TRANSFER_BASE64_AGAIN;
    if (!unsaid && !says_raw(part))
        return TRANSFER_UNTOUCHED;
    *ret_encoding = text || unsaid ? "quoted-printable" : "base64";
    return text || unsaid ? TRANSFER_QUOTED_PRINTABLE : TRANSFER_BASE64;
}

/* The part's header, with the encoding it has now. */
static bool header_write(struct convert *convert, const struct part *part, const char *encoding,
                         struct buf *out, struct err *err)
{
    static const char *const replaced[] = { "Content-Transfer-Encoding", NULL };
    static const char *const none[] = { NULL };
    struct span header = buf_span(&convert->header);
    HELD(buf) ascii = BUF(8 * HEADER_BLOCK_MAX);

    if (convert->is_signed) {
        if (!str_is_ascii(header) || header_longest_line(header) > HEADER_LINE_MAX)
            return err_found(err, ERR_DATA, "eightbit:not-offered",
                             "a signed part has 8-bit characters or lines over %d octets in its "
                             "header, and to change them would break the signature", HEADER_LINE_MAX);
        buf_add_span(out, header);
        return true;
    }
    if (!mime_header_to_ascii(&ascii, header, err))
        return false;
    size_t start = out->len;
    header_copy_but(out, buf_span(&ascii), encoding ? replaced : none);
    if (header_longest_line(span_from(buf_span(out), start)) > HEADER_LINE_MAX)
        return err_found(err, ERR_DATA, "line:too-long", "a header line has over %d octets and no "
                         "blank to fold it at", HEADER_LINE_MAX);
    if (encoding && convert->is_top && !header_has(header, "MIME-Version"))
        buf_add(out, "MIME-Version: 1.0\r\n");
    /* RFC 2045, 5.2: unsaid means US-ASCII, and then there would be nothing to encode. */
    if (encoding && part->type.len == 0 && !span_is_word(span_of(encoding), "7bit"))
        buf_add(out, "Content-Type: text/plain; charset=utf-8\r\n");
    if (encoding)
        buf_addf(out, "Content-Transfer-Encoding: %s\r\n", encoding);
    return true;
}

static bool multipart_open(struct convert *convert, const struct part *part, struct err *err)
{
    if (convert->depth == CONVERT_DEPTH_MAX)
        return err_found(err, ERR_LIMIT, "message:header", "parts are nested deeper than %d",
                         CONVERT_DEPTH_MAX);
    bool outside = convert->is_signed; /* what stands before the first part is not signed with it */
    convert->is_signed |= span_is_word(part->type, "multipart/signed");
    struct multipart *open = &convert->open[convert->depth++];
    memcpy(open->boundary, part->boundary.at, part->boundary.len);
    open->boundary[part->boundary.len] = '\0';
    open->is_signed = convert->is_signed;
    transfer_begin(&convert->transfer, outside ? TRANSFER_UNTOUCHED : TRANSFER_UNSEEN);
    return true;
}

/* The header is complete: what it says decides what becomes of the content. */
static bool header_end(struct convert *convert, struct buf *out, struct err *err)
{
    HELD(part) part = { 0 };
    const char *encoding = NULL;

    part_read(buf_span(&convert->header), &part);
    if (part.boundary.full)
        return err_no_memory(err);
    bool multipart = span_starts_word(part.type, "multipart/") && part.boundary.len > 0;
    if (multipart && part.bad_boundary)
        return err_found(err, ERR_DATA, "message:header", "a boundary is not ASCII, or longer than %d "
                         "characters", BOUNDARY_MAX);
    bool message = (span_is_word(part.type, "message/rfc822") ||
                    span_is_word(part.type, "message/global")) &&
                   !is_encoded(&part);
    enum transfer_kind kind = TRANSFER_UNTOUCHED;
    if (multipart || message)
        encoding = says_raw(&part) ? "7bit" : NULL;
    else
        kind = choose(&part, convert->is_signed, &encoding);
    if (!header_write(convert, &part, encoding, out, err))
        return false;

    convert->in_header = message;
    convert->is_top = false;
    transfer_begin(&convert->transfer, kind);
    if (multipart && !multipart_open(convert, &part, err))
        return false;
    buf_clear(&convert->header);
    convert->header_line = 0;
    return true;
}

static bool content_is_good(const struct convert *convert, struct err *err)
{
    if (!convert->transfer.refused)
        return true;
    return err_found(err, ERR_DATA, "eightbit:not-offered",
                     convert->is_signed
                         ? "a signed part has 8-bit characters or lines over 998 octets, and to "
                           "encode them would break the signature"
                         : "a part that may not be encoded has 8-bit characters or lines over 998 octets");
}

static bool bytes_take(struct convert *convert, struct span bytes, struct buf *out, struct err *err)
{
    if (convert->in_header) {
        if (convert->header.len + bytes.len > HEADER_BLOCK_MAX - 2)
            return err_found(err, ERR_LIMIT, "message:header", "a part's header is larger than %d KB",
                             HEADER_BLOCK_MAX / 1024);
        buf_add_span(&convert->header, bytes);
        return !convert->header.full || err_no_memory(err);
    }
    if (convert->line_end_waits && bytes.len) {
        convert->line_end_waits = false;
        transfer_line_end(&convert->transfer, out);
    }
    transfer_bytes(&convert->transfer, bytes, out);
    return content_is_good(convert, err);
}

/* Which open multipart the line is a boundary of, counted from 1; 0: of none. */
static size_t boundary_of(const struct convert *convert, struct span line, bool *ret_last)
{
    if (!span_starts(line, "--"))
        return 0;
    line = span_from(line, 2);
    while (line.len && (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\t'))
        line.len--;
    for (size_t i = convert->depth; i > 0; i--) {
        const char *boundary = convert->open[i - 1].boundary;
        struct span rest = span_from(line, strlen(boundary));
        if (!span_starts(line, boundary) || (rest.len && !span_is(rest, "--")))
            continue;
        *ret_last = rest.len > 0;
        return i;
    }
    return 0;
}

/* A boundary ends what is open inside of its multipart, whole or not. */
static bool boundary_take(struct convert *convert, size_t of, bool last, struct buf *out,
                          struct err *err)
{
    if (convert->in_header && !header_end(convert, out, err))
        return false;
    transfer_end(&convert->transfer, out);
    if (convert->line_end_waits)
        buf_add(out, "\r\n");
    convert->line_end_waits = false;
    buf_add_span(out, (struct span){ convert->front, convert->front_len });
    buf_add(out, "\r\n");

    convert->depth = last ? of - 1 : of;
    convert->is_signed = convert->open[of - 1].is_signed;
    if (last) {
        convert->is_signed = of > 1 && convert->open[of - 2].is_signed;
        transfer_begin(&convert->transfer, convert->is_signed ? TRANSFER_UNTOUCHED : TRANSFER_UNSEEN);
    }
    convert->in_header = !last;
    return true;
}

/* The line's front turned out to be no boundary. */
static bool front_take(struct convert *convert, struct buf *out, struct err *err)
{
    struct span front = { convert->front, convert->front_len };

    convert->past_front = true;
    convert->front_len = 0;
    return bytes_take(convert, front, out, err);
}

/* A line of a header is a field, goes on with one, or is empty and ends it. Where it is something else the
 * header has ended before, and the line is content: it must not get lost. */
static bool header_line_end(struct convert *convert, struct buf *out, struct err *err)
{
    struct span line = span_from(buf_span(&convert->header), convert->header_line);
    bool continues = convert->header_line > 0 && line.len && (line.at[0] == ' ' || line.at[0] == '\t');
    size_t colon = span_find(line, ':');
    bool field = colon < line.len && header_name_is_good(span_cut(line, 0, colon));

    if (continues || field) {
        buf_add(&convert->header, "\r\n");
        convert->header_line = convert->header.len;
        return !convert->header.full || err_no_memory(err);
    }
    HELD(buf) content = BUF(HEADER_BLOCK_MAX);
    buf_add_span(&content, line);
    if (content.full)
        return err_no_memory(err);
    buf_cut(&convert->header, convert->header_line);
    if (!header_end(convert, out, err))
        return false;
    buf_add(out, "\r\n");
    if (content.len == 0)
        return true;
    if (convert->in_header) { /* of the message inside, which has no header; so this goes once deeper */
        buf_add_span(&convert->header, buf_span(&content));
        return header_line_end(convert, out, err);
    }
    convert->line_end_waits = true;
    transfer_bytes(&convert->transfer, buf_span(&content), out);
    return content_is_good(convert, err);
}

static bool line_take_end(struct convert *convert, struct buf *out, struct err *err)
{
    struct span front = { convert->front, convert->front_len };
    bool whole = !convert->past_front, last = false;
    size_t of = whole ? boundary_of(convert, front, &last) : 0;

    if (of) {
        bool good = boundary_take(convert, of, last, out, err);
        convert->front_len = 0;
        return good;
    }
    if (whole && !front_take(convert, out, err))
        return false;
    convert->past_front = false;
    if (convert->in_header)
        return header_line_end(convert, out, err);
    if (convert->line_end_waits)
        transfer_line_end(&convert->transfer, out);
    convert->line_end_waits = true;
    return true;
}

static bool byte_take(struct convert *convert, char c, struct buf *out, struct err *err)
{
    if (convert->past_front)
        return bytes_take(convert, (struct span){ &c, 1 }, out, err);
    convert->front[convert->front_len++] = c;
    bool maybe = convert->front_len == LINE_FRONT_MAX
                     ? false
                     : convert->front[0] == '-' && (convert->front_len == 1 || convert->front[1] == '-');
    return maybe || front_take(convert, out, err);
}

/* Bytes in the middle of a line that can be no boundary go in one piece. */
static size_t run_take(struct convert *convert, struct span bytes, struct buf *out, struct err *err)
{
    enum { RUN_MAX = 512 };

    if (!convert->past_front || convert->cr)
        return 0;
    struct span run = span_cut(bytes, 0, RUN_MAX);
    run = span_cut(run, 0, span_find(run, '\r'));
    return bytes_take(convert, run, out, err) ? run.len : 0;
}

bool convert_feed(struct convert *convert, struct span bytes, struct buf *out, struct err *err)
{
    struct err ours = { 0 };

    while (bytes.len) {
        size_t run = run_take(convert, bytes, out, &ours);
        if (ours.kind != ERR_NONE)
            break;
        char c = bytes.at[0];
        bytes = span_from(bytes, run ? run : 1);
        if (run)
            continue;
        bool cr = convert->cr;
        convert->cr = c == '\r';
        bool good = true;
        if (c == '\n' && cr)
            good = line_take_end(convert, out, &ours);
        else if (cr)
            good = byte_take(convert, '\r', out, &ours);
        if (good && c != '\r' && !(c == '\n' && cr))
            good = byte_take(convert, c, out, &ours);
        if (!good)
            break;
    }
    if (ours.kind == ERR_NONE && out->full)
        return err_no_memory(err);
    if (ours.kind != ERR_NONE && err)
        *err = ours;
    return ours.kind == ERR_NONE;
}

bool convert_end(struct convert *convert, struct buf *out, struct err *err)
{
    if (convert->front_len && !line_take_end(convert, out, err))
        return false;
    if (convert->in_header && !header_end(convert, out, err))
        return false;
    if (convert->line_end_waits)
        transfer_line_end(&convert->transfer, out);
    transfer_end(&convert->transfer, out);
    if (convert->transfer.column)
        buf_add(out, "\r\n");
    return !out->full || err_no_memory(err);
}
