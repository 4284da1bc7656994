#include "base/base64.h"

#include "base/str.h"

#include "base/banned.h"

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char letters[] = LETTERS_AND_DIGITS "+/";
static const char letters_of_urls[] = LETTERS_AND_DIGITS "-_";

/* Up to three bytes as four letters. */
static void encode_group(char to[4], const char *letter, const char *bytes, size_t have)
{
    unsigned char in[3] = { 0 };

    memcpy(in, bytes, have);
    to[0] = letter[in[0] >> 2];
    to[1] = letter[(in[0] & 3) << 4 | in[1] >> 4];
    to[2] = have > 1 ? letter[(in[1] & 15) << 2 | in[2] >> 6] : '=';
    to[3] = have > 2 ? letter[in[2] & 63] : '=';
}

void base64_encode(struct buf *out, struct span bytes)
{
    char *to = bytes.len > SIZE_MAX / 2 ? NULL : buf_room(out, BASE64_LEN(bytes.len));

    if (!to)
        return;
    for (size_t i = 0; i < bytes.len; i += 3, to += 4)
        encode_group(to, letters, bytes.at + i, bytes.len - i < 3 ? bytes.len - i : 3);
    buf_wrote(out, BASE64_LEN(bytes.len));
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four; `pad` of its letters, 0 to 2, are '='. */
static bool decode_group(struct buf *out, const char *group, size_t pad)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - pad ? value_of(group[i]) : 0;
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    if ((pad == 1 && bits & 0xff) || (pad == 2 && bits & 0xffff))
        return false;
    const char bytes[3] = { (char)(bits >> 16), (char)(bits >> 8), (char)bits };
    buf_add_span(out, (struct span){ bytes, 3 - pad });
    return true;
}

bool base64_decode(struct buf *out, struct span text)
{
    size_t before = out->len;

    for (size_t i = 0; i < text.len; i += 4) {
        size_t pad = 0;
        if (text.len - i == 4)
            pad = text.at[i + 3] != '=' ? 0 : text.at[i + 2] != '=' ? 1 : 2;
        if (text.len - i < 4 || !decode_group(out, text.at + i, pad) || out->full) {
            buf_cut(out, before);
            return false;
        }
    }
    return true;
}

void base64url_encode(struct buf *out, struct span bytes)
{
    size_t spare = (3 - bytes.len % 3) % 3;
    char *to = bytes.len > SIZE_MAX / 2 ? NULL : buf_room(out, BASE64_LEN(bytes.len));

    if (!to)
        return;
    for (size_t i = 0; i < bytes.len; i += 3, to += 4)
        encode_group(to, letters_of_urls, bytes.at + i, bytes.len - i < 3 ? bytes.len - i : 3);
    buf_wrote(out, BASE64_LEN(bytes.len) - spare);
}

/* The same text in the other alphabet, padded; false where it isn't of this one. */
static bool to_base64(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '+' || c == '/' || c == '=')
            return false;
        buf_add_char(out, c == '-' ? '+' : c == '_' ? '/' : c);
    }
    for (size_t i = text.len; i % 4; i++)
        buf_add_char(out, '=');
    return !out->full;
}

bool base64url_decode(struct buf *out, struct span text)
{
    HELD(buf) padded = BUF(text.len + 4);

    return to_base64(&padded, text) && base64_decode(out, buf_span(&padded));
}
