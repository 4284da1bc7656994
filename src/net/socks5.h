/* The words with which a SOCKS5 proxy is asked for a line to somewhere (RFC 1928), as a pure machine: bytes
 * in, bytes out. Names are the proxy's to look up, so what is asked of DNS goes its way, too. No
 * sign-in at the proxy: one on this machine or in this network needs none, and its own would go in the clear.
 *
 *     socks5_begin(&socks, span_of("smtp.example.com"), 587, err);
 *     while (socks5_wants(&socks))        write socks5_output(), once; read at most that many bytes
 *         if (!socks5_recv(&socks, bytes, err)) ...
 *     the line is the server's now
 *
 * Exactly as many bytes are wanted as the proxy has yet to say: what comes behind is the server's.
 */
#ifndef OUTPOST_NET_SOCKS5_H
#define OUTPOST_NET_SOCKS5_H

#include <stdint.h>

#include "base/err.h"

enum {
    SOCKS5_NAME_MAX = 255,
    SOCKS5_MESSAGE_MAX = 4 + 1 + SOCKS5_NAME_MAX + 2, /* the longest, either way */
};

enum socks5_stage { SOCKS5_CHOOSING, SOCKS5_ASKING, SOCKS5_ADDRESS, SOCKS5_OPEN };

struct socks5 {
    enum socks5_stage stage;
    uint8_t request[SOCKS5_MESSAGE_MAX], reply[SOCKS5_MESSAGE_MAX];
    size_t request_len, have, want; /* of the reply */
};

/* A name, or an IP address. ERR_CONFIG where it is longer than the protocol can say. */
MUST_USE bool socks5_begin(struct socks5 *ret_socks, struct span host, uint16_t port, struct err *err);

/* What is to be said now; whatever socks5_recv() brings forth is said anew. */
struct span socks5_output(const struct socks5 *socks);

/* How many bytes are still to be read for the next step; 0: the line stands. */
size_t socks5_wants(const struct socks5 *socks);

/* Bytes of the proxy's, at most as many as are wanted. True where there is more to do, or it is done; *ret_said
 * is whether socks5_output() is to be written now. ERR_NETWORK with connect:refused, connect:unreachable,
 * connect:timeout or connect:denied: what the proxy said of the server. ERR_PROTOCOL proxy:protocol: it is no such proxy,
 * or wants a sign-in. */
MUST_USE bool socks5_recv(struct socks5 *socks, struct span bytes, bool *ret_said, struct err *err);

/* "socks5://HOST[:PORT]", as a proxy is configured; the port is 1080 where none is said. ERR_CONFIG, config:bad. */
MUST_USE bool socks5_url_parse(struct span text, char host[SOCKS5_NAME_MAX + 1], uint16_t *ret_port,
                               struct err *err);

#endif
