#include "base/ini.h"

#include "base/scan.h"
#include "base/str.h"

#include "base/banned.h"

static bool is_word(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!str_is_alpha(*c) && !str_is_digit(*c) && *c != '_' && *c != '-' && *c != '.')
            return false;
    return *text != '\0';
}

static bool fits_a_line(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return text.len <= INI_LINE_MAX / 4 && str_is_utf8(text);
}

static bool needs_quotes(struct span value)
{
    return !span_equal(value, span_trim(value)) || span_find(value, '#') < value.len ||
           (value.len && value.at[0] == '"');
}

bool ini_add_section(struct buf *out, const char *kind, const char *name_or_null)
{
    struct span name = span_of(name_or_null);

    if (!is_word(kind) || !fits_a_line(name) || span_find(name, ']') < name.len ||
        !span_equal(name, span_trim(name)))
        return false;
    if (out->len)
        buf_add(out, "\n");
    buf_addf(out, "[%s%s%.*s]\n", kind, name.len ? " " : "", SPAN_ARG(name));
    return !out->full;
}

bool ini_add(struct buf *out, const char *key, struct span value)
{
    if (!is_word(key) || !fits_a_line(value))
        return false;
    buf_addf(out, "%s = ", key);
    if (!needs_quotes(value)) {
        buf_add_span(out, value);
    } else {
        buf_add_char(out, '"');
        for (size_t i = 0; i < value.len; i++) {
            if (value.at[i] == '"' || value.at[i] == '\\')
                buf_add_char(out, '\\');
            buf_add_char(out, value.at[i]);
        }
        buf_add_char(out, '"');
    }
    buf_add(out, "\n");
    return !out->full;
}

bool ini_add_comment(struct buf *out, const char *text)
{
    if (!fits_a_line(span_of(text)))
        return false;
    buf_addf(out, "# %s\n", text);
    return !out->full;
}

/* Where an edit happens: these lines go, and the new line comes before line `at`. */
struct place {
    const struct ini_section *section; /* NULL: a new one at the end */
    unsigned at;
};

static struct place find_place(const struct ini *ini, const char *kind, const char *name,
                               const char *key)
{
    const struct ini_section *section = ini_find(ini, kind, name);
    if (!section)
        return (struct place){ NULL, 0 };
    const struct ini_entry *entry = ini_next(section, NULL, key);
    if (entry)
        return (struct place){ section, entry->line };
    unsigned last = section->count ? section->entries[section->count - 1].line : section->line;
    return (struct place){ section, last + 1 };
}

static bool line_has_key(const struct ini_section *section, const char *key, unsigned line)
{
    for (const struct ini_entry *e = NULL; (e = ini_next(section, e, key));)
        if (e->line == line)
            return true;
    return false;
}

bool ini_set(struct buf *out, struct span text, const char *kind, const char *name_or_null,
             const char *key, struct span value, struct err *err)
{
    OWN(ini) ini = NULL;
    if (!ini_parse(text, &ini, err))
        return false;
    struct place place = find_place(ini, kind, name_or_null ? name_or_null : "", key);
    struct scan scan = scan_of(text);
    struct span line;
    unsigned number = 1;
    bool good = true;

    for (; scan_line(&scan, &line); number++) {
        if (place.section && number == place.at && value.at)
            good = good && ini_add(out, key, value);
        if (place.section && line_has_key(place.section, key, number))
            continue;
        buf_add_span(out, line);
        buf_add(out, "\n");
    }
    if (value.at && place.section && place.at == number)
        good = good && ini_add(out, key, value);
    if (value.at && !place.section)
        good = good && ini_add_section(out, kind, name_or_null) && ini_add(out, key, value);
    if (!good || out->full)
        return err_set(err, ERR_DATA, "no file can hold this value of %s", key);
    return true;
}
