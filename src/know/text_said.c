/* What a pasted text says, without what only stands around it: stack frames and the lines of a program quoted in them,
 * settings, paths and names of classes, fields of JSON without a value. Words in those lie near one another by chance. */
#include "base/str.h"
#include "know/text_int.h"

#include "base/banned.h"

enum { PREFIX_MOST = 60, KEY_LEAST = 2, KEY_MOST = 60, SOURCE_INDENT = 4, SETTINGS_LEAST = 2 };

/* A line as it stands, or as a quoted string has it: "...\n    at ...". */
static bool next_line(struct scan *scan, struct span *ret_line)
{
    struct span rest = scan_rest(scan);
    size_t end = 0;

    if (!rest.len)
        return false;
    while (end < rest.len && rest.at[end] != '\n' && !span_starts(span_from(rest, end), "\\n"))
        end++;
    *ret_line = span_cut(rest, 0, end);
    scan->at += end + (end == rest.len ? 0 : rest.at[end] == '\n' ? 1 : 2);
    return true;
}

/* "worker_1  | " is a container's name. */
static struct span behind_container(struct span line)
{
    size_t at = span_find_word(span_cut(line, 0, PREFIX_MOST), " | ");

    return at < line.len && at < PREFIX_MOST ? span_from(line, at + 2) : line;
}

static bool begins_with_number(struct span line)
{
    return line.len > 2 && line.at[0] == '#' && str_is_digit(line.at[1]);
}

static bool has(struct span line, const char *words)
{
    return span_find_word(line, words) < line.len;
}

/* Where in a program it happened. */
static bool is_frame(struct span line)
{
    static const char *const begins[] = { "File \"",       "bei System.",        "en System.", "+ CategoryInfo",
                                          "+ FullyQualif", "\xc3\xa0 System.",   "^^",         "~~",
                                          "+ ~",           "\xd0\xb2 System.",   "from /" };

    for (size_t i = 0; i < COUNT(begins); i++)
        if (span_starts(line, begins[i]))
            return true;
    if (span_starts_word(line, "at "))
        return has(line, "(") || has(line, " char:") || span_starts_word(line, "at /") || span_starts_word(line, "at file:");
    return begins_with_number(line) || has(line, ".rb:") || (line.len && line.at[0] == '/' && has(line, ".go:"));
}

static bool is_key_char(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || strchr("_.-'\"[]$", c) != NULL;
}

/* "error: unauthorized" is no setting. */
static bool is_outcome(struct span key)
{
    static const char *const words[] = { "err", "fail", "reason", "message", "msg", "status", "exception", "warn",
                                         "result", "cause", "response", "said", "detail", "text", "code" };

    for (size_t i = 0; i < COUNT(words); i++)
        if (has(key, words[i]))
            return true;
    return false;
}

/* "SMTP_PORT=587", "  user: 'me'", "# smtp_tls = true". */
static bool is_setting(struct span line)
{
    struct scan scan = scan_of(line);
    struct span key;

    while (scan_char(&scan, '#') || scan_char(&scan, ';') || scan_char(&scan, '-') || scan_char(&scan, '>') ||
           scan_char(&scan, ' '))
        ;
    if (!scan_while(&scan, is_key_char, &key) || key.len < KEY_LEAST || key.len > KEY_MOST || is_outcome(key))
        return false;
    scan_blanks(&scan);
    if (!(scan_text(&scan, "=>") || scan_char(&scan, '=') || scan_char(&scan, ':')))
        return false;
    struct span value = span_trim(scan_rest(&scan));
    size_t comment = span_find_word(value, " #");
    value = span_trim(span_cut(value, 0, comment));
    return span_find(value, ' ') == value.len;
}

static bool is_comment(struct span line)
{
    return line.len > 1 && (line.at[0] == '#' || line.at[0] == ';') && !str_is_digit(line.at[1]);
}

static size_t count_settings(struct span text)
{
    struct scan scan = scan_of(text);
    struct span line;
    size_t count = 0;

    while (next_line(&scan, &line))
        count += is_setting(span_trim(behind_container(line)));
    return count;
}

/* How long a field without a value is, as in {"user_name": null}; 0: here is none. */
static size_t null_field(struct span rest)
{
    struct scan scan = scan_of(rest);
    struct span key;

    if (!scan_char(&scan, '"') || !scan_until(&scan, '"', &key) || key.len > KEY_MOST)
        return 0;
    scan_blanks(&scan);
    if (!scan_char(&scan, ':'))
        return 0;
    scan_blanks(&scan);
    return scan_text(&scan, "null") ? scan.at : 0;
}

/* "/var/www/html/Transport.php:132,", "Zend\\Mail\\Exception(code:". */
static bool is_path(struct span word)
{
    size_t slashes = 0, classes = 0;

    for (size_t i = 0; i + 1 < word.len; i++) {
        slashes += word.at[i] == '/';
        classes += word.at[i] == '\\' && word.at[i + 1] >= 'A' && word.at[i + 1] <= 'Z';
    }
    return classes > 1 || slashes > 2 || (slashes > 1 && word.at[0] == '/');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void add_words(struct buf *out, struct span line)
{
    for (size_t at = 0; at < line.len;) {
        size_t end = at, skip = null_field(span_from(line, at));
        if (skip) {
            at += skip;
            continue;
        }
        do
            end++;
        while (end < line.len && !is_blank(line.at[end]) && line.at[end] != '"' && line.at[end] != '{');
        struct span word = span_cut(line, at, end);
        if (!is_path(word))
            buf_add_span(out, word);
        at = end;
    }
    buf_add_char(out, '\n');
}

void text_said(struct buf *out, struct span text)
{
    bool settings = count_settings(text) >= SETTINGS_LEAST, source = false;
    struct scan scan = scan_of(text);
    struct span raw;

    while (next_line(&scan, &raw)) {
        struct span line = behind_container(raw);
        bool indented = line.len > SOURCE_INDENT && is_blank(line.at[0]) && is_blank(line.at[SOURCE_INDENT - 1]);
        struct span words = span_trim(line);
        bool quoted = source && indented;
        source = span_starts(words, "File \"");
        if (quoted || is_frame(words) || (settings && (is_setting(words) || is_comment(words))))
            continue;
        add_words(out, words);
    }
}
