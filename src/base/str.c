#include "base/str.h"

#include "base/alloc.h"

#include "base/banned.h"

char *str_copy_span(struct span bytes)
{
    if (bytes.len == SIZE_MAX)
        return NULL;
    char *copy = mem_new(bytes.len + 1);
    if (copy && bytes.len)
        memcpy(copy, bytes.at, bytes.len);
    return copy;
}

char *str_copy(const char *text)
{
    return text ? str_copy_span(span_of(text)) : NULL;
}

bool str_to_u64(struct span text, uint64_t least, uint64_t most, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!str_is_digit(text.at[i]))
            return false;
        uint64_t digit = (uint64_t)(text.at[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value < least || value > most)
        return false;
    *ret = value;
    return true;
}

bool str_to_u16(struct span text, uint16_t least, uint16_t most, uint16_t *ret)
{
    uint64_t value;

    if (!str_to_u64(text, least, most, &value))
        return false;
    *ret = (uint16_t)value;
    return true;
}

/* The character at the front and its length; 0 where it is not valid UTF-8 (RFC 3629, 4). */
static size_t utf8_read(struct span text, uint32_t *ret_char)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    if (text.len == 0)
        return 0;
    unsigned char first = (unsigned char)text.at[0];
    size_t len = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first > 0xf4 || (first >= 0x80 && first < 0xc2) || len > text.len)
        return 0;

    uint32_t c = len == 1 ? first : first & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        unsigned char next = (unsigned char)text.at[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        c = (c << 6) | (next & 0x3fU);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret_char = c;
    return len;
}

size_t str_utf8_len(struct span text)
{
    uint32_t c;
    return utf8_read(text, &c);
}

bool str_is_utf8(struct span text)
{
    while (text.len) {
        size_t len = str_utf8_len(text);
        if (len == 0)
            return false;
        text = span_from(text, len);
    }
    return true;
}

bool str_is_ascii(struct span text)
{
    uint64_t all = 0, word;
    size_t at = 0;

    for (; text.len - at >= sizeof word; at += sizeof word) { /* whole messages are asked about */
        memcpy(&word, text.at + at, sizeof word);
        all |= word;
    }
    for (; at < text.len; at++)
        all |= (unsigned char)text.at[at];
    return !(all & UINT64_C(0x8080808080808080));
}

/* Characters that move the cursor, end a line, or turn the reading direction of what follows. */
static bool unsafe_to_show(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
           (c >= 0xe0000 && c <= 0xe007f);
}

bool str_is_safe(struct span text)
{
    while (text.len) {
        uint32_t c;
        size_t len = utf8_read(text, &c);
        if (len == 0 || unsafe_to_show(c))
            return false;
        text = span_from(text, len);
    }
    return true;
}

void str_printable(struct buf *out, struct span foreign, size_t most)
{
    size_t start = out->len;

    while (foreign.len && !out->full) {
        uint32_t c = 0;
        size_t len = utf8_read(foreign, &c);
        if (out->len - start + (len ? len : 4) > most) {
            buf_add(out, "...");
            return;
        }
        if (len == 0)
            buf_addf(out, "\\x%02x", (unsigned)(unsigned char)foreign.at[0]);
        else if (unsafe_to_show(c))
            buf_addf(out, c < 0x80 ? "\\x%02x" : "\\u{%04x}", (unsigned)c);
        else
            buf_add_span(out, span_cut(foreign, 0, len));
        foreign = span_from(foreign, len ? len : 1);
    }
}

/* Two places to go on from, no recursion: the last '*' and what it has swallowed so far. */
bool str_matches(struct span text, const char *pattern)
{
    struct span p = span_of(pattern);
    size_t t = 0, i = 0, star = SIZE_MAX, swallowed = 0;

    while (t < text.len) {
        if (i < p.len && p.at[i] == '*') {
            star = i++;
            swallowed = t;
        } else if (i < p.len && str_lower(p.at[i]) == str_lower(text.at[t])) {
            i++;
            t++;
        } else if (star != SIZE_MAX) {
            i = star + 1;
            t = ++swallowed;
        } else {
            return false;
        }
    }
    while (i < p.len && p.at[i] == '*')
        i++;
    return i == p.len;
}

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Damerau-Levenshtein (optimal string alignment), three rows of the table at a time. */
unsigned str_distance(const char *a, const char *b, unsigned most)
{
    enum { LONGEST = 64 };
    unsigned row[3][LONGEST + 1];
    size_t n = strlen(a), m = strlen(b);

    if (n > LONGEST || m > LONGEST)
        return most + 1;
    for (unsigned j = 0; j <= m; j++)
        row[0][j] = j;
    for (unsigned i = 1; i <= n; i++) {
        unsigned *now = row[i % 3], *above = row[(i + 2) % 3], *two_above = row[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= m; j++) {
            unsigned differ = str_lower(a[i - 1]) != str_lower(b[j - 1]);
            now[j] = least_of(least_of(above[j] + 1, now[j - 1] + 1), above[j - 1] + differ);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least_of(now[j], two_above[j - 2] + 1);
        }
    }
    return least_of(row[n % 3][m], most + 1);
}

void str_wipe(void *at, size_t len)
{
    if (len == 0)
        return;
    memset(at, 0, len);
    __asm__ __volatile__("" : : "r"(at) : "memory"); /* somebody might look: so it must be done */
}

bool str_equal_secret(struct span a, struct span b)
{
    unsigned char differ = a.len != b.len;

    for (size_t i = 0; i < a.len && i < b.len; i++)
        differ |= (unsigned char)(a.at[i] ^ b.at[i]);
    return differ == 0;
}
