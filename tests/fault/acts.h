/* What a queue lives through, from a seed: accepts, claims, outcomes, hands and sweeps, in batches of one to three jobs.
 * Played to two keepers, the same happens to both, whatever numbers they give their messages: acts name messages
 * by their place among those that are there.
 */
#ifndef OUTPOST_TESTS_ACTS_H
#define OUTPOST_TESTS_ACTS_H

#include "base/buf.h"
#include "queue/store.h"

enum { ACTS_LEASES = 8, ACTS_JOBS = 3 };

/* Somebody who plays: the store, and what he holds of it. */
struct player {
    struct store *store;
    struct lease {
        uint64_t id, lease;
        uint32_t numbers[4];
        size_t count;
        bool leaving;
    } leases[ACTS_LEASES];
    size_t lease_count;
};

/* Which of a batch's jobs went well; none where the batch did not. */
struct played {
    bool batch, jobs[ACTS_JOBS];
};

/* Plays batch `step` of this seed. Where `only` is given, just these of its jobs (as another player's went). */
struct played play_batch(struct player *player, uint64_t seed, unsigned step, const struct played *only);

/* A new life: leases are lost. */
void play_rebirth(struct player *player, uint64_t now);

/* All there is in a store, in words, without the numbers it gave. */
void dump(struct store *store, uint64_t now, struct buf *out);

#endif
