#include "net/proxy_header.h"

#include "base/scan.h"
#include "base/str.h"

#include "base/banned.h"

/* -- version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n" -- */

enum { TEXT_MAX = 107 }; /* with its CRLF */

/* A number as the protocol writes it: no sign, no leading zero. */
static bool read_port(struct span text, uint16_t *ret_port)
{
    return str_to_u16(text, 0, UINT16_MAX, ret_port) && (text.len == 1 || *text.at != '0');
}

static bool read_address(struct span text, uint8_t family, struct ip *ret_ip)
{
    return span_find(text, '[') == text.len && ip_parse(text, ret_ip) && ret_ip->family == family;
}

static bool read_text(struct span line, struct proxy_header *ret_header)
{
    struct span word[6] = { { 0 } };
    struct proxy_header header = { 0 };
    struct ip destination;
    uint16_t port;
    size_t count = 0;

    while (count < COUNT(word) && span_split(&line, ' ', &word[count]))
        count++;
    if (span_is(word[1], "UNKNOWN")) {
        *ret_header = header;
        return true;
    }
    uint8_t family = span_is(word[1], "TCP4") ? 4 : span_is(word[1], "TCP6") ? 6 : 0;
    if (!family || count != COUNT(word) || line.len || !read_address(word[2], family, &header.source) ||
        !read_address(word[3], family, &destination) || !read_port(word[4], &header.source_port) ||
        !read_port(word[5], &port))
        return false;
    *ret_header = header;
    return true;
}

static enum proxy_verdict read_version_1(struct span bytes, struct proxy_header *ret_header)
{
    struct span line = span_cut(bytes, 0, TEXT_MAX);
    size_t end = span_find_text(line, "\r\n");

    if (end == line.len)
        return bytes.len < TEXT_MAX ? PROXY_MORE : PROXY_NONE;
    if (!read_text(span_cut(line, 0, end), ret_header))
        return PROXY_NONE;
    ret_header->len = end + 2;
    return PROXY_DONE;
}

/* -- version 2: a signature, what it is, how long, the addresses -- */

enum { COMMAND_AT = 12, FAMILY_AT, LEN_AT, ADDRESSES_AT = 16, PORT_LEN = 2 };

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

static unsigned two_bytes(struct span bytes, size_t at)
{
    return (unsigned)(unsigned char)bytes.at[at] << 8 | (unsigned char)bytes.at[at + 1];
}

/* Both addresses, then both ports. */
static bool take_addresses(struct span block, uint8_t family, struct proxy_header *header)
{
    size_t len = family == 4 ? 4 : 16;

    if (block.len < 2 * len + 2 * PORT_LEN)
        return false;
    header->source.family = family;
    memcpy(header->source.bytes, block.at, len);
    header->source_port = (uint16_t)two_bytes(block, 2 * len);
    return true;
}

static bool take_block(unsigned command, unsigned family, struct span block, struct proxy_header *header)
{
    header->own = command == 0;
    if (header->own)
        return true;
    switch (family) {
    case 0x11: /* TCP over IPv4 */
        return take_addresses(block, 4, header);
    case 0x21: /* TCP over IPv6 */
        return take_addresses(block, 6, header);
    case 0x00: /* not known */
    case 0x31: /* a Unix socket: it has no address */
        return true;
    default: /* datagrams carry no mail */
        return false;
    }
}

static enum proxy_verdict read_version_2(struct span bytes, struct proxy_header *ret_header)
{
    struct proxy_header header = { 0 };

    if (bytes.len < ADDRESSES_AT)
        return PROXY_MORE;
    unsigned command = (unsigned char)bytes.at[COMMAND_AT], family = (unsigned char)bytes.at[FAMILY_AT];
    size_t len = two_bytes(bytes, LEN_AT);
    if (command >> 4 != 2 || (command & 15) > 1 || ADDRESSES_AT + len > PROXY_HEADER_MAX)
        return PROXY_NONE;
    if (bytes.len < ADDRESSES_AT + len)
        return PROXY_MORE;
    if (!take_block(command & 15, family, span_cut(bytes, ADDRESSES_AT, ADDRESSES_AT + len), &header))
        return PROXY_NONE;
    header.len = ADDRESSES_AT + len;
    *ret_header = header;
    return PROXY_DONE;
}

/* Do the bytes begin so, as far as they go? */
static bool may_begin(struct span bytes, const char *with, size_t len)
{
    size_t most = bytes.len < len ? bytes.len : len;

    return most == 0 || memcmp(bytes.at, with, most) == 0;
}

enum proxy_verdict proxy_header_read(struct span bytes, struct proxy_header *ret_header)
{
    static const char word[] = "PROXY ";

    if (may_begin(bytes, word, sizeof word - 1))
        return bytes.len < sizeof word - 1 ? PROXY_MORE : read_version_1(bytes, ret_header);
    if (may_begin(bytes, signature, sizeof signature - 1))
        return bytes.len < sizeof signature - 1 ? PROXY_MORE : read_version_2(bytes, ret_header);
    return PROXY_NONE;
}
