#include "mail/filter.h"

#include "base/alloc.h"
#include "base/str.h"
#include "mail/header.h"

#include "base/banned.h"

/* Where in a header line we are. What a line is, is known at its colon at the latest. */
enum place {
    LINE_START,
    IN_NAME,       /* of a field, if a colon comes */
    AFTER_NAME,    /* blanks before the colon, or none comes */
    IN_VALUE,
    IN_MBOX_LINE,
    IN_BODY,
};

struct filter {
    enum place place;
    bool cr; /* the last byte was a CR whose meaning is open */
    struct buf header;
    size_t line; /* where the current header line begins */
    size_t name; /* how long its name is */
    uint64_t body_line; /* bytes of the body's current line */
    bool no_room;       /* header or body found no memory, or the header is too large */
    struct filter_facts facts;
};

struct filter *filter_new(void)
{
    struct filter *filter = NEW(filter);

    if (filter)
        filter->header = (struct buf)BUF(HEADER_BLOCK_MAX);
    return filter;
}

void filter_free(struct filter *filter)
{
    if (!filter)
        return;
    buf_done(&filter->header);
    mem_free(filter);
}

static void body_byte(struct filter *filter, char c, struct buf *body)
{
    filter->facts.body_8bit |= (unsigned char)c >= 128;
    if (++filter->body_line > filter->facts.longest)
        filter->facts.longest = filter->body_line;
    filter->facts.body++;
    buf_add_char(body, c);
}

static void body_line_end(struct filter *filter, struct buf *body)
{
    filter->body_line = 0;
    filter->facts.lines++;
    filter->facts.body += 2;
    buf_add(body, "\r\n");
}

/* The header ended before the current line: what was kept of it is the body's. */
static void line_to_body(struct filter *filter, struct buf *body)
{
    struct span line = span_from(buf_span(&filter->header), filter->line);

    filter->place = IN_BODY;
    for (size_t i = 0; i < line.len; i++)
        body_byte(filter, line.at[i], body);
    buf_cut(&filter->header, filter->line);
}

static void header_byte_keep(struct filter *filter, char c)
{
    filter->facts.header_8bit |= (unsigned char)c >= 128;
    buf_add_char(&filter->header, c);
}

static bool is_name_char(char c)
{
    return header_name_is_good((struct span){ &c, 1 });
}

/* A field's name is complete: the blanks behind it go, the colon stays. */
static void name_end(struct filter *filter)
{
    buf_cut(&filter->header, filter->line + filter->name);
    header_byte_keep(filter, ':');
    filter->facts.fields++;
    filter->place = IN_VALUE;
}

static bool is_mbox_line(const struct filter *filter)
{
    return filter->line == 0 && !filter->facts.mbox_line &&
           span_is(span_cut(buf_span(&filter->header), 0, filter->name), "From");
}

/* The current line is none of the header's: it goes to the body, and this byte behind it. */
static void not_a_field(struct filter *filter, char c, struct buf *body)
{
    line_to_body(filter, body);
    body_byte(filter, c, body);
}

static void name_byte(struct filter *filter, char c, struct buf *body)
{
    bool blank = c == ' ' || c == '\t';

    if (c == ':' && filter->name) {
        name_end(filter);
    } else if (is_name_char(c) && filter->name < HEADER_LINE_MAX) {
        filter->name++;
        buf_add_char(&filter->header, c);
    } else if (blank && filter->name) {
        filter->place = AFTER_NAME;
        buf_add_char(&filter->header, c);
    } else {
        not_a_field(filter, c, body);
    }
}

static void after_name_byte(struct filter *filter, char c, struct buf *body)
{
    bool blank = c == ' ' || c == '\t';

    if (c == ':') {
        name_end(filter);
    } else if (blank && filter->header.len - filter->line < HEADER_LINE_MAX) {
        buf_add_char(&filter->header, c);
    } else if (is_mbox_line(filter)) {
        buf_cut(&filter->header, 0);
        filter->facts.mbox_line = true;
        filter->place = IN_MBOX_LINE;
    } else {
        not_a_field(filter, c, body);
    }
}

/* A byte of the header that ends no line. */
static void header_byte(struct filter *filter, char c, struct buf *body)
{
    if (filter->place == LINE_START) {
        filter->line = filter->header.len;
        filter->name = 0;
        bool continues = (c == ' ' || c == '\t') && filter->line > 0;
        filter->place = continues ? IN_VALUE : IN_NAME;
    }
    if (filter->place == IN_NAME)
        name_byte(filter, c, body);
    else if (filter->place == AFTER_NAME)
        after_name_byte(filter, c, body);
    else if (filter->place == IN_VALUE)
        header_byte_keep(filter, c);
}

