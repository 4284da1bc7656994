#include "gateway/attempts.h"

#include "base/alloc.h"
#include "base/str.h"
#include "gateway/mix.h"

#include "base/banned.h"

enum {
    SETS = 1024, /* of addresses... */
    WAYS = 4,    /* ...that share a place; the one that was quiet the longest gives way */
    USERS = 1024,
    KNOWN_SETS = 128,
};

static const uint64_t KNOWN_FOR_MS = 30ULL * 24 * 60 * 60 * 1000;

/* What failed, and when the last time. All zeros: nothing. */
struct failures {
    uint64_t last;
    unsigned count;
};

struct entry {
    uint64_t key;  /* 0: empty */
    uint64_t seen; /* for a known user: when they signed in */
    struct failures failures;
};

struct attempts {
    uint64_t seed;
    struct entry addresses[SETS][WAYS];
    struct failures users[USERS]; /* of names that fall together together */
    struct entry known[KNOWN_SETS][WAYS]; /* a user at an address, once signed in */
};

/* -- failures -- */

static unsigned count_of(const struct failures *failures, uint64_t now)
{
    return now - failures->last < ATTEMPTS_FORGET_MS ? failures->count : 0;
}

static void fail(struct failures *failures, uint64_t now)
{
    failures->count = count_of(failures, now) + 1;
    failures->last = now;
}

static uint64_t wait_of(const struct failures *failures, uint64_t most, uint64_t now)
{
    unsigned count = count_of(failures, now);
    uint64_t wait = ATTEMPTS_FIRST_MS;

    if (count <= ATTEMPTS_FREE)
        return 0;
    for (unsigned i = ATTEMPTS_FREE + 1; i < count && wait < most; i++)
        wait *= 2;
    wait = wait < most ? wait : most;
    uint64_t gone = now - failures->last;
    return gone < wait ? wait - gone : 0;
}

/* -- places -- */

/* The network a guesser has to himself. */
static uint64_t address_key(const struct attempts *attempts, struct ip ip)
{
    uint64_t hash = mix(attempts->seed, &ip.family, sizeof ip.family);

    return mix(hash, ip.bytes, ip.family == 6 ? 8 : sizeof ip.bytes) | 1;
}

/* In any case: the names of users differ by more. */
static uint64_t user_key(uint64_t hash, struct span user)
{
    for (size_t i = 0; i < user.len; i++) {
        char c = str_lower(user.at[i]);
        hash = mix(hash, &c, 1);
    }
    return hash | 1;
}

static struct entry *find(struct entry set[WAYS], uint64_t key)
{
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

static uint64_t quiet_since(const struct entry *entry)
{
    return entry->failures.last > entry->seen ? entry->failures.last : entry->seen;
}

static struct entry *find_or_make(struct entry set[WAYS], uint64_t key)
{
    struct entry *entry = find(set, key), *oldest = &set[0];

    if (entry)
        return entry;
    for (size_t i = 1; i < WAYS; i++)
        if (quiet_since(&set[i]) < quiet_since(oldest))
            oldest = &set[i];
    *oldest = (struct entry){ .key = key };
    return oldest;
}

/* Where one case is counted. */
struct places {
    uint64_t address_key, known_key;
    struct entry *addresses, *known; /* sets */
    struct failures *user;
};

static struct places places_of(struct attempts *attempts, struct ip from, struct span user)
{
    uint64_t address = address_key(attempts, from);
    uint64_t known = user_key(address, user);

    return (struct places){
        .address_key = address,
        .known_key = known,
        .addresses = attempts->addresses[(address >> 1) % SETS],
        .known = attempts->known[(known >> 1) % KNOWN_SETS],
        .user = &attempts->users[(user_key(attempts->seed, user) >> 1) % USERS],
    };
}

static struct entry *known_at(const struct places *places, uint64_t now)
{
    struct entry *entry = find(places->known, places->known_key);

    return entry && now - entry->seen < KNOWN_FOR_MS ? entry : NULL;
}

/* -- the three words -- */

uint64_t attempts_wait(const struct attempts *attempts, struct ip from, struct span user, uint64_t now)
{
    struct places places = places_of((struct attempts *)(uintptr_t)attempts, from, user);
    const struct entry *known = known_at(&places, now);
    const struct entry *address = find(places.addresses, places.address_key);

    if (known)
        return wait_of(&known->failures, ATTEMPTS_KNOWN_MS, now);
    uint64_t by_user = wait_of(places.user, ATTEMPTS_USER_MS, now);
    uint64_t by_address = address ? wait_of(&address->failures, ATTEMPTS_ADDRESS_MS, now) : 0;
    return by_user > by_address ? by_user : by_address;
}

void attempts_failed(struct attempts *attempts, struct ip from, struct span user, uint64_t now)
{
    struct places places = places_of(attempts, from, user);
    struct entry *known = known_at(&places, now);

    if (known) {
        fail(&known->failures, now);
        return;
    }
    fail(&find_or_make(places.addresses, places.address_key)->failures, now);
    fail(places.user, now);
}

/* What failed at this address in other names still counts: else one who has a password could guess others' for
 * ever, with his own in between. */
void attempts_succeeded(struct attempts *attempts, struct ip from, struct span user, uint64_t now)
{
    struct places places = places_of(attempts, from, user);
    struct entry *known = find_or_make(places.known, places.known_key);

    known->seen = now;
    known->failures = (struct failures){ 0 };
}

struct attempts *attempts_new(uint64_t seed)
{
    struct attempts *attempts = NEW(attempts);

    if (attempts)
        attempts->seed = seed;
    return attempts;
}

void attempts_free(struct attempts *attempts)
{
    mem_free(attempts);
}
