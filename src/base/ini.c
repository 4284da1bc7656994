#include "base/ini.h"

#include "base/alloc.h"
#include "base/scan.h"
#include "base/str.h"

#include "base/banned.h"

struct ini {
    char *text; /* a copy, cut into C strings in place */
    struct ini_section *sections;
    size_t section_count, section_room;
    struct ini_entry *entries;
    size_t entry_count, entry_room;
};

bool ini_in_file(struct err *err, const char *file)
{
    uint64_t line;

    if (!err)
        return false;
    struct scan scan = scan_of(span_of(err->text));
    if (!scan_text(&scan, "line ") || !scan_number(&scan, 1, UINT32_MAX, &line) || !scan_text(&scan, ": "))
        return err_in(err, "%s", file);
    memmove(err->text, err->text + scan.at, strlen(err->text) - scan.at + 1);
    return err_in(err, "%s:%u", file, (unsigned)line);
}

size_t ini_count(const struct ini *ini)
{
    return ini->section_count;
}

const struct ini_section *ini_section_at(const struct ini *ini, size_t at)
{
    return &ini->sections[at];
}

const struct ini_section *ini_find(const struct ini *ini, const char *kind, const char *name)
{
    for (size_t i = 0; i < ini->section_count; i++)
        if (span_is(ini->sections[i].kind, kind) && span_is(ini->sections[i].name, name))
            return &ini->sections[i];
    return NULL;
}

const struct ini_entry *ini_next(const struct ini_section *section, const struct ini_entry *after,
                                 const char *key)
{
    size_t i = after ? (size_t)(after - section->entries) + 1 : 0;

    for (; i < section->count; i++)
        if (span_is(section->entries[i].key, key))
            return &section->entries[i];
    return NULL;
}

struct span ini_value(const struct ini_section *section, const char *key)
{
    const struct ini_entry *entry = ini_next(section, NULL, key);
    return entry ? entry->value : SPAN_NONE;
}

void ini_free(struct ini *ini)
{
    if (!ini)
        return;
    mem_free(ini->text);
    mem_free(ini->sections);
    mem_free(ini->entries);
    mem_free(ini);
}

static bool bad(struct err *err, const char *why)
{
    return err_found(err, ERR_CONFIG, "config:bad", "%s", why);
}

static bool is_word_char(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || c == '_' || c == '-' || c == '.';
}

/* Room for one more in a growing array; both arrays together stay within INI_ENTRIES_MAX. */
static bool grow(struct ini *ini, void *array, size_t count, size_t *room, size_t size,
                 void **ret_array, struct err *err)
{
    if (ini->section_count + ini->entry_count >= INI_ENTRIES_MAX)
        return bad(err, "too many keys for one file");
    if (count < *room) {
        *ret_array = array;
        return true;
    }
    size_t more = *room ? *room * 2 : 32;
    void *larger = mem_resize(array, more, size);
    if (!larger)
        return err_no_memory(err);
    *room = more;
    *ret_array = larger;
    return true;
}

static bool add_section(struct ini *ini, struct ini_section section, struct err *err)
{
    void *array;

    if (!grow(ini, ini->sections, ini->section_count, &ini->section_room, sizeof section, &array,
              err))
        return false;
    ini->sections = array;
    ini->sections[ini->section_count++] = section;
    return true;
}

static bool add_entry(struct ini *ini, struct ini_entry entry, struct err *err)
{
    void *array;

    if (!grow(ini, ini->entries, ini->entry_count, &ini->entry_room, sizeof entry, &array, err))
        return false;
    ini->entries = array;
    ini->entries[ini->entry_count++] = entry;
    ini->sections[ini->section_count - 1].count++;
    return true;
}

/* Nothing more on this line but white space and a comment. */
static bool only_comment(struct span rest)
{
    struct scan scan = scan_of(rest);

    scan_blanks(&scan);
    return scan_end(&scan) || (scan_peek(&scan) == '#' && scan.at > 0);
}

/* "kind name]", the '[' taken already. */
static bool read_section(struct ini *ini, struct scan *scan, unsigned line, struct err *err)
{
    struct ini_section section = { .line = line };
    struct span inside;

    if (!scan_until(scan, ']', &inside))
        return bad(err, "a section's name ends with ]");
    if (!only_comment(scan_rest(scan)))
        return bad(err, "only a comment may stand behind a section's ]");
    struct scan words = scan_of(span_trim(inside));
    if (!scan_while(&words, is_word_char, &section.kind))
        return bad(err, "a section begins with a word: [kind] or [kind name]");
    section.name = span_trim(scan_rest(&words));
    if (section.name.len && !scan_char(&words, ' ') && !scan_char(&words, '\t'))
        return bad(err, "a section begins with a word: [kind] or [kind name]");
    return add_section(ini, section, err);
}