static void header_line_end(struct filter *filter, struct buf *body)
{
    if (filter->place == IN_VALUE)
        buf_add(&filter->header, "\r\n");
    if (filter->place == IN_VALUE || filter->place == IN_MBOX_LINE) {
        filter->place = LINE_START;
        return;
    }
    bool empty = filter->place == LINE_START;
    if (!empty)
        line_to_body(filter, body);
    filter->place = IN_BODY;
    if (!empty)
        body_line_end(filter, body);
}

static void line_end(struct filter *filter, struct buf *body)
{
    if (filter->place == IN_BODY)
        body_line_end(filter, body);
    else
        header_line_end(filter, body);
}

/* A CR with no LF behind it. */
static void bare_cr(struct filter *filter, struct buf *body)
{
    filter->facts.bare_cr = true;
    if (filter->place == IN_BODY)
        body_line_end(filter, body);
    else if (filter->place != LINE_START)
        header_byte(filter, ' ', body);
}

static void byte_take(struct filter *filter, char c, struct buf *body)
{
    bool cr = filter->cr;

    filter->facts.in++;
    if (c == '\0' && !filter->facts.nul_at)
        filter->facts.nul_at = filter->facts.in;
    filter->cr = c == '\r';
    if (c == '\n') {
        filter->facts.crlf |= cr;
        filter->facts.bare_lf |= !cr;
        line_end(filter, body);
        return;
    }
    if (cr)
        bare_cr(filter, body);
    if (c == '\r')
        return;
    if (filter->place == IN_BODY)
        body_byte(filter, c, body);
    else
        header_byte(filter, c, body);
}

static bool still_good(const struct filter *filter, const struct buf *body, struct err *err)
{
    if (filter->header.full && filter->header.len >= HEADER_BLOCK_MAX - 2)
        return err_found(err, ERR_LIMIT, "message:header", "the header is larger than %d KB",
                         HEADER_BLOCK_MAX / 1024);
    if (filter->facts.fields > HEADER_FIELDS_MAX)
        return err_found(err, ERR_LIMIT, "message:header", "the header has more than %d fields",
                         HEADER_FIELDS_MAX);
    return (!filter->header.full && !body->full) || err_no_memory(err);
}

/* How far ahead a line's end is looked for at once: without it, a body of bare CRs, each looking for an LF
 * that never comes, would cost the square of its size. */
enum { RUN_MAX = 512 };

/* Most bytes are in the middle of a line of body: they go in one piece. How many did. */
static size_t body_run(struct filter *filter, struct span bytes, struct buf *body)
{
    if (filter->place != IN_BODY || filter->cr)
        return 0;
    struct span run = span_cut(bytes, 0, RUN_MAX);
    run = span_cut(run, 0, span_find(run, '\n'));
    run = span_cut(run, 0, span_find(run, '\r'));
    if (span_find(run, '\0') < run.len || run.len == 0)
        return 0;
    filter->facts.body_8bit |= !str_is_ascii(run);
    filter->facts.in += run.len;
    filter->facts.body += run.len;
    filter->body_line += run.len;
    if (filter->body_line > filter->facts.longest)
        filter->facts.longest = filter->body_line;
    buf_add_span(body, run);
    return run.len;
}

bool filter_feed(struct filter *filter, struct span bytes, struct buf *body, struct err *err)
{
    while (bytes.len) {
        size_t run = body_run(filter, bytes, body);
        if (run == 0)
            byte_take(filter, bytes.at[run++], body);
        bytes = span_from(bytes, run);
    }
    return still_good(filter, body, err);
}

bool filter_end(struct filter *filter, struct buf *body, struct err *err)
{
    if (filter->cr)
        bare_cr(filter, body);
    filter->cr = false;
    if (filter->place == IN_BODY ? filter->body_line > 0 : filter->place != LINE_START)
        line_end(filter, body);
    filter->place = IN_BODY;
    return still_good(filter, body, err);
}

bool filter_in_body(const struct filter *filter)
{
    return filter->place == IN_BODY;
}

struct span filter_header(const struct filter *filter)
{
    return buf_span(&filter->header);
}

const struct filter_facts *filter_facts(const struct filter *filter)
{
    return &filter->facts;
}
