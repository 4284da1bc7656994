/* Finds SMTP replies in whatever stands around them: logs, bounces, exceptions. */
#include "base/str.h"
#include "know/text_int.h"

#include "base/banned.h"

enum { FOLDS_MOST = 20, PREFIX_MOST = 60, HTTP_NEAR = 16, REQUEST_NEAR = 160 };

/* "X.Y.Z" of class 4 or 5 at the cursor (RFC 3463, 2), and not the front of something longer. */
static bool read_enhanced(struct scan *scan, uint16_t ret_enhanced[3])
{
    struct scan at = *scan;
    uint64_t class, subject, detail;

    if (!scan_number(&at, 4, 5, &class) || !scan_char(&at, '.') || at.at != scan->at + 2 ||
        !scan_number(&at, 0, 7, &subject) || !scan_char(&at, '.') ||
        !scan_number(&at, 0, 999, &detail) || scan_peek(&at) == '.')
        return false;
    ret_enhanced[0] = (uint16_t)class;
    ret_enhanced[1] = (uint16_t)subject;
    ret_enhanced[2] = (uint16_t)detail;
    *scan = at;
    return true;
}

/* "03:46:59" ends here, as logs begin their lines. */
static bool is_time_before(struct span text, size_t at)
{
    static const char shape[] = "dd:dd:dd";
    size_t len = sizeof shape - 1;

    if (at < len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text.at[at - len + i];
        if (shape[i] == 'd' ? !str_is_digit(c) : c != shape[i])
            return false;
    }
    return true;
}

/* Could a reply begin here? At the start of a line, or behind what introduces one. */
static bool may_begin(struct span text, size_t at)
{
    if (at == 0)
        return true;
    if (strchr(" \t\n\r(\"'`;#=[>:", text.at[at - 1]) == NULL)
        return false;
    while (at > 0 && (text.at[at - 1] == ' ' || text.at[at - 1] == '\t'))
        at--;
    return at == 0 || strchr("\n\r(\"'`;#=[]<>:*-~", text.at[at - 1]) != NULL || is_time_before(text, at);
}

/* Codes that servers use for refusals; not 587 and its like, which are ports. */
static bool is_refusal(uint64_t code)
{
    if (code == 334)
        return true;
    if (code >= 400 && code < 500)
        return code / 10 != 46 && code >= 420 && code < 480 && code != 443;
    return code >= 500 && code < 580;
}

/* "mymail.py:503" and no more. */
static bool is_line_number(const struct scan *scan)
{
    struct span text = scan->all;
    size_t at = scan->at;
    bool alone = at + 3 >= text.len || text.at[at + 3] == '\n' || text.at[at + 3] == '\r';

    return alone && at >= 2 && text.at[at - 1] == ':' && str_is_alpha(text.at[at - 2]);
}

/* "permanent error (535): "; not "Smtp.php(503): ", which is a line of a program. */
static bool is_in_brackets(const struct scan *scan)
{
    const char *at = scan->all.at + scan->at;

    return scan->at >= 5 && at[-4] == '(' && at[-5] == ' ';
}

/* What stands between code and words: a blank or hyphen, ", b'" of Python, ": ", and what stands behind
 * "error (535" and "(code: 535" of other programs. */
static bool skip_separator(struct scan *scan, bool *ret_more_lines)
{
    *ret_more_lines = scan_peek(scan) == '-';
    if (scan_end(scan) || scan_peek(scan) == '\n' || scan_peek(scan) == '\r')
        return true;
    if (scan_char(scan, ' ') || scan_char(scan, '-'))
        return true;
    if (scan_text(scan, ", b'") || scan_text(scan, ", b\"") || scan_text(scan, ", '") || scan_text(scan, ", \"") ||
        scan_text(scan, ": ") || scan_text(scan, ", response: "))
        return true;
    return is_in_brackets(scan) && scan_text(scan, "): ");
}

