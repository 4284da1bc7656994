/* What the places that are asked share: one file each, which begins looks and ends them. */
#ifndef OUTPOST_DISCOVER_DISCOVER_INT_H
#define OUTPOST_DISCOVER_DISCOVER_INT_H

#include "discover/discover.h"
#include "net/fetch.h"
#include "net/resolve.h"

/* A look under way. The handles are those of whoever began it. */
struct look {
    struct discover *discover;
    struct discover_look *record;
    bool open;
    struct resolve *question;
    struct fetch *fetch;
    struct buf url;                /* fetched: must live as long as the fetch */
    enum security security;        /* of an SRV service */
    char host[CANDIDATE_HOST_MAX]; /* a guessed one */
};

struct discover {
    uint32_t magic;
    struct loop *loop;
    struct discover_plan plan;
    struct span address, domain; /* of the plan's */
    struct discovery *discovery;
    struct look looks[DISCOVER_LOOKS_MAX];
    size_t open;                 /* looks under way */
    bool starting;
    uint64_t ends;               /* when `timer` rings */
    struct timer *timer;
    discover_done *done;
    void *who;
};

/* ---- looks ---- */

/* NULL: there are enough already. `asked` is shown as it is. */
struct look *look_begin(struct discover *discover, enum candidate_source source, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* A candidate of this look's source; the address is its user name where it has none. */
void look_found(struct look *look, const struct candidate *candidate);
/* It is over; `why_or_null` tells why nothing was found. May end the discovery. */
void look_end(struct look *look, const struct err *why_or_null);

/* ---- the places; each begins its looks ---- */

void from_srv(struct discover *discover);
void from_autoconfig(struct discover *discover);
void from_mx(struct discover *discover);
void from_guess(struct discover *discover);

/* The web server of another domain that may speak for this one, and the database's entry for it. */
void from_autoconfig_of(struct discover *discover, const char *domain);

/* The profile's servers. `mx` is the host that showed whose mail it is, or empty. How many there were. */
size_t from_profile(struct candidates *candidates, const struct profile *profile,
                    enum candidate_source source, struct span address, struct span mx,
                    const struct knowledge *know);

#endif
