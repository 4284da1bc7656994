#include "base/scan.h"

#include "base/str.h"

#include "base/banned.h"

bool scan_char(struct scan *scan, char c)
{
    if (scan_end(scan) || scan_peek(scan) != c)
        return false;
    scan->at++;
    return true;
}

bool scan_text(struct scan *scan, const char *text)
{
    if (!span_starts(scan_rest(scan), text))
        return false;
    scan->at += strlen(text);
    return true;
}

bool scan_word(struct scan *scan, const char *text)
{
    if (!span_starts_word(scan_rest(scan), text))
        return false;
    scan->at += strlen(text);
    return true;
}

void scan_blanks(struct scan *scan)
{
    while (scan_char(scan, ' ') || scan_char(scan, '\t'))
        ;
}

bool scan_while(struct scan *scan, bool (*is)(char c), struct span *ret_bytes)
{
    size_t start = scan->at;

    while (!scan_end(scan) && is(scan_peek(scan)))
        scan->at++;
    if (scan->at == start)
        return false;
    *ret_bytes = span_cut(scan->all, start, scan->at);
    return true;
}

bool scan_until(struct scan *scan, char stop, struct span *ret_bytes)
{
    struct span rest = scan_rest(scan);
    size_t len = span_find(rest, stop);

    if (len == rest.len)
        return false;
    *ret_bytes = span_cut(rest, 0, len);
    scan->at += len + 1;
    return true;
}

bool scan_line(struct scan *scan, struct span *ret_line)
{
    struct span line;

    if (scan_end(scan))
        return false;
    if (!scan_until(scan, '\n', &line)) {
        line = scan_rest(scan);
        scan->at = scan->all.len;
    }
    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    *ret_line = line;
    return true;
}

bool scan_number(struct scan *scan, uint64_t least, uint64_t most, uint64_t *ret_number)
{
    size_t start = scan->at;
    struct span digits;

    if (scan_while(scan, str_is_digit, &digits) && str_to_u64(digits, least, most, ret_number))
        return true;
    scan->at = start;
    return false;
}
