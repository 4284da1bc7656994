/* A table of settings: what a section may hold, each key's type, default and meaning. From it a section
 * is read into a struct, unknown keys are refused with the nearest known one, and the documentation
 * and `config show` are made.
 *
 *     static const struct setting settings[] = {
 *         { "server", SETTING_HOST, offsetof(struct account, server), .doc = "host and port" },
 *
 * The member at `offset` has the type that belongs to the setting's:
 *
 *     SETTING_TEXT       char *                   any text
 *     SETTING_BOOL       bool                     yes | no (true | false, on | off)
 *     SETTING_WORD       unsigned                 one of `words`: its place there, from 1; 0 is "not set"
 *     SETTING_NUMBER     uint64_t                 decimal, least..most
 *     SETTING_SIZE       uint64_t                 bytes: 35M is 35 * 1024 * 1024; K M G
 *     SETTING_DURATION   uint64_t                 milliseconds: 30s 5m 2h 5d
 *     SETTING_HOST       struct setting_host      HOST, HOST:PORT, [IPV6]:PORT
 *     SETTING_LIST       struct setting_list      words between commas
 *
 * A struct of all zeros is one in which nothing is set; settings_done() frees what its members hold.
 */
#ifndef OUTPOST_BASE_SETTINGS_H
#define OUTPOST_BASE_SETTINGS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/ini.h"
#include "base/own.h"
#include "base/span.h"

enum setting_type {
    SETTING_TEXT,
    SETTING_BOOL,
    SETTING_WORD,
    SETTING_NUMBER,
    SETTING_SIZE,
    SETTING_DURATION,
    SETTING_HOST,
    SETTING_LIST,
};

struct setting_host {
    char *name;    /* without brackets; NULL: not set */
    uint16_t port; /* 0: not said */
};

struct setting_list {
    char **at;
    size_t count;
};

struct setting {
    const char *key;
    enum setting_type type;
    size_t offset;
    const char *const *words; /* SETTING_WORD: ends with NULL */
    uint64_t least, most;     /* of numbers, sizes (bytes) and durations (ms); most 0: no bound */
    const char *fallback;     /* the default, as it would be written; NULL: none */
    bool (*check)(struct span value, struct err *err); /* one more look at the text; or NULL */
    bool hidden;              /* its value is nobody's business: a password's hash */
    const char *doc;          /* one line */
};

struct setting_kind { /* a kind of section */
    const char *kind;
    bool named; /* [account live]; else [outpost] */
    const struct setting *settings;
    size_t count;
    const char *doc;
};

/* Where a value comes from. */
struct setting_origin {
    const char *from; /* a file's name, or other words such as "the profile"; NULL: not set. Not owned */
    unsigned line;    /* 0: not from a line */
    bool filled;      /* nobody wrote it: a default, or what is known elsewhere */
};

/* The kind of a section, among these; else ERR_CONFIG naming the nearest, or a name where none may be. */
MUST_USE bool setting_kind_find(const struct setting_kind *const *kinds, size_t count,
                                const struct ini_section *section, const struct setting_kind **ret_kind,
                                struct err *err);

/* Reads a section over what *into holds: what it names is replaced, the rest stays. origins[] has one
 * place for each setting. ERR_CONFIG (config:bad) with "line N: ..." for an unknown or repeated key or
 * a value that is wrong; *into may then be half changed, and must be freed all the same. */
MUST_USE bool settings_read(const struct setting_kind *kind, const struct ini_section *section,
                            const char *from, void *into, struct setting_origin *origins,
                            struct err *err);

/* Sets one key, as if it stood in a file. */
MUST_USE bool settings_set(const struct setting_kind *kind, const char *key, struct span value,
                           struct setting_origin origin, void *into, struct setting_origin *origins,
                           struct err *err);

/* Gives what is not set its default, if it has one; the origin becomes "default". */
MUST_USE bool settings_fill(const struct setting_kind *kind, void *into, struct setting_origin *origins,
                            struct err *err);

/* "30s", "5m", "2h", "5d", as SETTING_DURATION reads it, in milliseconds. False: it is none. */
MUST_USE bool setting_duration(struct span value, uint64_t *ret_ms);

/* The setting with this key, or NULL; its place in the table is `setting - kind->settings`. */
const struct setting *setting_find(const struct setting_kind *kind, struct span key);

/* What is wrong with a value can only be seen beside others: ERR_CONFIG (config:bad), "FILE:N: KEY: WHY",
 * or "KIND NAME: KEY: WHY" where nobody wrote it (`name` may be NULL). Always false. */
bool setting_wrong(const struct setting_kind *kind, const struct setting_origin *origins, const char *name,
                   const char *key, struct err *err, const char *why);

enum { SETTING_NAME_MAX = 64 };

/* Names of sections become names of files: letters, digits and . _ - @ +, the first a letter or a digit.
 * ERR_CONFIG with the reason why one won't do. */
MUST_USE bool setting_name_check(struct span name, struct err *err);
bool setting_is_name_char(char c);

/* Adds the value as it would be written in a file. */
void setting_show(const struct setting *setting, const void *from, struct buf *out);

void settings_done(const struct setting_kind *kind, void *of);

#endif
