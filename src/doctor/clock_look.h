/* Is it the dates of a certificate or a token that are wrong, or this machine's clock? The provider's HTTPS says what time it is: over TLS
 * that is verified in all but the dates, for those are what is in doubt. Nothing is said there but the question.
 */
#ifndef OUTPOST_DOCTOR_CLOCK_LOOK_H
#define OUTPOST_DOCTOR_CLOCK_LOOK_H

#include "doctor/around.h"
#include "net/tls.h"
#include "relay/transport.h"

enum { CLOCK_HOSTS_MAX = 2, CLOCK_FACTS_MAX = 3 };

struct clock_hosts { /* as long as the knowledge; but `own` */
    size_t count;
    const char *at[CLOCK_HOSTS_MAX];
    char own[DIAL_HOST_MAX];
};

/* Who is to be asked: the provider's own HTTPS or OAuth, and a big provider's; nobody for a server in the house. Pure.
 * `ret_hosts` must stay where it is. */
void clock_hosts(const struct knowledge *know, const struct around_target *target, struct clock_hosts *ret_hosts);

struct clock_reading {
    bool known;
    uint64_t theirs, ours; /* seconds since 1970, at the same moment but for `took` */
    uint64_t took;         /* seconds, rounded up: so far theirs may lag behind */
    const char *host;      /* who said so */
};

struct clock_facts {
    size_t count;
    const char *at[CLOCK_FACTS_MAX]; /* of know/evidence.h, `found`: clock:..., cert:dates-hold, token:dates-differ */
};

/* Seconds that our clock is ahead; below 0: behind. What a header's whole seconds and its way here hide is 0. Pure. */
int64_t clock_ahead(const struct clock_reading *reading);
struct clock_doubt { /* what has dates that may be wrong */
    const struct tls_description *shown; /* certificates; NULL: none */
    uint64_t from, until;                /* of a token, seconds since 1970; 0: it does not say */
};

/* Pure. */
void clock_judge(const struct clock_reading *reading, const struct clock_doubt *doubt, struct clock_facts *ret_facts);

struct clock_look;

/* Asks all of them at once; the first answer counts. `done` is told once, from the loop. */
MUST_USE bool clock_look_start(struct loop *loop, const struct transport_world *world, const char *proxy,
                               const struct clock_hosts *hosts, void (*done)(void *who, const struct clock_reading *reading),
                               void *who, struct clock_look **ret_look, struct err *err);
void clock_look_free(struct clock_look *look);
OWNED(clock_look);

#endif
