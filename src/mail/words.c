#include "mail/words.h"

#include "base/base64.h"
#include "base/str.h"

#include "base/banned.h"

/*= RFC 2047 2
 *# An 'encoded-word' may not be more than 75 characters long, including
 *# 'charset', 'encoding', 'encoded-text', and delimiters.                */
enum { WORD_MAX = 75, FRAME = sizeof "=?utf-8?q?" "?=" - 1, PAYLOAD = WORD_MAX - FRAME };

bool words_are_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~')
            return false;
    return span_find_text(text, "=?") == text.len;
}

/* RFC 2047, 5 (3): what may stand in a phrase as it is. */
static bool is_q_plain(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || (c && strchr("!*+-/", c));
}

static size_t q_len(struct span bytes)
{
    size_t len = 0;

    for (size_t i = 0; i < bytes.len; i++)
        len += is_q_plain(bytes.at[i]) || bytes.at[i] == ' ' ? 1 : 3;
    return len;
}

static void q_add(struct buf *out, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (is_q_plain(bytes.at[i]))
            buf_add_char(out, bytes.at[i]);
        else if (bytes.at[i] == ' ')
            buf_add_char(out, '_');
        else
            buf_addf(out, "=%02X", (unsigned)(unsigned char)bytes.at[i]);
    }
}

static void word_add(struct buf *out, struct span bytes, bool q)
{
    buf_add(out, q ? "=?utf-8?q?" : "=?utf-8?b?");
    if (q)
        q_add(out, bytes);
    else
        base64_encode(out, bytes);
    buf_add(out, "?=");
}

void words_encode(struct buf *out, struct span text)
{
    HELD(buf) piece = BUF(WORD_MAX);
    bool q = q_len(text) <= BASE64_LEN(text.len) / 2 * 3 + 6; /* longer, but a person can read it */
    bool first = true;

    while (text.len) {
        size_t len = str_utf8_len(text);
        struct span one = len ? span_cut(text, 0, len) : SPAN("\xEF\xBF\xBD");
        size_t longer = q ? q_len(buf_span(&piece)) + q_len(one) : BASE64_LEN(piece.len + one.len);
        if (longer > PAYLOAD) {
            buf_add(out, first ? "" : " ");
            word_add(out, buf_span(&piece), q);
            buf_clear(&piece);
            first = false;
        }
        buf_add_span(&piece, one);
        text = span_from(text, len ? len : 1);
    }
    if (piece.len) {
        buf_add(out, first ? "" : " ");
        word_add(out, buf_span(&piece), q);
    }
    if (piece.full)
        out->full = true;
}

/* Blanks between two encoded-words are not shown (RFC 2047, 6.2): so the stretch from the first word
 * that needs encoding to the last is encoded whole, with the blanks and plain words in it. */
void words_encode_text(struct buf *out, struct span text)
{
    size_t from = text.len, to = 0;

    for (size_t at = 0; at < text.len;) {
        size_t end = at + span_find(span_from(text, at), ' ');
        if (!words_are_plain(span_cut(text, at, end))) {
            from = from < at ? from : at;
            to = end;
        }
        at = end + 1;
    }
    buf_add_span(out, span_cut(text, 0, from));
    if (from < to)
        words_encode(out, span_cut(text, from, to));
    buf_add_span(out, span_from(text, to > from ? to : from));
}

static int hex_value(char c)
{
    if (str_is_digit(c))
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool q_decode(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '=') {
            int high = i + 2 < text.len ? hex_value(text.at[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.at[i + 2]) : -1;
            if (i + 2 >= text.len || high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '_') {
            c = ' ';
        }
        buf_add_char(out, c);
    }
    return true;
}

/* Bytes of a known character set, as UTF-8; false for an unknown one. */
static bool charset_add(struct buf *out, struct span charset, struct span bytes)
{
    charset = span_cut(charset, 0, span_find(charset, '*')); /* RFC 2231, 5: a language behind it */
    if (span_is_word(charset, "utf-8") || span_is_word(charset, "us-ascii")) {
        if (!str_is_utf8(bytes))
            return false;
        buf_add_span(out, bytes);
        return true;
    }
    if (!span_is_word(charset, "iso-8859-1"))
        return false;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.at[i];
        if (c >= 128)
            buf_add_char(out, (char)(0xC0 | c >> 6));
        buf_add_char(out, (char)(c >= 128 ? 0x80 | (c & 0x3F) : c));
    }
    return true;
}

/* One encoded-word, which is the whole text. */
static bool word_decode(struct buf *out, struct span text)
{
    struct span charset, encoding;
    HELD(buf) bytes = BUF(1000);

    if (text.len > 1000 || !span_starts(text, "=?") || !span_ends_word(text, "?="))
        return false;
    struct span rest = span_cut(text, 2, text.len - 2);
    if (!span_split(&rest, '?', &charset) || !span_split(&rest, '?', &encoding) ||
        span_find(rest, '?') != rest.len)
        return false;
    bool good = span_is_word(encoding, "q")   ? q_decode(&bytes, rest)
                : span_is_word(encoding, "b") ? base64_decode(&bytes, rest)
                                              : false;
    return good && !bytes.full && charset_add(out, charset, buf_span(&bytes));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void words_decode(struct buf *out, struct span text)
{
    bool after_encoded = false;

    for (size_t at = 0; at < text.len;) {
        size_t word = at, end;
        while (word < text.len && is_blank(text.at[word]))
            word++;
        for (end = word; end < text.len && !is_blank(text.at[end]);)
            end++;

        size_t before = out->len;
        struct span blanks = span_cut(text, at, word);
        if (!after_encoded)
            buf_add_span(out, blanks);
        bool encoded = word_decode(out, span_cut(text, word, end));
        if (!encoded) {
            buf_cut(out, before);
            buf_add_span(out, span_cut(text, at, end));
        }
        after_encoded = encoded;
        at = end;
    }
}
