#include "clockwork.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    uint64_t now, order, chance, hash;
    struct event **at; /* a heap; at[0] is not used */
    size_t count, room;
    bool shows;
    char broken[1000];
} sim;

/* Beginning and end ------------------------------------------------------------------------------------------- */

void sim_begin(uint64_t seed, bool shows_trace)
{
    sim.now = 1000 * (uint64_t)DAY;
    sim.order = sim.hash = 0;
    sim.chance = seed;
    sim.count = 0;
    sim.shows = shows_trace;
    sim.broken[0] = '\0';
}

void sim_end(void)
{
    free(sim.at);
    sim.at = NULL;
    sim.room = sim.count = 0;
}

uint64_t sim_now(void)
{
    return sim.now;
}

/* Events ------------------------------------------------------------------------------------------------------ */

static bool is_before(const struct event *a, const struct event *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void put(struct event *event, size_t place)
{
    sim.at[place] = event;
    event->place = place;
}

static void rise(size_t place)
{
    struct event *event = sim.at[place];

    for (; place > 1 && is_before(event, sim.at[place / 2]); place /= 2)
        put(sim.at[place / 2], place);
    put(event, place);
}

static void sink(size_t place)
{
    struct event *event = sim.at[place];

    for (size_t child; (child = place * 2) <= sim.count; place = child) {
        if (child < sim.count && is_before(sim.at[child + 1], sim.at[child]))
            child++;
        if (is_before(event, sim.at[child]))
            break;
        put(sim.at[child], place);
    }
    put(event, place);
}

void event_cancel(struct event *event)
{
    size_t place = event->place;

    if (!place)
        return;
    event->place = 0;
    struct event *last = sim.at[sim.count--];
    if (last == event)
        return;
    put(last, place);
    rise(place);
    sink(last->place);
}

void event_set(struct event *event, uint64_t when)
{
    event_cancel(event);
    if (sim.count + 1 >= sim.room) {
        sim.room = sim.room ? sim.room * 2 : 256;
        sim.at = realloc(sim.at, sim.room * sizeof(struct event *));
        if (!sim.at)
            abort();
    }
    event->when = when < sim.now ? sim.now : when;
    event->order = ++sim.order;
    put(event, ++sim.count);
    rise(sim.count);
}

bool sim_step(void)
{
    if (!sim.count)
        return false;
    struct event *event = sim.at[1];
    sim.now = event->when;
    event_cancel(event);
    event->happen(event->of);
    return true;
}

/* Chance ------------------------------------------------------------------------------------------------------ */

uint64_t sim_any(void)
{
    uint64_t z = (sim.chance += 0x9e3779b97f4a7c15u); /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t sim_below(uint64_t limit)
{
    return limit ? sim_any() % limit : 0;
}

uint64_t sim_between(uint64_t least, uint64_t most)
{
    return least + sim_below(most - least + 1);
}

bool sim_chance(unsigned percent)
{
    return sim_below(100) < percent;
}

/* Tallies ----------------------------------------------------------------------------------------------------- */

static unsigned long tallies[SIM_TALLY_COUNT];

void sim_count(enum sim_tally tally)
{
    tallies[tally]++;
}

bool sim_tallies(void)
{
    static const char *const words[] = {
#define X(name, words) words,
        SIM_TALLIES(X)
#undef X
    };
    bool each = true;

    for (unsigned i = 0; i < SIM_TALLY_COUNT; i++) {
        printf("%8lu %s\n", tallies[i], words[i]);
        each &= tallies[i] > 0;
    }
    return each;
}

/* The trace --------------------------------------------------------------------------------------------------- */

uint64_t sim_hash(uint64_t hash, const void *at, size_t len)
{
    const unsigned char *bytes = at;

    hash ^= 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

void sim_trace(const char *format, ...)
{
    char line[1000];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len >= (int)sizeof line)
        len = sizeof line - 1;
    sim.hash = sim_hash(sim.hash, &sim.now, sizeof sim.now);
    sim.hash = sim_hash(sim.hash, line, (size_t)len);
    if (sim.shows)
        printf("%4llu:%02llu:%02llu.%03llu %s\n", (unsigned long long)(sim.now / HOUR - 24000),
               (unsigned long long)(sim.now / MINUTE % 60), (unsigned long long)(sim.now / SECOND % 60),
               (unsigned long long)(sim.now % SECOND), line);
}

uint64_t sim_trace_hash(void)
{
    return sim.hash;
}

void sim_broken(const char *format, ...)
{
    char text[900];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sim_trace("BROKEN: %s", text);
    if (!*sim.broken)
        snprintf(sim.broken, sizeof sim.broken, "%s", text);
}

const char *sim_what_broke(void)
{
    return *sim.broken ? sim.broken : NULL;
}
