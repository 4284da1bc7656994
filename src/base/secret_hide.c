/* A secret starred out of foreign text: a server that refuses may say what it was given, as it is or as it
 * was encoded on its way. */
#include "base/secret.h"
#include "base/str.h"

#include "base/banned.h"

enum {
    SHORTEST = 4,    /* shorter ones stand in too many words that have nothing to do with them */
    LONG = 32,       /* a token; of a password the beginning may be an ordinary word */
    TELLING = 16,    /* so many first bytes of a long one are hidden, though no more follow */
    CUT_TELLING = 8, /* or so many, where the text or a word ends behind them */
    DECODED_MAX = 16 * 1024,
};

/* How much of the secret stands at the front; 0: not enough to matter. */
static size_t at_front(struct span text, struct span secret)
{
    size_t same = 0;

    while (same < text.len && same < secret.len && text.at[same] == secret.at[same])
        same++;
    if (same == secret.len)
        return same;
    bool telling = same >= TELLING || (same == text.len && same >= CUT_TELLING);
    return secret.len >= LONG && telling ? same : 0;
}

static bool holds(struct span text, struct span secret)
{
    for (size_t i = 0; i < text.len; i++)
        if (at_front(span_from(text, i), secret))
            return true;
    return false;
}

/* ---- words that may hold it, encoded ---- */

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (str_is_digit(c))
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

static int hex_value(char c)
{
    if (str_is_digit(c))
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_base64(char c)
{
    return base64_value(c) >= 0;
}

static bool is_percent_form(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || c == '%' || c == '+' || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

/* Mild, as a strict one would pass over a word that is cut. */
static void decode_base64(struct buf *out, struct span word)
{
    unsigned bits = 0, held = 0;

    for (size_t i = 0; i < word.len; i++) {
        bits = (bits << 6 | (unsigned)base64_value(word.at[i])) & 0xFFFF;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        buf_add_char(out, (char)(bits >> held & 0xFF));
    }
}

static void decode_percent(struct buf *out, struct span word)
{
    for (size_t i = 0; i < word.len; i++) {
        bool escaped = word.at[i] == '%' && i + 2 < word.len && hex_value(word.at[i + 1]) >= 0 &&
                       hex_value(word.at[i + 2]) >= 0;
        if (escaped) {
            buf_add_char(out, (char)(hex_value(word.at[i + 1]) << 4 | hex_value(word.at[i + 2])));
            i += 2;
        } else {
            buf_add_char(out, word.at[i] == '+' ? ' ' : word.at[i]);
        }
    }
}

static const struct encoding {
    bool (*is)(char c);
    void (*decode)(struct buf *out, struct span word);
    size_t group; /* so many bytes belong together: what stands in front may be none of it */
} encodings[] = {
    { is_base64, decode_base64, 4 },
    { is_percent_form, decode_percent, 1 },
};

static bool word_holds(const struct encoding *encoding, struct span word, struct span secret)
{
    for (size_t skip = 0; skip < encoding->group; skip++) {
        HELD(buf) plain = BUF(DECODED_MAX);
        encoding->decode(&plain, span_from(word, skip));
        if (holds(buf_span(&plain), secret))
            return true;
    }
    return false;
}

/* How long the word at the front is that holds the secret in some form; 0: none does. */
static size_t encoded_at_front(struct span text, struct span secret)
{
    for (size_t e = 0; e < COUNT(encodings); e++) {
        size_t len = 0;
        while (len < text.len && len < DECODED_MAX && encodings[e].is(text.at[len]))
            len++;
        if (len < SHORTEST || !word_holds(&encodings[e], span_cut(text, 0, len), secret))
            continue;
        while (len < text.len && text.at[len] == '=') /* its padding */
            len++;
        return len;
    }
    return 0;
}

/* ---- the text ---- */

void secret_hide(struct buf *out, struct span text, const struct secret *secret)
{
    struct span bytes = secret_bytes(secret);
    bool word_begins = true;

    if (bytes.len < SHORTEST) {
        buf_add_span(out, text);
        return;
    }
    for (size_t i = 0; i < text.len;) {
        struct span rest = span_from(text, i);
        size_t len = at_front(rest, bytes);
        if (!len && word_begins)
            len = encoded_at_front(rest, bytes);
        if (len)
            buf_add(out, "***");
        else
            buf_add_char(out, text.at[i]);
        word_begins = len || !(is_percent_form(text.at[i]) || is_base64(text.at[i]));
        i += len ? len : 1;
    }
}

static void hide_in(char text[ERR_TEXT_MAX], const struct secret *secret)
{
    HELD(buf) hidden = BUF(2 * ERR_TEXT_MAX);

    secret_hide(&hidden, span_of(text), secret);
    size_t len = hidden.full ? 0 : hidden.len < ERR_TEXT_MAX - 1 ? hidden.len : ERR_TEXT_MAX - 1;
    memcpy(text, buf_text(&hidden), len);
    text[len] = '\0';
}

void secret_hide_err(struct err *err, const struct secret *secret)
{
    hide_in(err->text, secret);
    hide_in(err->said, secret);
}