/* "AUTH XOAUTH2 failed 535-5.7.8 ...": code and status together are nothing else, whatever stands in front. */
static bool begins_within(struct span text, size_t at)
{
    struct scan scan = { text, at };
    uint16_t enhanced[3];
    uint64_t code;

    return at > 0 && (text.at[at - 1] == ' ' || (unsigned char)text.at[at - 1] >= 0x80) &&
           scan_number(&scan, 420, 579, &code) && scan.at == at + 3 && is_refusal(code) &&
           (scan_char(&scan, '-') || scan_char(&scan, ' ')) && read_enhanced(&scan, enhanced) &&
           enhanced[0] == code / 100;
}

/* "5.3.0-4" is of a package. */
static bool is_version(char behind)
{
    return behind == '-' || behind == '+' || behind == '~' || behind == '_' || str_is_alpha(behind);
}

/* "500 Internal Server Error", "status=500 method=POST": what a web server answered about its own page, and a mail
 * server never says. */
static bool is_answer_of_web(struct span behind)
{
    static const char *const begins[] = { "Internal Server Error", "Bad Gateway", "Gateway Time", "method=", "POST ", "GET " };

    while (behind.len && strchr(" \"'", behind.at[0]))
        behind = span_from(behind, 1);
    for (size_t i = 0; i < COUNT(begins); i++)
        if (span_starts(behind, begins[i]))
            return true;
    return false;
}

static bool read_head(struct scan *scan, struct err *err, bool *ret_more_lines)
{
    struct scan at = *scan;
    uint64_t code;

    *ret_more_lines = false;
    if (scan_number(&at, 334, 579, &code) && at.at == scan->at + 3 && is_refusal(code) &&
        !is_line_number(scan) && skip_separator(&at, ret_more_lines)) {
        err->reply = (uint16_t)code;
        scan_blanks(&at);
        (void)scan_char(&at, '#');
        if (read_enhanced(&at, err->enhanced))
            scan_blanks(&at);
        *scan = at;
        return true;
    }
    if (!read_enhanced(&at, err->enhanced) || is_version(scan_peek(&at)))
        return false;
    *scan = at;
    scan_blanks(scan);
    return true;
}

/* The rest of a line "535 ..." or "535-..." of the same reply, whatever a log wrote in front of it.
 */
static bool read_next_line(struct scan *scan, unsigned code, struct buf *words,
                           bool *ret_more_lines)
{
    struct scan at = *scan;
    struct span line;
    uint64_t number;

    if (!scan_line(&at, &line))
        return false;
    for (size_t i = 0; i < PREFIX_MOST && i + 3 <= line.len; i++) {
        struct scan head = { line, i };
        if (!may_begin(line, i) || !scan_number(&head, code, code, &number) ||
            (head.at < line.len && line.at[head.at] != '-' && line.at[head.at] != ' '))
            continue;
        *ret_more_lines = scan_peek(&head) == '-';
        buf_add_char(words, ' ');
        buf_add_span(words, span_from(line, head.at + 1));
        *scan = at;
        return true;
    }
    return false;
}

/* A transcript that is set in has its own replies in such lines. */
static bool has_reply(struct span line)
{
    struct err err = { .kind = ERR_NONE };
    bool more_lines;

    for (size_t i = 0; i < PREFIX_MOST && i < line.len; i++) {
        struct scan head = { line, i };
        if (may_begin(line, i) && read_head(&head, &err, &more_lines) && err.reply)
            return true;
    }
    return false;
}

/* Does the reply at `at` stand in a report's field? */
static bool is_in_field(struct span text, size_t at)
{
    while (at > 0 && text.at[at - 1] != '\n')
        at--;
    return span_starts_word(span_trim(span_from(text, at)), "Diagnostic-Code:");
}

