/* What the other candidates showed, as findings for the verdict on those that did not answer: is it this
 * server, this port, or the way out of this network? Pure. */
#ifndef OUTPOST_DISCOVER_NEIGHBOURS_H
#define OUTPOST_DISCOVER_NEIGHBOURS_H

#include "discover/prove.h"

/* Fills in `evidence.found` of every proof that failed to connect: others:unreachable or
 * others:reachable (other servers, the same port), port:other-open or port:none-open (this server,
 * other ports); nothing where nobody else was tried. */
void proofs_compare(struct proofs *proofs, const struct candidates *candidates);

#endif
