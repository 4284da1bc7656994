/* From an address to the ways by which its mail may be handed in: what is known, what the domain's DNS
 * and web server say, what Thunderbird's database says, and, last, guesses by custom.
 *
 * All are asked at once; the order of enum candidate_source decides whose word counts more, not who was
 * first. Where the domain itself is known, nobody is asked at all. What was found is a hint: prove it
 * (discover/prove.h) before relying on it.
 *
 * Who learns what: the domain's own web server the whole address; the database its domain, or that of who
 * takes its mail; who takes its mail nothing. All of it over verified HTTPS, or DNS.
 */
#ifndef OUTPOST_DISCOVER_DISCOVER_H
#define OUTPOST_DISCOVER_DISCOVER_H

#include "base/err.h"
#include "discover/candidate.h"
#include "net/dial.h"

struct discover;

/* Borrowed until `done` or discover_cancel(). */
struct discover_plan {
    const char *address; /* local@domain, the domain in A-labels: address.wire of mail/address.h */
    const struct knowledge *know;
    bool offline;        /* nobody is asked: only what is known */
    struct resolver *resolver;
    struct dial_detours detours;
    const char *ca_file, *proxy; /* as in net/fetch.h */
    uint64_t deadline;   /* of loop_now(), for all of it; what came until then is the answer */
};

enum { DISCOVER_LOOKS_MAX = 20, DISCOVER_ASKED_MAX = 512, DISCOVER_URL_MAX = 1500 };

/* One place that was asked, and what came of it: for whoever wants to know why. */
struct discover_look {
    enum candidate_source source;
    char asked[DISCOVER_ASKED_MAX]; /* "SRV _submissions._tcp.example.com", a URL; safe to show */
    size_t found;                   /* candidates, known ones included */
    struct err err;                 /* why there is none; ERR_NONE where it said so itself */
};

struct discovery {
    const struct profile *profile; /* whose address it is; NULL: not known */
    struct candidates candidates;  /* none: the looks tell why */
    size_t look_count;
    struct discover_look looks[DISCOVER_LOOKS_MAX];
};

/* Why there are no candidates: nobody could be asked (the fact of the first that failed), the domain is
 * not there (name:not-found), or it exists and nobody says anything (no fact). Always false. */
bool discovery_empty(const struct discovery *discovery, const char *address, struct err *err);

void discovery_free(struct discovery *discovery);
OWNED(discovery);

/* The discovery is the callee's. Called once, never from within discover_start(). */
typedef void discover_done(void *who, struct discovery *discovery);

MUST_USE bool discover_start(struct loop *loop, const struct discover_plan *plan, discover_done *done,
                             void *who, struct discover **ret_discover, struct err *err);
/* `done` is not called any more. NULL is nothing. */
void discover_cancel(struct discover *discover);

/* What is known, without a loop: the profile's candidates, as discovery with `offline` finds them. */
void discover_known(const struct knowledge *know, const char *address, struct discovery *ret_discovery);

#endif
