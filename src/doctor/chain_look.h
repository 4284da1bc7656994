/* Nobody that is trusted has signed the certificate: is that so, or did the server leave out the link (the intermediate
 * certificate)? A certificate says where its issuer's can be had (RFC 5280, 4.2.2.1). It is fetched over plain HTTP, as
 * it is meant to be; it proves itself by its signature. That address is a stranger's idea, whoever
 * he says he is: HTTP where HTTP is, on port 80; nothing but the public net, also where the server itself stands in the
 * house; three of them at most, in three seconds. And not through a proxy, for what a name leads to would be known there
 * alone.
 */
#ifndef OUTPOST_DOCTOR_CHAIN_LOOK_H
#define OUTPOST_DOCTOR_CHAIN_LOOK_H

#include "net/dial.h"
#include "net/tls.h"

struct chain_look;

struct chain_look_plan { /* borrowed, with all it points at, until the look is gone */
    const struct tls_description *shown;
    const char *ca_file; /* whom the road trusts; NULL: the system's */
    struct resolver *resolver;
    struct dial_detours detours;
    bool behind_proxy;   /* that is how the road leads: then nobody is asked */
};

/* `done` is told once, from the loop: was it left out? False also where nobody can tell. *ret_look may be NULL where
 * there is nothing to look at: then `done` is not told. */
MUST_USE bool chain_look_start(struct loop *loop, const struct chain_look_plan *plan,
                               void (*done)(void *who, bool left_out), void *who, struct chain_look **ret_look,
                               struct err *err);
void chain_look_free(struct chain_look *look);
OWNED(chain_look);

#endif
