/* The provider's HTTPS interface, as far as it can be seen without sending: the token for it, and an answer
 * over verified TLS. */
#ifndef OUTPOST_DOCTOR_HTTPS_H
#define OUTPOST_DOCTOR_HTTPS_H

#include "relay/transport.h"

struct doctor_https;

/* `done` is told once, from the loop: NULL where it works. The account's transport is the interface's. */
MUST_USE bool doctor_https_start(struct loop *loop, const struct transport_world *world, const struct account *account,
                                 void (*done)(void *who, const struct evidence *why), void *who,
                                 struct doctor_https **ret_https, struct err *err);
void doctor_https_free(struct doctor_https *https);
OWNED(doctor_https);

#endif
