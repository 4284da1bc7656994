#include "gateway/caps.h"

#include "base/alloc.h"
#include "gateway/mix.h"

#include "base/banned.h"

enum { SENDERS = 512, PLACES_FIRST = 64, MINUTE = 60 * 1000 };

/* How many connections an address has. */
struct place {
    struct ip ip;
    unsigned count; /* 0: empty */
};

/* Refills with time. Thousandths of a token, so that a slow trickle is not lost. */
struct bucket {
    uint64_t used, last;
};

struct sender {
    struct bucket messages, recipients;
};

struct caps {
    struct caps_limits limits;
    uint64_t seed;
    size_t connections;
    uint64_t octets;
    struct place *places; /* open addressing; half of them empty at least */
    size_t place_count, places_used;
    struct sender senders[SENDERS]; /* those that fall together share */
};

/* -- connections -- */

static size_t home_of(const struct caps *caps, struct ip ip)
{
    return (size_t)(mix(caps->seed, ip.bytes, sizeof ip.bytes) & (caps->place_count - 1));
}

/* The address's place, or the empty one where it would be. */
static struct place *place_of(const struct caps *caps, struct ip ip)
{
    size_t at = home_of(caps, ip);

    while (caps->places[at].count && !ip_equal(caps->places[at].ip, ip))
        at = (at + 1) & (caps->place_count - 1);
    return &caps->places[at];
}

static bool grow(struct caps *caps)
{
    struct place *before = caps->places;
    size_t count = caps->place_count;

    if (caps->places_used * 2 < count)
        return true;
    struct place *places = mem_array(count ? count * 2 : PLACES_FIRST, sizeof *places);
    if (!places)
        return false;
    caps->places = places;
    caps->place_count = count ? count * 2 : PLACES_FIRST;
    for (size_t i = 0; i < count; i++)
        if (before[i].count)
            *place_of(caps, before[i].ip) = before[i];
    mem_free(before);
    return true;
}

/* Those behind it move up, so that no gap parts one from its home. */
static void empty(struct caps *caps, struct place *place)
{
    size_t mask = caps->place_count - 1, gap = (size_t)(place - caps->places);

    place->count = 0;
    caps->places_used--;
    for (size_t at = (gap + 1) & mask; caps->places[at].count; at = (at + 1) & mask) {
        size_t home = home_of(caps, caps->places[at].ip);
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        caps->places[gap] = caps->places[at];
        caps->places[at].count = 0;
        gap = at;
    }
}

static bool is_counted(struct ip from)
{
    return from.family && !ip_is_loopback(from);
}

enum caps_verdict caps_enter(struct caps *caps, struct ip from)
{
    if (caps->connections >= caps->limits.connections)
        return CAPS_TOO_MANY;
    if (is_counted(from)) {
        if (!grow(caps))
            return CAPS_TOO_MANY;
        struct place *place = place_of(caps, from);
        if (place->count >= caps->limits.connections_per_address)
            return CAPS_TOO_MANY_FROM_THERE;
        caps->places_used += place->count == 0;
        place->ip = from;
        place->count++;
    }
    caps->connections++;
    return CAPS_IN;
}

void caps_leave(struct caps *caps, struct ip from)
{
    caps->connections--;
    if (!is_counted(from))
        return;
    struct place *place = place_of(caps, from);
    if (place->count > 1)
        place->count--;
    else if (place->count)
        empty(caps, place);
}

size_t caps_connections(const struct caps *caps)
{
    return caps->connections;
}

/* -- senders -- */

static bool take(struct bucket *bucket, uint64_t per_minute, uint64_t now)
{
    const uint64_t one = MINUTE; /* a token, in the unit that comes back per_minute a millisecond */
    uint64_t back = (now - bucket->last) < MINUTE ? (now - bucket->last) * per_minute : UINT64_MAX;

    bucket->used = back < bucket->used ? bucket->used - back : 0;
    bucket->last = now;
    if (bucket->used + one > per_minute * one)
        return false;
    bucket->used += one;
    return true;
}

static struct sender *sender_of(struct caps *caps, struct span sender)
{
    return &caps->senders[mix(caps->seed, sender.at, sender.len) % SENDERS];
}

bool caps_message(struct caps *caps, struct span sender, uint64_t now)
{
    return take(&sender_of(caps, sender)->messages, caps->limits.messages_per_minute, now);
}

bool caps_recipient(struct caps *caps, struct span sender, uint64_t now)
{
    return take(&sender_of(caps, sender)->recipients, caps->limits.recipients_per_minute, now);
}

/* -- octets -- */

bool caps_hold(struct caps *caps, size_t octets)
{
    if (octets > caps->limits.octets - caps->octets)
        return false;
    caps->octets += octets;
    return true;
}

void caps_release(struct caps *caps, size_t octets)
{
    caps->octets -= octets;
}

struct caps *caps_new(const struct caps_limits *limits, uint64_t seed)
{
    struct caps *caps = NEW(caps);

    if (!caps)
        return NULL;
    caps->limits = *limits;
    caps->seed = seed;
    return caps;
}

void caps_free(struct caps *caps)
{
    if (!caps)
        return;
    mem_free(caps->places);
    mem_free(caps);
}