/* A field's next line that lost its blank on the way into a form: no field of its own, and no end. */
static bool is_bare_fold(struct scan next)
{
    struct span line;

    return scan_line(&next, &line) && span_trim(line).len && line.at[0] != '-' && span_find(line, ':') == line.len;
}

/* Lines that begin with a blank belong to the one before. */
static void read_folds(struct scan *scan, bool field, struct buf *words)
{
    struct span line;

    for (int i = 0; i < FOLDS_MOST; i++) {
        if (scan_peek(scan) != ' ' && scan_peek(scan) != '\t' && !(field && is_bare_fold(*scan)))
            return;
        struct scan next = *scan;
        if (!scan_line(&next, &line) || has_reply(line))
            return;
        *scan = next;
        buf_add_char(words, ' ');
        buf_add_span(words, span_trim(line));
    }
}

/* A qmail puts the code at the end: "sorry, no mailbox here by that name. (#5.1.1)". */
static void find_late_enhanced(struct span words, struct err *err)
{
    for (size_t i = 0; i + 1 < words.len; i++) {
        struct scan at = { words, i + 1 };
        if (words.at[i] == '#' && read_enhanced(&at, err->enhanced))
            return;
    }
}

/* "SMTP Error (250): Authentication failed": what failed came behind a success. */
static bool is_alone_in_brackets(struct span line, size_t at)
{
    return at > 0 && line.at[at - 1] == '(' && at + 3 < line.len && line.at[at + 3] == ')';
}

/* "250-SIZE", "data: (250, b'ok')", "reply: retcode (250); ...". */
static bool is_success(struct span line)
{
    if (span_find_word(line, "retcode (2") < line.len)
        return true;
    if (span_find(line, '*') < line.len || span_find_word(line, "XXX") < line.len)
        return false; /* masked on its way, which is a failure */
    for (size_t i = 0; i < PREFIX_MOST && i + 3 < line.len; i++) {
        struct scan at = { line, i };
        uint64_t code;
        bool more_lines;
        if (may_begin(line, i) && !is_alone_in_brackets(line, i) && scan_number(&at, 220, 354, &code) && at.at == i + 3 &&
            (code / 10 == 22 || code == 235 || code / 10 == 25 || code == 354) &&
            skip_separator(&at, &more_lines))
            return !has_reply(span_from(line, at.at));
    }
    return false;
}

/* "1. The server is using a self-signed certificate" */
static bool is_numbered(struct span line)
{
    struct scan scan = scan_of(span_trim(line));
    uint64_t number;

    return scan_number(&scan, 1, 20, &number) && scan_char(&scan, '.') && scan_char(&scan, ' ');
}

/* Is the line one of what it may be, behind "for one or more of the following reasons:"? */
static bool is_supposed(struct span line, bool *supposes)
{
    if (span_trim(line).len == 0 || (*supposes && is_numbered(line)))
        return *supposes;
    *supposes = span_find_word(line, "the following reasons:") < line.len;
    return false;
}

void text_without_success(struct buf *out, struct span text)
{
    bool conversation = span_find_word(text, "250-") < text.len, trace = false, supposes = false;
    struct scan scan = scan_of(text);
    struct span line;

    while (scan_line(&scan, &line)) {
        bool folded = line.len && (line.at[0] == ' ' || line.at[0] == '\t');
        trace = folded ? trace : text_is_trace(line);
        if (is_supposed(line, &supposes) || trace || text_is_aside(line) || (conversation && is_success(line)))
            continue;
        buf_add_span(out, line);
        buf_add_char(out, '\n');
    }
}

void text_squeeze(struct buf *out, struct span text)
{
    bool blank = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '\\' && i + 1 < text.len && (text.at[i + 1] == 'n' || text.at[i + 1] == 'r')) {
            c = ' ';
            i++;
        }
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            blank = out->len > 0;
            continue;
        }
        if (blank)
            buf_add_char(out, ' ');
        blank = false;
        buf_add_char(out, c);
    }
}

