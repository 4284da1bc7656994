#include "net/socks5.h"

#include "base/str.h"
#include "net/host.h"

#include "base/banned.h"

/* RFC 1928, 3 to 6. */
enum {
    VERSION = 5,
    NO_SIGN_IN = 0,
    NONE_ACCEPTABLE = 0xFF,
    CONNECT = 1,
    TO_IPV4 = 1,
    TO_NAME = 3,
    TO_IPV6 = 4,

    CHOICE_LEN = 2,     /* version, method */
    REPLY_HEAD_LEN = 5, /* version, reply, reserved, kind of address, its first byte */
    PORT_LEN = 2,
    DEFAULT_PORT = 1080,
};

static const uint8_t greeting[] = { VERSION, 1, NO_SIGN_IN };

/* ---- what is said ---- */

static void add(struct socks5 *socks, const void *bytes, size_t len)
{
    memcpy(socks->request + socks->request_len, bytes, len);
    socks->request_len += len;
}

static void add_byte(struct socks5 *socks, unsigned byte)
{
    socks->request[socks->request_len++] = (uint8_t)byte;
}

static void add_host(struct socks5 *socks, struct span host)
{
    struct ip ip;

    if (!ip_parse(host, &ip)) {
        add_byte(socks, TO_NAME);
        add_byte(socks, (unsigned)host.len);
        add(socks, host.at, host.len);
        return;
    }
    add_byte(socks, ip.family == 4 ? TO_IPV4 : TO_IPV6);
    add(socks, ip.bytes, ip.family == 4 ? 4 : 16);
}

bool socks5_begin(struct socks5 *ret_socks, struct span host, uint16_t port, struct err *err)
{
    struct socks5 socks = { .stage = SOCKS5_CHOOSING, .want = CHOICE_LEN };

    if (host.len == 0 || host.len > SOCKS5_NAME_MAX)
        return err_set(err, ERR_CONFIG, "a proxy can't be asked for a host of %zu bytes", host.len);
    add(&socks, (const uint8_t[]){ VERSION, CONNECT, 0 }, 3);
    add_host(&socks, host);
    add_byte(&socks, port >> 8);
    add_byte(&socks, port & 0xFF);
    *ret_socks = socks;
    return true;
}

struct span socks5_output(const struct socks5 *socks)
{
    if (socks->stage == SOCKS5_CHOOSING)
        return (struct span){ (const char *)greeting, sizeof greeting };
    return (struct span){ (const char *)socks->request, socks->request_len };
}

size_t socks5_wants(const struct socks5 *socks)
{
    return socks->want - socks->have;
}

/* ---- what is heard ---- */

static bool no_proxy(struct err *err, const char *why)
{
    return err_found(err, ERR_PROTOCOL, "proxy:protocol", "%s", why);
}

/* The next step's reply begins with nothing. */
static void expect(struct socks5 *socks, enum socks5_stage stage, size_t want)
{
    socks->stage = stage;
    socks->have = 0;
    socks->want = want;
}

static bool take_choice(struct socks5 *socks, struct err *err)
{
    if (socks->reply[0] != VERSION)
        return no_proxy(err, "what answers there is no SOCKS5 proxy");
    if (socks->reply[1] != NO_SIGN_IN)
        return no_proxy(err, socks->reply[1] == NONE_ACCEPTABLE ? "the proxy wants a sign-in"
                                                                : "the proxy chose what was not offered");
    expect(socks, SOCKS5_ASKING, REPLY_HEAD_LEN);
    return true;
}

/* RFC 1928, 6. */
static const struct {
    const char *fact, *words;
} refusals[] = {
    [1] = { "connect:unreachable", "it can't" },
    [2] = { "proxy:denied", "its rules forbid it" },
    [3] = { "connect:unreachable", "there is no way to that network" },
    [4] = { "connect:unreachable", "there is no way to that host" },
    [5] = { "connect:refused", "refused" },
    [6] = { "connect:timeout", "no answer" },
    [7] = { "connect:unreachable", "it makes no connections" },
    [8] = { "connect:unreachable", "it knows no such address" },
};

static bool take_refusal(uint8_t code, struct err *err)
{
    bool known = code < COUNT(refusals) && refusals[code].fact;

    return err_found(err, ERR_NETWORK, known ? refusals[code].fact : "connect:unreachable",
                     "the proxy says: %s", known ? refusals[code].words : "no, and not why");
}

/* How long the rest is: what follows the first byte of an address, and a port. It tells nothing we want. */
static bool take_head(struct socks5 *socks, struct err *err)
{
    const uint8_t *reply = socks->reply;

    if (reply[0] != VERSION)
        return no_proxy(err, "the proxy's answer is none of SOCKS5");
    if (reply[1] != 0)
        return take_refusal(reply[1], err);
    switch (reply[3]) {
    case TO_IPV4:
        expect(socks, SOCKS5_ADDRESS, 4 - 1 + PORT_LEN);
        return true;
    case TO_IPV6:
        expect(socks, SOCKS5_ADDRESS, 16 - 1 + PORT_LEN);
        return true;
    case TO_NAME:
        expect(socks, SOCKS5_ADDRESS, reply[4] + (size_t)PORT_LEN);
        return true;
    default:
        return no_proxy(err, "the proxy names an address of no known kind");
    }
}

bool socks5_recv(struct socks5 *socks, struct span bytes, bool *ret_said, struct err *err)
{
    *ret_said = false;
    if (bytes.len > socks5_wants(socks))
        return err_set(err, ERR_INTERNAL, "more was read of a proxy than it had to say");
    if (bytes.len)
        memcpy(socks->reply + socks->have, bytes.at, bytes.len);
    socks->have += bytes.len;
    if (socks5_wants(socks))
        return true;
    switch (socks->stage) {
    case SOCKS5_CHOOSING:
        *ret_said = true;
        return take_choice(socks, err);
    case SOCKS5_ASKING:
        return take_head(socks, err);
    case SOCKS5_ADDRESS:
        expect(socks, SOCKS5_OPEN, 0);
        return true;
    case SOCKS5_OPEN:
        break;
    }
    return true;
}

/* ---- how it is configured ---- */

bool socks5_url_parse(struct span text, char host[SOCKS5_NAME_MAX + 1], uint16_t *ret_port, struct err *err)
{
    static const char scheme[] = "socks5://";
    struct span rest = span_from(text, strlen(scheme));
    bool brackets = span_starts(rest, "[");
    size_t end = brackets ? span_find(rest, ']') : span_find(rest, ':');
    struct span name = brackets ? span_cut(rest, 1, end) : span_cut(rest, 0, end);
    struct span port = span_from(rest, brackets ? end + 1 : end);
    uint16_t number = DEFAULT_PORT;
    struct ip ip;

    bool good = span_starts(text, scheme) && !(brackets && end == rest.len) && name.len <= SOCKS5_NAME_MAX &&
                (ip_parse(name, &ip) ? (ip.family == 6) == brackets : !brackets && host_is_name(name));
    if (port.len)
        good = good && port.at[0] == ':' && str_to_u16(span_from(port, 1), 1, UINT16_MAX, &number);
    if (!good)
        return err_found(err, ERR_CONFIG, "config:bad",
                         "socks5://HOST:PORT is wanted, without a name and password");
    memcpy(host, name.at, name.len);
    host[name.len] = '\0';
    *ret_port = number;
    return true;
}
