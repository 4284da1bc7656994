/* A host as people and records write it: a name, or an IP address. Text in, plain structs out; no
 * lookup happens here.
 */
#ifndef OUTPOST_NET_HOST_H
#define OUTPOST_NET_HOST_H

#include "base/buf.h"
#include "base/err.h"

struct sockaddr;
struct sockaddr_storage;

enum { HOST_NAME_MAX_LEN = 253 }; /* RFC 1035, 3.1: 255 octets on the wire */

/* An IP address without a port, in network byte order. */
struct ip {
    uint8_t bytes[16]; /* the first four for IPv4 */
    uint8_t family;    /* 4 or 6; 0: none */
    uint32_t zone;     /* of a link-local IPv6 address: the interface's index; else 0 */
};

/* "192.0.2.1", "2001:db8::1", the latter with or without brackets. */
MUST_USE bool ip_parse(struct span text, struct ip *ret_ip);
void ip_write(struct buf *out, struct ip ip); /* the same form back, without brackets */
bool ip_equal(struct ip a, struct ip b);

/* Can anybody on the Internet be there? Not so for loopback, private, link-local, shared (RFC 6598),
 * documentation, multicast and reserved addresses, nor where IPv6 wraps such an IPv4 one. */
bool ip_is_public(struct ip ip);

/* This machine itself; where IPv6 wraps an IPv4 address, that one counts, here and below. */
bool ip_is_loopback(struct ip ip);
/* The house's own networks: loopback, RFC 1918, unique local (RFC 4193), link-local. */
bool ip_is_private(struct ip ip);
/* Both of one and the same range of inner addresses, such as 10.0.0.0/8 (RFC 1918, RFC 4193): they may reach each other. */
bool ip_is_alike_private(struct ip one, struct ip other);

/* A network: all addresses that begin as `ip` does. */
struct ip_network {
    struct ip ip;
    uint8_t bits;
};

/* "192.168.0.0/16", "fd00::/8"; an address alone is a network of one. ERR_CONFIG, config:bad, where it is
 * neither, or has bits behind the prefix ("192.168.1.20/24": the one, or all of them?). */
MUST_USE bool ip_network_parse(struct span text, struct ip_network *ret_network, struct err *err);
bool ip_in_network(struct ip ip, struct ip_network network);

/* Both ways between the system's form and ours; the size of what was written, or false for a family
 * that is neither IPv4 nor IPv6. */
size_t ip_to_sockaddr(struct ip ip, uint16_t port, struct sockaddr_storage *ret_address);
MUST_USE bool ip_from_sockaddr(const struct sockaddr *address, struct ip *ret_ip);

/* A name that may be looked up: labels of 1 to 63 letters, digits, hyphens (not at their ends) and
 * underscores, 253 bytes in all, one trailing dot allowed. ASCII only: an international name comes
 * in its A-label form. */
bool host_is_name(struct span text);

/* The same for what a person typed, a name or an address, with the reason why not: name:malformed
 * for a URL, brackets, blanks. */
MUST_USE bool host_check(struct span text, struct err *err);

#endif
