/* When next: pure, told the time. The provider's hint comes first, else the waiting doubles from try to try, with
 * some chance in it, so that what failed together does not come back together.
 */
#ifndef OUTPOST_QUEUE_RETRY_H
#define OUTPOST_QUEUE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct retry_policy {
    uint64_t first_ms, most_ms; /* the waiting after the first try, and the longest */
    uint64_t give_up_ms;        /* a message that could have been sent for so long is given up */
};
#define RETRY_USUAL { .first_ms = 60 * 1000, .most_ms = 60 * 60 * 1000, .give_up_ms = 5 * 86400000ull }

struct retry_case {
    uint64_t now, created;
    uint64_t stood_ms; /* of the time between them: it could not be sent, its account was parked */
    uint32_t tries;    /* this one counted */
    uint64_t hint_ms;  /* the provider said: in so long; 0: it did not */
    uint64_t random;   /* any number */
};

/* When to try again; 0: it is given up. The last try is at the end of its time, not before. Times are the queue's
 * (queue/steady.h); a `now` before `created` is one at it. */
uint64_t retry_next(const struct retry_policy *policy, const struct retry_case *case_);

/* How long it could have been sent. */
uint64_t retry_age(const struct retry_case *case_);

#endif
