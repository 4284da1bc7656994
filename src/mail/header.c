#include "mail/header.h"

#include "base/str.h"
#include "mail/words.h"

#include "base/banned.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool header_name_is_good(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] < 33 || name.at[i] > 126 || name.at[i] == ':')
            return false;
    return name.len > 0;
}

bool header_next(struct scan *block, struct header_field *ret_field)
{
    struct span line, rest;

    for (;;) {
        size_t start = block->at;
        if (!scan_line(block, &line))
            return false;
        while (is_blank(scan_peek(block)) && scan_line(block, &rest))
            ;
        struct span whole = span_cut(block->all, start, block->at);
        struct span name = span_cut(line, 0, span_find(line, ':'));
        if (name.len == line.len || !header_name_is_good(name))
            continue;
        struct span value = span_from(whole, name.len + 1);
        while (value.len && (value.at[value.len - 1] == '\n' || value.at[value.len - 1] == '\r'))
            value.len--;
        *ret_field = (struct header_field){ name, value, whole };
        return true;
    }
}

bool header_find(struct span block, const char *name, struct header_field *ret_field)
{
    struct scan scan = scan_of(block);
    struct header_field field;

    while (header_next(&scan, &field))
        if (span_is_word(field.name, name)) {
            *ret_field = field;
            return true;
        }
    return false;
}

bool header_has(struct span block, const char *name)
{
    struct header_field field;
    return header_find(block, name, &field);
}

size_t header_count(struct span block, const char *name)
{
    struct scan scan = scan_of(block);
    struct header_field field;
    size_t count = 0;

    while (header_next(&scan, &field))
        count += span_is_word(field.name, name);
    return count;
}

bool header_listed(struct span name, const char *const list[])
{
    for (; *list; list++)
        if (str_matches(name, *list))
            return true;
    return false;
}

size_t header_longest_line(struct span lines)
{
    struct scan scan = scan_of(lines);
    struct span line;
    size_t longest = 0;

    while (scan_line(&scan, &line))
        longest = line.len > longest ? line.len : longest;
    return longest;
}

/* Adds the text, which begins at `column`, with CRLF before some of its blanks. */
static void fold(struct buf *out, size_t column, struct span text)
{
    size_t at = 0;

    while (at < text.len) {
        /* A blank or more, and the word behind them: the piece that stays together. */
        size_t end = at;
        while (end < text.len && is_blank(text.at[end]))
            end++;
        bool words_are_left = end < text.len;
        while (end < text.len && !is_blank(text.at[end]))
            end++;
        if (column + (end - at) > HEADER_FOLD_AT && is_blank(text.at[at]) && words_are_left &&
            column > 1) {
            buf_add(out, "\r\n");
            column = 0;
        }
        buf_add_span(out, span_cut(text, at, end));
        column += end - at;
        at = end;
    }
}

void header_copy_but(struct buf *out, struct span block, const char *const list[])
{
    struct scan scan = scan_of(block);
    struct header_field field;

    while (header_next(&scan, &field)) {
        if (header_listed(field.name, list))
            continue;
        if (header_longest_line(field.whole) <= HEADER_LINE_MAX) {
            buf_add_span(out, field.whole);
            continue;
        }
        HELD(buf) value = BUF(HEADER_BLOCK_MAX);
        header_unfold(&value, field.value);
        out->full |= value.full;
        buf_add_span(out, field.name);
        buf_add(out, ": ");
        fold(out, field.name.len + 2, buf_span(&value));
        buf_add(out, "\r\n");
    }
}

bool header_check_text(const char *what, struct span text, struct err *err)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '\r' || text.at[i] == '\n' || text.at[i] == '\0')
            return err_found(err, ERR_DATA, "message:header",
                             "%s has a %s in it, at byte %zu: it would begin another header line",
                             what, text.at[i] ? "line break" : "NUL", i + 1);
    if (!str_is_utf8(text))
        return err_found(err, ERR_DATA, "message:header", "%s is not valid UTF-8", what);
    return true;
}

void header_unfold(struct buf *out, struct span value)
{
    value = span_trim(value);
    while (value.len) {
        size_t len = 0;
        while (len < value.len && value.at[len] != '\r' && value.at[len] != '\n')
            len++;
        buf_add_span(out, span_cut(value, 0, len));
        value = span_from(value, len < value.len ? len + 1 : len);
    }
}

void header_fold(struct buf *out, const char *name, struct span value)
{
    buf_addf(out, "%s: ", name);
    fold(out, strlen(name) + 2, value);
    buf_add(out, "\r\n");
}

void header_fold_text(struct buf *out, const char *name, struct span utf8)
{
    HELD(buf) text = BUF(HEADER_BLOCK_MAX);

    words_encode_text(&text, utf8);
    out->full |= text.full;
    header_fold(out, name, buf_span(&text));
}