static void read_words(struct scan *scan, char before, bool more_lines, struct err *err)
{
    bool field = is_in_field(scan->all, scan->at);
    HELD(buf) words = BUF(4096);
    HELD(buf) squeezed = BUF(4096);
    struct span line = SPAN_NONE;

    (void)scan_line(scan, &line);
    buf_add_span(&words, span_cut(text_quoted(line, before), 0, 2048));
    while (more_lines && read_next_line(scan, err->reply, &words, &more_lines))
        ;
    read_folds(scan, field, &words);
    text_squeeze(&squeezed, buf_span(&words));
    if (!err->enhanced[0])
        find_late_enhanced(buf_span(&squeezed), err);
    err_said(err, buf_span(&squeezed));
}

bool text_next_reply(struct scan *scan, struct evidence *ret_reply)
{
    for (; !scan_end(scan); scan->at++) {
        struct evidence reply = { .stage = STAGE_NONE };
        bool more_lines;
        struct scan at = *scan;
        if (!str_is_digit(scan_peek(scan)) ||
            !(may_begin(scan->all, scan->at) || begins_within(scan->all, scan->at)) ||
            !read_head(&at, &reply.err, &more_lines) || (reply.err.reply && is_answer_of_web(scan_rest(&at))))
            continue;
        char before = scan->at ? scan->all.at[scan->at - 1] : '\0';
        reply.stage = text_command_before(span_cut(scan->all, 0, scan->at));
        *scan = at;
        read_words(&at, before, more_lines, &reply.err);
        reply.err.kind = reply.err.reply >= 400 && reply.err.reply < 500 ? ERR_LATER : ERR_REPLY;
        if (reply.err.reply) /* behind "dsn=5.1.1," the reply itself may follow */
            *scan = at;
        *ret_reply = reply;
        return true;
    }
    return false;
}

/* What leads to a code within a sentence, with at most a sign or blank between. */
static bool is_code_led(struct span before)
{
    static const char *const leads[] = { "code", "error", "reply", "status", "response", "got", "returned", "smtp" };

    while (before.len && strchr(" (:=\"'[.", before.at[before.len - 1]))
        before.len--;
    for (size_t i = 0; i < COUNT(leads); i++)
        if (before.len >= strlen(leads[i]) &&
            span_starts_word(span_from(before, before.len - strlen(leads[i])), leads[i]))
            return true;
    return false;
}

static bool has_one(struct span text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_find_word(text, words[i]) < text.len)
            return true;
    return false;
}

static struct span last_of(struct span text, size_t most)
{
    return span_from(text, text.len > most ? text.len - most : 0);
}

/* "http_code":500, "status_code=503", "method=POST path=/test status=500": what a web server answered, and a mail server
 * never is asked for. */
static bool is_of_http(struct span before)
{
    static const char *const names[] = { "http", "status_code", "statuscode", "status code" },
                      *const requests[] = { "method=", "path=/", "\"url\"", "POST /", "GET /", "\"path\"" };
    struct span near = last_of(before, HTTP_NEAR);

    return has_one(near, names, COUNT(names)) ||
           (span_find_word(near, "status") < near.len && has_one(last_of(before, REQUEST_NEAR), requests, COUNT(requests)));
}

uint16_t text_loose_code(struct span text)
{
    uint16_t found = 0;

    for (size_t i = 1; i + 3 <= text.len; i++) {
        struct scan scan = { text, i };
        uint64_t code;
        if (str_is_digit(text.at[i - 1]) || text.at[i - 1] == '.' || !scan_number(&scan, 420, 579, &code) ||
            scan.at != i + 3 || !is_refusal(code) || scan_peek(&scan) == '.' || !is_code_led(span_cut(text, 0, i)) ||
            is_of_http(span_cut(text, 0, i)) || is_answer_of_web(span_from(text, i + 3)))
            continue;
        found = (uint16_t)code;
    }
    return found;
}
