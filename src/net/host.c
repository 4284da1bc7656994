#include "net/host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/str.h"

#include "base/banned.h"

enum { LABEL_MAX = 63, ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN };

bool ip_parse(struct span text, struct ip *ret_ip)
{
    char copy[ADDRESS_TEXT_MAX];
    struct ip ip = { .family = 4 };

    bool bracketed = text.len > 2 && text.at[0] == '[' && text.at[text.len - 1] == ']';
    if (bracketed)
        text = span_cut(text, 1, text.len - 1);
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.at, '\0', text.len))
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';

    if (bracketed || inet_pton(AF_INET, copy, ip.bytes) != 1) {
        ip = (struct ip){ .family = 6 };
        if (inet_pton(AF_INET6, copy, ip.bytes) != 1)
            return false;
    }
    *ret_ip = ip;
    return true;
}

void ip_write(struct buf *out, struct ip ip)
{
    char text[ADDRESS_TEXT_MAX];

    if (ip.family && inet_ntop(ip.family == 4 ? AF_INET : AF_INET6, ip.bytes, text, sizeof text))
        buf_add(out, text);
}

bool ip_equal(struct ip a, struct ip b)
{
    return a.family == b.family && a.zone == b.zone && !memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

/* The special-purpose registries of IANA (RFC 6890 and what was added since): prefix and bits. */
static const struct block {
    uint8_t bytes[16];
    uint8_t bits;
} not_public_4[] = {
    { { 0 }, 8 },             /* this network */
    { { 10 }, 8 },            /* private */
    { { 100, 64 }, 10 },      /* shared with a carrier's NAT */
    { { 127 }, 8 },           /* loopback */
    { { 169, 254 }, 16 },     /* link-local; cloud metadata lives there */
    { { 172, 16 }, 12 },      /* private */
    { { 192, 0, 0 }, 24 },    /* protocol assignments */
    { { 192, 0, 2 }, 24 },    /* documentation */
    { { 192, 168 }, 16 },     /* private */
    { { 198, 18 }, 15 },      /* benchmarking */
    { { 198, 51, 100 }, 24 }, /* documentation */
    { { 203, 0, 113 }, 24 },  /* documentation */
    { { 224 }, 3 },           /* multicast, reserved, broadcast */
}, not_public_6[] = {
    { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48 }, /* local NAT64 */
    { { 0x01, 0x00 }, 64 },                         /* discard */
    { { 0x20, 0x01, 0x00 }, 23 },                   /* Teredo and other protocol assignments */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },             /* documentation */
    { { 0x3f, 0xff }, 20 },                         /* documentation */
    { { 0xfc }, 7 },                                /* unique local */
    { { 0xfe, 0x80 }, 10 },                         /* link-local */
    { { 0xfe, 0xc0 }, 10 },                         /* site-local, once */
    { { 0xff }, 8 },                                /* multicast */
};

