#include "base/form.h"

#include "base/str.h"

#include "base/banned.h"

static bool is_plain(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void form_escape(struct buf *out, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (is_plain(value.at[i]))
            buf_add_char(out, value.at[i]);
        else
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)value.at[i]);
    }
}

void form_add(struct buf *out, const char *key, struct span value)
{
    if (out->len && out->at[out->len - 1] != '?')
        buf_add_char(out, '&');
    form_escape(out, span_of(key));
    buf_add_char(out, '=');
    form_escape(out, value);
}

void form_add_text(struct buf *out, const char *key, const char *value)
{
    if (value)
        form_add(out, key, span_of(value));
}

void form_add_secret(struct buf *out, const char *key, const struct secret *value)
{
    form_add(out, key, secret_bytes(value));
}

static int digit_of(char c)
{
    c = str_lower(c);
    return str_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False for a '%' without its two digits. */
static bool unescape(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        int high = 0, low = 0;
        if (text.at[i] != '%') {
            buf_add_char(out, text.at[i] == '+' ? ' ' : text.at[i]);
            continue;
        }
        if (text.len - i < 3 || (high = digit_of(text.at[i + 1])) < 0 || (low = digit_of(text.at[i + 2])) < 0)
            return false;
        buf_add_char(out, (char)(high << 4 | low));
        i += 2;
    }
    return !out->full;
}

enum form_found form_value(struct span form, const char *key, struct buf *out)
{
    struct span part, found = SPAN_NONE;
    bool once = false;

    while (span_split(&form, '&', &part)) {
        size_t equals = span_find(part, '=');
        if (!span_is(span_cut(part, 0, equals), key))
            continue;
        if (once)
            return FORM_TWICE;
        once = true;
        found = span_from(part, equals + 1);
    }
    size_t before = out->len;
    if (!once || unescape(out, found))
        return once ? FORM_ONE : FORM_NONE;
    buf_cut(out, before);
    return FORM_BAD;
}
