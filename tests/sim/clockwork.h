/* The simulation's time, its chance, and what it remembers of a run.
 *
 * Time is a number that jumps from one event to the next; nothing waits. All chance comes from the seed. What happens is
 * written into the trace, which is a hash: two runs of a seed have the same one, or something in them does not come from
 * the seed.
 */
#ifndef OUTPOST_SIM_CLOCKWORK_H
#define OUTPOST_SIM_CLOCKWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

/* A new run: no events, the time of its beginning. */
void sim_begin(uint64_t seed, bool shows_trace);
void sim_end(void);

uint64_t sim_now(void); /* milliseconds; never runs back */

/* Something that will happen once. Lies in a struct of its owner's, begins as zeros but for these two. */
struct event {
    void (*happen)(void *of);
    void *of;
    uint64_t when, order;
    size_t place; /* among those that are set; 0: it is not */
};
/* A time that is past is now, after what was set for now before. Set again, it is set anew. */
void event_set(struct event *event, uint64_t when);
void event_cancel(struct event *event);
static inline bool event_is_set(const struct event *event)
{
    return event->place != 0;
}
/* The next event happens. False: there is none. */
bool sim_step(void);

/* Chance. */
uint64_t sim_any(void);
uint64_t sim_below(uint64_t limit);              /* 0 to limit - 1; 0 for 0 */
uint64_t sim_between(uint64_t least, uint64_t most);
bool sim_chance(unsigned percent);

/* The trace: a line of what happened. */
void sim_trace(const char *format, ...) PRINTF_LIKE(1, 2);
uint64_t sim_trace_hash(void);
uint64_t sim_hash(uint64_t hash, const void *at, size_t len); /* FNV-1a; the first `hash` is 0 */

/* How often things happened in all runs: where one never does, nothing is proven of it. */
#define SIM_TALLIES(X)                                \
    X(PROMISES,  "letters promised")                  \
    X(LINES,     "lines broken")                      \
    X(STOPS,     "stops of the machine")              \
    X(COMMITS,   "commits failed")                    \
    X(UNKNOWNS,  "outcomes unknown")                  \
    X(TWICE,     "recipients who got it twice")       \
    X(PARKINGS,  "accounts parked")                   \
    X(AGED,      "recipients given up")               \
    X(LATE,      "recipients whose deadline passed")  \
    X(REPORTS,   "recipients reported on")            \
    X(ANSWERS,   "letters answered by a provider's no")

enum sim_tally {
#define X(name, words) SIM_##name,
    SIM_TALLIES(X)
#undef X
    SIM_TALLY_COUNT
};
void sim_count(enum sim_tally tally);
/* Prints them. Has each happened? */
bool sim_tallies(void);

/* A promise that was not kept. The first one stays. */
void sim_broken(const char *format, ...) PRINTF_LIKE(1, 2);
const char *sim_what_broke(void); /* NULL: nothing */

#endif
