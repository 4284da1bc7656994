/* Do names lead where they should? Where a resolver answers whatever it is asked - an internet provider's search page, a
 * portal that wants a browser -, an address proves no server. It is asked for a name that nobody has (RFC 6761, 6.4), and
 * for another provider's server: who leads to where the server's own name leads is known for what it is. And for the name
 * by which a network of IPv6 alone tells through what it reaches IPv4 (RFC 7050).
 */
#ifndef OUTPOST_DOCTOR_NAMES_LOOK_H
#define OUTPOST_DOCTOR_NAMES_LOOK_H

#include "net/resolve.h"

struct loop;
struct names_look;

struct names_seen {
    bool made_up; /* a name that nobody has leads there, too */
    bool alike;   /* another provider's does */
    bool by_nat64; /* all its addresses of IPv6 are IPv4's, as this network's NAT64 has them */
    bool is_ipv6_alone; /* none of them is IPv4's, in whatever form */
};

struct names_plan { /* the texts: during the call only */
    struct resolver *resolver;
    const struct resolve_addresses *answer; /* where the server's own name leads; during the call only */
    bool no_ipv4; /* this machine has none: what it has of the server's IPv6 may be a translator's */
    const char *other;                      /* another provider's server; NULL: nobody's is known */
    uint64_t deadline;
};

/* Fills in *seen, which the caller keeps; `done` is told once, from the loop. */
MUST_USE bool names_look_start(struct loop *loop, const struct names_plan *plan, struct names_seen *seen,
                               void (*done)(void *who), void *who, struct names_look **ret_look, struct err *err);
void names_look_free(struct names_look *look);
OWNED(names_look);

/* Pure: does the prefix of 96 bits that ipv4only.arpa's addresses show (RFC 7050, 3) lead to all of these that are
 * of IPv6, and is there one? */
bool names_by_nat64(const struct resolve_addresses *answer, const struct resolve_addresses *known);

#endif
