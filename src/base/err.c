#include "base/err.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#include "base/banned.h"

static const struct {
    int status;
    const char *words;
} kinds[] = {
#define X(kind, status, words) [ERR_##kind] = { status, words },
    ERR_KINDS(X)
#undef X
};

int err_exit_status(enum err_kind kind)
{
    return kinds[kind].status;
}

const char *err_kind_words(enum err_kind kind)
{
    return kinds[kind].words;
}

/* Our words hold names and arguments that others chose: what could command a terminal, and what a cut
 * left of a letter, becomes '?'. In place, for nothing may grow here. */
static void make_safe(char *text)
{
    struct span rest = span_of(text);

    while (rest.len) {
        size_t len = str_utf8_len(rest);
        if (len == 0 || !str_is_safe(span_cut(rest, 0, len)))
            memset(text, '?', len ? len : 1);
        text += len ? len : 1;
        rest = span_from(rest, len ? len : 1);
    }
}

static void PRINTF_LIKE(4, 0) begin(struct err *err, enum err_kind kind, const char *fact,
                                    const char *format, va_list args)
{
    *err = (struct err){ .kind = kind, .fact = fact };
    vsnprintf(err->text, sizeof err->text, format, args);
    make_safe(err->text);
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list args;

    if (!err)
        return false;
    va_start(args, format);
    begin(err, kind, NULL, format, args);
    va_end(args);
    return false;
}

bool err_found(struct err *err, enum err_kind kind, const char *fact, const char *format, ...)
{
    va_list args;

    if (!err)
        return false;
    va_start(args, format);
    begin(err, kind, fact, format, args);
    va_end(args);
    return false;
}

bool err_sys(struct err *err, enum err_kind kind, int sys, const char *format, ...)
{
    va_list args;

    if (!err)
        return false;
    va_start(args, format);
    begin(err, kind, NULL, format, args);
    va_end(args);
    err->sys = sys;
    size_t len = strlen(err->text);
    snprintf(err->text + len, sizeof err->text - len, ": %s", strerror(sys));
    return false;
}

bool err_no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "no memory is left");
}

bool err_in(struct err *err, const char *format, ...)
{
    char inner[ERR_TEXT_MAX];
    va_list args;

    if (!err)
        return false;
    memcpy(inner, err->text, sizeof inner);
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t len = strlen(err->text);
    snprintf(err->text + len, sizeof err->text - len, ": %.*s", (int)sizeof inner - 1, inner);
    make_safe(err->text);
    return false;
}

/* str_printable() writes to a buf, and a buf allocates; so this is its plain cousin: what is not
 * printable UTF-8 becomes '?', and nothing grows. */
/* Printable in ISO 8859-1, which old servers still speak; and as which other old encodings are shown, so that their
 * words can be known again. */
static bool is_latin_letter(char c)
{
    return (unsigned char)c >= 0xa0 && (unsigned char)c != 0xad;
}

/* One character of a word at `out`, made safe; returns the octets that it took. */
static size_t say_character(char *said, size_t *out, struct span word, bool is_utf8)
{
    unsigned char c = (unsigned char)word.at[0];
    size_t len = is_utf8 || c < 0x80 ? str_utf8_len(word) : 0;

    if (len && str_is_safe(span_cut(word, 0, len))) {
        memcpy(said + *out, word.at, len);
        *out += len;
        return len;
    }
    if (!is_utf8 && is_latin_letter(word.at[0])) {
        said[(*out)++] = (char)(0xc0 | c >> 6);
        said[(*out)++] = (char)(0x80 | (c & 0x3f));
        return 1;
    }
    said[(*out)++] = c == '\t' ? ' ' : '?';
    return len ? len : 1;
}

bool err_said(struct err *err, struct span foreign)
{
    size_t out = 0;
    struct span word;

    if (!err)
        return false;
    while (foreign.len && out + 5 < sizeof err->said) {
        word = span_cut(foreign, 0, span_find(foreign, ' ') + 1);
        bool is_utf8 = str_is_utf8(word);
        foreign = span_from(foreign, word.len);
        while (word.len && out + 5 < sizeof err->said)
            word = span_from(word, say_character(err->said, &out, word, is_utf8));
    }
    err->said[out] = '\0';
    return false;
}
