/* The sender's domain: would receivers believe that mail of this account comes from it? Asked of the DNS for a domain of
 * one's own - a provider looks after its own domains -, while the road is walked. It breaks nothing here; it tells why
 * mail that goes out does not arrive.
 */
#ifndef OUTPOST_DOCTOR_DOMAIN_H
#define OUTPOST_DOCTOR_DOMAIN_H

#include "doctor/dmarc.h"
#include "doctor/ladder.h"
#include "doctor/notes.h"
#include "doctor/spf.h"
#include "know/profile.h"

struct loop;
struct knowledge;

enum dkim_state { DKIM_UNKNOWN, DKIM_MISSING, DKIM_FOUND };
enum domain_aligned { ALIGNED_UNKNOWN, ALIGNED_NO, ALIGNED_YES };

struct domain_seen {
    char domain[HOST_NAME_MAX_LEN + 1]; /* ""; nobody was asked */
    enum spf_state spf;
    const char *spf_why;
    enum dkim_state dkim;  /* the provider's key, under the names that it usually has */
    const char *selector;  /* of the one that was found, else the first that was not */
    enum dmarc_policy dmarc;
};

/* ---- pure ---- */

/* The domain of this address, where it is not the provider's own; empty else. `profile`: of the server; or NULL. */
struct span domain_of_ones_own(const struct knowledge *know, const char *address, const struct profile *profile);
/* Does SPF or DKIM vouch for the domain itself (RFC 7489, 3.1)? A sending service has envelopes of its own, and so only
 * its signature counts. */
enum domain_aligned domain_aligned(const struct domain_seen *seen, const struct profile *profile);
void domain_notes(const struct domain_seen *seen, const struct profile *profile, struct doctor_notes *notes);
void domain_climb(const struct domain_seen *seen, const struct profile *profile, struct ladder *ladder, uint64_t now);

enum { DOMAIN_FACTS_MAX = 3 };
/* Of know/evidence.h, `found`; how many. */
size_t domain_facts(const struct domain_seen *seen, const struct profile *profile, const char *ret_facts[DOMAIN_FACTS_MAX]);

/* ---- asking ---- */

struct domain_look;

struct domain_plan { /* borrowed until the look is gone */
    struct resolver *resolver;
    struct span domain;
    const struct profile *profile; /* of the server; NULL: not known */
    uint64_t deadline;
};

/* Fills in what was seen, which the caller keeps. `done` is told once, never from within. */
MUST_USE bool domain_look_start(struct loop *loop, const struct domain_plan *plan, struct domain_seen *seen,
                                void (*done)(void *who), void *who, struct domain_look **ret_look, struct err *err);
void domain_look_free(struct domain_look *look);
OWNED(domain_look);

#endif