/* IPv6 addresses that carry an IPv4 one, and where: who reaches the one reaches the other. */
static const struct wrap {
    struct block block;
    size_t at;
} wraps[] = {
    { { { [10] = 0xff, [11] = 0xff }, 96 }, 12 },   /* ::ffff:a.b.c.d, mapped */
    { { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12 },     /* NAT64 */
    { { { 0x20, 0x02 }, 16 }, 2 },                  /* 6to4 */
    { { { 0 }, 96 }, 12 },                          /* ::a.b.c.d, once; and ::, ::1, never public */
};

static bool in_block(const uint8_t *bytes, const struct block *block)
{
    size_t whole = block->bits / 8;
    uint8_t mask = (uint8_t)(0xff00u >> (block->bits % 8));

    return !memcmp(bytes, block->bytes, whole) &&
           (block->bits % 8 == 0 || (bytes[whole] & mask) == (block->bytes[whole] & mask));
}

static bool in_blocks(const uint8_t *bytes, const struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (in_block(bytes, &blocks[i]))
            return true;
    return false;
}

/* An IPv4 address that came to an IPv6 socket is an IPv4 address. */
static struct ip unmapped(struct ip ip)
{
    struct ip v4 = { .family = 4 };

    if (ip.family != 6 || !in_block(ip.bytes, &wraps[0].block))
        return ip;
    memcpy(v4.bytes, ip.bytes + wraps[0].at, 4);
    return v4;
}

static const struct block loopback_4[] = { { { 127 }, 8 } },
    loopback_6[] = { { { [15] = 1 }, 128 } },
    private_4[] = { { { 10 }, 8 }, { { 127 }, 8 }, { { 169, 254 }, 16 }, { { 172, 16 }, 12 }, { { 192, 168 }, 16 } },
    private_6[] = { { { [15] = 1 }, 128 }, { { 0xfc }, 7 }, { { 0xfe, 0x80 }, 10 } };

bool ip_is_loopback(struct ip ip)
{
    ip = unmapped(ip);
    return ip.family == 4 ? in_blocks(ip.bytes, loopback_4, COUNT(loopback_4))
                          : ip.family == 6 && in_blocks(ip.bytes, loopback_6, COUNT(loopback_6));
}

bool ip_is_private(struct ip ip)
{
    ip = unmapped(ip);
    return ip.family == 4 ? in_blocks(ip.bytes, private_4, COUNT(private_4))
                          : ip.family == 6 && in_blocks(ip.bytes, private_6, COUNT(private_6));
}

bool ip_is_alike_private(struct ip one, struct ip other)
{
    one = unmapped(one);
    other = unmapped(other);
    const struct block *blocks = one.family == 4 ? private_4 : private_6;
    size_t count = one.family == 4 ? COUNT(private_4) : COUNT(private_6);

    for (size_t i = 0; one.family == other.family && i < count; i++)
        if (in_block(one.bytes, &blocks[i]))
            return in_block(other.bytes, &blocks[i]);
    return false;
}

bool ip_in_network(struct ip ip, struct ip_network network)
{
    struct block block = { .bits = network.bits };

    ip = unmapped(ip);
    memcpy(block.bytes, network.ip.bytes, sizeof block.bytes);
    return ip.family && ip.family == network.ip.family && in_block(ip.bytes, &block);
}

static bool has_bits_behind(const struct ip_network *network)
{
    struct ip_network whole = *network;

    for (size_t bit = network->bits; bit < 128; bit++)
        whole.ip.bytes[bit / 8] &= (uint8_t)~(0x80u >> (bit % 8));
    return memcmp(whole.ip.bytes, network->ip.bytes, sizeof whole.ip.bytes) != 0;
}

bool ip_network_parse(struct span text, struct ip_network *ret_network, struct err *err)
{
    struct ip_network network = { 0 };
    size_t slash = span_find(text, '/');
    HELD(buf) shown = BUF(256);
    uint16_t bits = 128;

    str_printable(&shown, text, 64);
    bool good = ip_parse(span_cut(text, 0, slash), &network.ip);
    uint16_t most = network.ip.family == 4 ? 32 : 128;
    if (good && slash < text.len)
        good = str_to_u16(span_from(text, slash + 1), 0, most, &bits);
    network.bits = (uint8_t)(bits < most ? bits : most);
    if (!good)
        return err_found(err, ERR_CONFIG, "config:bad",
                         "\"%s\" is no network: an IP address is wanted, or a network such as 192.168.0.0/16",
                         buf_text(&shown));
    if (has_bits_behind(&network))
        return err_found(err, ERR_CONFIG, "config:bad", "\"%s\" is neither one address nor a whole network: "
                         "there are bits behind the first %u", buf_text(&shown), (unsigned)network.bits);
    *ret_network = network;
    return true;
}

bool ip_is_public(struct ip ip)
{
    if (ip.family == 4)
        return !in_blocks(ip.bytes, not_public_4, COUNT(not_public_4));
    if (ip.family != 6 || in_blocks(ip.bytes, not_public_6, COUNT(not_public_6)))
        return false;
    for (size_t i = 0; i < COUNT(wraps); i++)
        if (in_block(ip.bytes, &wraps[i].block))
            return !in_blocks(ip.bytes + wraps[i].at, not_public_4, COUNT(not_public_4));
    return true;
}

size_t ip_to_sockaddr(struct ip ip, uint16_t port, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port),
                               .sin6_scope_id = ip.zone };

    memset(ret_address, 0, sizeof *ret_address);
    if (ip.family == 4) {
        memcpy(&v4.sin_addr, ip.bytes, sizeof v4.sin_addr);
        memcpy(ret_address, &v4, sizeof v4);
        return sizeof v4;
    }
    memcpy(&v6.sin6_addr, ip.bytes, sizeof v6.sin6_addr);
    memcpy(ret_address, &v6, sizeof v6);
    return sizeof v6;
}

bool ip_from_sockaddr(const struct sockaddr *address, struct ip *ret_ip)
{
    struct ip ip = { .family = 4 };

    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        memcpy(ip.bytes, &v4.sin_addr, sizeof v4.sin_addr);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        ip = (struct ip){ .family = 6, .zone = v6.sin6_scope_id };
        memcpy(ip.bytes, &v6.sin6_addr, sizeof v6.sin6_addr);
    } else {
        return false;
    }
    *ret_ip = ip;
    return true;
}

static bool is_label(struct span label)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.at[0] == '-' ||
        label.at[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!str_is_alpha(label.at[i]) && !str_is_digit(label.at[i]) && label.at[i] != '-' &&
            label.at[i] != '_')
            return false;
    return true;
}

bool host_is_name(struct span text)
{
    struct span label;

    if (text.len && text.at[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > HOST_NAME_MAX_LEN || text.at[text.len - 1] == '.')
        return false;
    while (span_split(&text, '.', &label))
        if (!is_label(label))
            return false;
    return true;
}

bool host_check(struct span text, struct err *err)
{
    struct ip ip;
    bool bracketed = text.len && text.at[0] == '[';

    if (!bracketed && (host_is_name(text) || ip_parse(text, &ip)))
        return true;

    HELD(buf) shown = BUF(256);
    str_printable(&shown, text, 100);
    const char *why = text.len == 0                            ? "is empty"
                      : span_find_text(text, "://") < text.len ? "is a URL, not a host name"
                                                               : "is not a host name";
    return err_found(err, ERR_CONFIG, "name:malformed", "\"%s\" %s", buf_text(&shown), why);
}
