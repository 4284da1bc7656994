/* The addresses this machine has, as its interfaces say. */
#ifndef OUTPOST_NET_INTERFACES_H
#define OUTPOST_NET_INTERFACES_H

#include "base/err.h"
#include "net/host.h"

enum { INTERFACES_MAX = 64 };

/* Those by which others can reach it, IPv4 first: no loopback, nothing link-local (IPv6's needs a zone that
 * only its neighbours know; IPv4's, 169.254.x.x, is what a machine gives itself where nobody gave it one), none twice; INTERFACES_MAX at most. */
MUST_USE bool interfaces_list(struct ip ret_ips[INTERFACES_MAX], size_t *ret_count, struct err *err);

/* Is the network within this machine switched on ("lo")? True also where nobody can tell. */
bool interfaces_loop_back(void);

#endif
