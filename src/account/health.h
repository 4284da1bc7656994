/* Until when an account works, and why not longer: from what is known, nothing is asked of anybody. Pure.
 */
#ifndef OUTPOST_ACCOUNT_HEALTH_H
#define OUTPOST_ACCOUNT_HEALTH_H

#include "account/grant.h"

enum health {
    HEALTH_GOOD,
    HEALTH_ENDS,    /* works now, and is known to end: see `until` */
    HEALTH_ENDING,  /* within HEALTH_WARN_MS */
    HEALTH_LOST,    /* does not work: a person must do something */
    HEALTH_UNKNOWN, /* nothing is known of how long it will last: a password */
};
const char *health_word(enum health health); /* "good", "ends", "ending", "lost", "unknown" */

enum { HEALTH_BECAUSE_MAX = 200 };
#define HEALTH_WARN_MS (UINT64_C(7) * 24 * 60 * 60 * 1000)

struct health_report {
    enum health health;
    uint64_t until;        /* by the wall clock, ms; 0: no end is known */
    char because[HEALTH_BECAUSE_MAX]; /* "unused for 90 days, a sign-in ends", in words; "" for nothing to say */
    const char *fact;      /* of what was refused; NULL: nothing was */
    uint64_t succeeded, refused; /* when; 0: never, or not known */
};

/* `grant` may be NULL: none is kept, and an account that signs in by OAuth has lost it. `wall` in ms. */
void health_forecast(const struct account *account, const struct grant *grant, uint64_t wall,
                     struct health_report *ret_report);

#endif
