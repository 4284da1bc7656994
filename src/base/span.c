#include "base/span.h"

#include "base/str.h"

#include "base/banned.h"

struct span span_cut(struct span span, size_t from, size_t to)
{
    if (to > span.len)
        to = span.len;
    if (from >= to)
        return (struct span){ span.at ? span.at + (from < span.len ? from : span.len) : NULL, 0 };
    return (struct span){ span.at + from, to - from };
}

struct span span_from(struct span span, size_t from)
{
    return span_cut(span, from, span.len);
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool span_equal_word(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (str_lower(a.at[i]) != str_lower(b.at[i]))
            return false;
    return true;
}

bool span_is(struct span span, const char *text)
{
    return span_equal(span, span_of(text));
}

bool span_is_word(struct span span, const char *text)
{
    return span_equal_word(span, span_of(text));
}

bool span_starts(struct span span, const char *text)
{
    return span.len >= strlen(text) && span_is(span_cut(span, 0, strlen(text)), text);
}

bool span_starts_word(struct span span, const char *text)
{
    return span.len >= strlen(text) && span_is_word(span_cut(span, 0, strlen(text)), text);
}

bool span_ends_word(struct span span, const char *text)
{
    size_t len = strlen(text);
    return span.len >= len && span_is_word(span_from(span, span.len - len), text);
}

size_t span_find(struct span span, char byte)
{
    const char *found = span.len ? memchr(span.at, byte, span.len) : NULL;
    return found ? (size_t)(found - span.at) : span.len;
}

size_t span_find_last(struct span span, char byte)
{
    for (size_t i = span.len; i > 0; i--)
        if (span.at[i - 1] == byte)
            return i - 1;
    return span.len;
}

size_t span_find_text(struct span span, const char *text)
{
    size_t len = strlen(text);
    const char *found = len && span.len ? memmem(span.at, span.len, text, len) : NULL;

    if (len == 0)
        return 0;
    return found ? (size_t)(found - span.at) : span.len;
}

size_t span_find_word(struct span span, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; len <= span.len && i <= span.len - len; i++)
        if (span_is_word(span_cut(span, i, i + len), text))
            return i;
    return span.len;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span span)
{
    while (span.len && blank(span.at[0]))
        span = span_from(span, 1);
    while (span.len && blank(span.at[span.len - 1]))
        span.len--;
    return span;
}

bool span_split(struct span *rest, char byte, struct span *ret_part)
{
    if (rest->len == 0)
        return false;
    size_t end = span_find(*rest, byte);
    *ret_part = span_cut(*rest, 0, end);
    *rest = span_from(*rest, end + 1);
    return true;
}
