/* What time it is: the only place that asks. Two clocks: `now` never jumps and is for deadlines;
 * `wall` is the one on the wall, for dates. Rooms below and most above are told the time instead;
 * whoever stands at the top of the loop asks once for each event and passes the number on.
 */
#ifndef OUTPOST_OS_CLOCK_H
#define OUTPOST_OS_CLOCK_H

#include <stdint.h>

struct clock {
    uint64_t (*now)(const struct clock *);  /* milliseconds since some moment in the past */
    uint64_t (*wall)(const struct clock *); /* milliseconds since 1970 in UTC */
};

extern const struct clock clock_system;

static inline uint64_t clock_now(const struct clock *clock)
{
    return clock->now(clock);
}

static inline uint64_t clock_wall(const struct clock *clock)
{
    return clock->wall(clock);
}

/* Minutes east of UTC that this machine's zone has at a moment of the wall clock (-840..840). */
int clock_zone_minutes(uint64_t wall_ms);

#endif
