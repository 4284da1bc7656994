/* What a load balancer says in front of a connection: who really calls (the PROXY protocol, versions 1 and 2).
 * Pure: bytes in, a verdict out. Only peers that were named for it may say so; from anybody else it is no
 * header but rubbish.
 */
#ifndef OUTPOST_NET_PROXY_HEADER_H
#define OUTPOST_NET_PROXY_HEADER_H

#include "net/host.h"

enum {
    PROXY_HEADER_MAX = 16 + 4096, /* bytes; more is refused, though version 2 could say 64 KB */
};

struct proxy_header {
    struct ip source;     /* who calls; family 0: the balancer itself, or it does not know */
    uint16_t source_port;
    bool own;             /* the balancer calls on its own account, to see whether we are there */
    size_t len;           /* of the header; what follows is the connection's own */
};

enum proxy_verdict {
    PROXY_MORE, /* so far it may be one */
    PROXY_DONE,
    PROXY_NONE, /* it is none, or no good one: hang up */
};

/* Looks at the first bytes of a connection. *ret_header is filled in with PROXY_DONE. */
enum proxy_verdict proxy_header_read(struct span bytes, struct proxy_header *ret_header);

#endif
