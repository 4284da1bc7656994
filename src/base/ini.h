/* Configuration files: sections, keys, values, and the line each stands on.
 *
 *     # a comment stands at the start of a line or after white space
 *     [account live]                 a kind and, where there may be several, a name
 *     server   = smtp.example.com    a value is trimmed
 *     password = "a # in \"quotes\"" \" and \\ are the only escapes
 *
 * A text is read whole or refused, with the line in the error (ERR_CONFIG, config:bad). It must be
 * UTF-8 without control characters but tab; lines end with LF or CRLF and have at most 64 KB. Keys
 * and kinds are of letters, digits, '_', '-', '.'; a key belongs to a section. A repeated key or
 * section is kept: whether it may be repeated is the reader's to say.
 *
 * Every span handed out lies in the ini's own memory, ends with a NUL (so `.at` is a C string) and
 * is good until ini_free().
 */
#ifndef OUTPOST_BASE_INI_H
#define OUTPOST_BASE_INI_H

#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "base/span.h"

enum {
    INI_TEXT_MAX = 4 * 1024 * 1024,
    INI_LINE_MAX = 64 * 1024,
    INI_ENTRIES_MAX = 100 * 1000, /* sections and keys together */
};

struct ini_entry {
    struct span key, value; /* without quotes and escapes */
    unsigned line;          /* from 1 */
};

struct ini_section {
    struct span kind, name; /* the name is empty where none was written */
    unsigned line;
    const struct ini_entry *entries; /* in the order of the file */
    size_t count;
};

struct ini;

MUST_USE bool ini_parse(struct span text, struct ini **ret_ini, struct err *err);
void ini_free(struct ini *ini);
OWNED(ini);

/* Names the file in an error that tells a line first, as those of ini_parse() and settings_read() do:
 * "line 3: ..." becomes "FILE:3: ...", any other "FILE: ...". Always false. */
bool ini_in_file(struct err *err, const char *file);

size_t ini_count(const struct ini *ini);                                    /* of sections */
const struct ini_section *ini_section_at(const struct ini *ini, size_t at); /* at < ini_count() */
/* The first of this kind and name ("" for none); NULL where there is none. */
const struct ini_section *ini_find(const struct ini *ini, const char *kind, const char *name);

/* The first entry with this key behind `after` (NULL: from the front), or NULL. So a repeated key:
 *     for (const struct ini_entry *e = NULL; (e = ini_next(section, e, "example"));)
 */
const struct ini_entry *ini_next(const struct ini_section *section, const struct ini_entry *after,
                                 const char *key);
/* The first value of a key; SPAN_NONE, whose `at` is NULL, where there is none. */
struct span ini_value(const struct ini_section *section, const char *key);

/* Writing: the text of a file, piece by piece. What is added reads back as it was. False, and
 * nothing added, for a key, kind, name or value that no file can hold (a line end, a control
 * character, not UTF-8, a ']' in a name, more than 16 KB) and where *out is full. */
MUST_USE bool ini_add_section(struct buf *out, const char *kind, const char *name_or_null);
MUST_USE bool ini_add(struct buf *out, const char *key, struct span value);
MUST_USE bool ini_add_comment(struct buf *out, const char *text);

/* Editing: adds to *out the text with this key of this section set to the value, and all else,
 * comments too, as it was. A value without memory (SPAN_NONE) takes the key away. A key not there
 * yet goes to the end of its section, a section not there yet to the end of the text. Fails as
 * ini_parse() does, and where ini_add() would. */
MUST_USE bool ini_set(struct buf *out, struct span text, const char *kind, const char *name_or_null,
                      const char *key, struct span value, struct err *err);

#endif
