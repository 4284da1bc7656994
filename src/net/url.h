/* A URL, taken apart as far as a request needs it. Pure: foreign bytes (a redirect, a certificate) come here. */
#ifndef OUTPOST_NET_URL_H
#define OUTPOST_NET_URL_H

#include "net/host.h"

enum { URL_MAX = 4096, URL_PORT = 443, URL_PLAIN_PORT = 80 };

struct url {
    char host[HOST_NAME_MAX_LEN + 2]; /* lower case; a name or an address, IPv6 without brackets */
    uint16_t port;
    bool plain; /* http:// */
    struct span target; /* path and query, "/" at least, without a fragment; of the text, or static */
};

/* Takes "https://HOST[:PORT][/PATH][?QUERY][#FRAGMENT]" of printable ASCII, and nothing else: no other
 * scheme, no user name. Fails with ERR_PROTOCOL. */
MUST_USE bool url_parse(struct span text, struct url *ret_url, struct err *err);

/* The same, and "http://" is good as well. */
MUST_USE bool url_parse_plain(struct span text, struct url *ret_url, struct err *err);

#endif
