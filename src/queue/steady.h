/* The queue's own clock: near to the wall's, but it neither jumps nor runs back. Dates that a message carries for
 * days - due, created, a limit's window - are of this clock, so a wall clock that is set right in the night bounces
 * nothing and delays nothing.
 *
 * While a process lives it goes by the clock that only goes forward. Over a restart it goes by the wall's, by as
 * much as that was ahead or behind when it was last written down, and never back.
 *
 *     struct steady steady = steady_begin(clock_now(clock), clock_wall(clock), saved_time, saved_ahead);
 *     steady_now(&steady, clock_now(clock))
 *     now and then: save steady_now(...) and steady_ahead(...)
 */
#ifndef OUTPOST_QUEUE_STEADY_H
#define OUTPOST_QUEUE_STEADY_H

#include <stdint.h>

struct steady {
    uint64_t base; /* what the forward clock is to be added to; wraps */
};

/* `saved` 0: there is no earlier life. */
struct steady steady_begin(uint64_t forward, uint64_t wall, uint64_t saved, int64_t saved_ahead);

static inline uint64_t steady_now(const struct steady *steady, uint64_t forward)
{
    return steady->base + forward;
}

/* How far the wall's clock is ahead of ours now. */
static inline int64_t steady_ahead(const struct steady *steady, uint64_t forward, uint64_t wall)
{
    return (int64_t)(wall - steady_now(steady, forward));
}

#endif
