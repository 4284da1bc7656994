/* What the neighbours showed, as facts for the rules (know/evidence.h, `found`). It gathers and does not
 * judge: what follows from them stands in data/providers/generic.ini. Pure.
 */
#ifndef OUTPOST_DOCTOR_FINDINGS_H
#define OUTPOST_DOCTOR_FINDINGS_H

#include "doctor/around.h"
#include "doctor/ladder.h"
#include "doctor/domain.h"
#include "doctor/names_look.h"
#include "doctor/second.h"

enum { FINDINGS_MAX = 24 };

struct doctor_findings {
    const char *at[FINDINGS_MAX + 1]; /* static; NULL ends */
    size_t count;
};

struct findings_of {
    const struct around_target *target;
    const struct around_view *view; /* NULL: nobody was asked */
    const struct ladder *ladder;
    const struct second_view *seen; /* NULL: nothing was looked at again */
    const struct domain_seen *domain; /* NULL: it was not asked for */
    const struct names_seen *names; /* NULL: they were not looked at */
    const char *fact; /* of the failure; NULL: none */
    bool no_route;    /* ...and it was this machine that knew no way */
    bool has_ipv4;    /* this machine has an address of it that others can reach */
    bool no_network;  /* no interface of this machine is up but its own to itself */
    bool no_loopback; /* the server is on this machine, whose network within itself is switched off */
    bool in_container;
    bool is_elsewhere; /* the target's address is one of an inner network, and not of this machine's */
    bool issuer_is_known; /* as an anti-virus program's or a proxy's */
};

void doctor_findings(const struct findings_of *of, struct doctor_findings *ret_findings);

#endif