/* The value without its quotes; escapes are undone where they stand, for it only gets shorter. */
static bool read_quoted(struct ini *ini, struct scan *scan, struct span *ret_value, struct err *err)
{
    char *start = ini->text + (scan->all.at + scan->at - ini->text), *to = start;

    for (; !scan_end(scan); scan->at++) {
        char c = scan_peek(scan);
        if (c == '"') {
            scan->at++;
            if (!only_comment(scan_rest(scan)))
                return bad(err, "only a comment may stand behind the closing quote");
            *ret_value = (struct span){ start, (size_t)(to - start) };
            return true;
        }
        if (c == '\\') {
            scan->at++;
            c = scan_peek(scan);
            if (c != '"' && c != '\\')
                return bad(err, "within quotes, a backslash stands before \" or \\ only");
        }
        *to++ = c;
    }
    return bad(err, "a closing quote is missing");
}

/* The value that begins at `from`, up to a comment: a '#' behind white space. */
static struct span bare_value(struct span line, size_t from)
{
    for (size_t i = from; i < line.len; i++)
        if (line.at[i] == '#' && (line.at[i - 1] == ' ' || line.at[i - 1] == '\t'))
            return span_trim(span_cut(line, from, i));
    return span_trim(span_from(line, from));
}

static bool read_entry(struct ini *ini, struct scan *scan, unsigned line, struct err *err)
{
    struct ini_entry entry = { .line = line };

    if (!scan_while(scan, is_word_char, &entry.key))
        return bad(err, "neither a [section], nor key = value, nor a # comment");
    scan_blanks(scan);
    if (!scan_char(scan, '='))
        return bad(err, "a key is followed by = and its value");
    if (ini->section_count == 0)
        return bad(err, "a key before the first [section]");
    scan_blanks(scan);
    if (!scan_char(scan, '"'))
        entry.value = bare_value(scan->all, scan->at);
    else if (!read_quoted(ini, scan, &entry.value, err))
        return false;
    return add_entry(ini, entry, err);
}

static bool check_line(struct span line, struct err *err)
{
    if (line.len > INI_LINE_MAX)
        return bad(err, "the line is longer than 64 KB");
    bool ascii = true;
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return bad(err, "a control character");
        ascii = ascii && c < 0x80;
    }
    return ascii || str_is_utf8(line) || bad(err, "not UTF-8");
}

static bool read_line(struct ini *ini, struct span line, unsigned number, struct err *err)
{
    if (!check_line(line, err))
        return false;
    struct scan scan = scan_of(line);
    scan_blanks(&scan);
    if (scan_end(&scan) || scan_peek(&scan) == '#')
        return true;
    if (scan_char(&scan, '['))
        return read_section(ini, &scan, number, err);
    return read_entry(ini, &scan, number, err);
}

/* Each span gets its NUL, and each section its entries: only now, when nothing is read or moved any
 * more. The byte behind a span is a blank, a quote, a '=', a ']', a line end or the text's own NUL.
 */
static void finish(struct ini *ini)
{
    size_t at = 0;

    for (size_t i = 0; i < ini->section_count; i++) {
        struct ini_section *section = &ini->sections[i];
        ini->text[section->kind.at - ini->text + (ptrdiff_t)section->kind.len] = '\0';
        ini->text[section->name.at - ini->text + (ptrdiff_t)section->name.len] = '\0';
        section->entries = ini->entries ? ini->entries + at : NULL;
        at += section->count;
    }
    for (size_t i = 0; i < ini->entry_count; i++) {
        const struct ini_entry *entry = &ini->entries[i];
        ini->text[entry->key.at - ini->text + (ptrdiff_t)entry->key.len] = '\0';
        ini->text[entry->value.at - ini->text + (ptrdiff_t)entry->value.len] = '\0';
    }
}

bool ini_parse(struct span text, struct ini **ret_ini, struct err *err)
{
    if (text.len > INI_TEXT_MAX)
        return bad(err, "the file is larger than 4 MB");
    OWN(ini) ini = NEW(ini);
    if (!ini || !(ini->text = str_copy_span(text)))
        return err_no_memory(err);

    struct scan scan = scan_of((struct span){ ini->text, text.len });
    (void)scan_text(&scan, "\xef\xbb\xbf"); /* a mark that editors on Windows leave */
    struct span line;
    for (unsigned number = 1; scan_line(&scan, &line); number++)
        if (!read_line(ini, line, number, err))
            return err_in(err, "line %u", number);
    finish(ini);
    *ret_ini = GIVE(ini);
    return true;
}
