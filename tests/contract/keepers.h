/* Who keeps a queue: the contract is tested with each. */
#ifndef OUTPOST_TESTS_KEEPERS_H
#define OUTPOST_TESTS_KEEPERS_H

#include "support/check.h"

#include "queue/store.h"
#include "support/scratch.h"

struct keeper {
    const char *name;
    bool (*open)(struct scratch *scratch, struct store **ret_store, struct err *err);
    bool lasts; /* closed and opened again, it still has everything */
};

extern const struct keeper keepers[];
extern const size_t keeper_count;

/* One job in a batch of its own, in which `call` succeeds, or fails with this fact. */
#define DO(store, call)                                            \
    do {                                                           \
        struct err err = { 0 };                                    \
        job_begins(store);                                         \
        if (!(call))                                               \
            fail_msg("%s: %s", #call, err.text);                   \
        job_ends(store, true);                                     \
    } while (0)
#define REFUSED(store, fact_, call)                                \
    do {                                                           \
        struct err err = { 0 };                                    \
        job_begins(store);                                         \
        assert_false(call);                                        \
        assert_string_equal(err.fact ? err.fact : "", fact_);      \
        job_ends(store, false);                                    \
    } while (0)

void job_begins(struct store *store);
void job_ends(struct store *store, bool keep);

/* A message to be accepted, with what matters to a test set and the rest as usual. */
struct letter {
    const char *account, *submitter, *sender, *to[4], *text, *key, *content, *from;
    int priority;
    unsigned notify;
    uint64_t not_before, deadline;
    bool deadline_tells, silent;
    const struct store_told *tells;
    const struct store_body *body;
    size_t recipients; /* r0@example.org... instead of `to` */
};
struct envelope *letter_envelope(const struct letter *letter);
struct store_order letter_order(const struct letter *letter, const struct envelope *envelope);
/* Accepts one; its id. */
uint64_t post(struct store *store, const struct letter *letter, uint64_t now);
#define POST(store, now, ...) post(store, &(struct letter){ __VA_ARGS__ }, now)

/* Claims up to so many of "live", the lease ending 1000 later. */
void claim(struct store *store, uint64_t now, size_t most, struct store_items *ret_items);

/* The same outcome for the item's recipient 0. */
void settle(struct store *store, const struct store_item *item, enum store_state state, uint64_t next,
            uint64_t now);

/* The state of recipient `number`, or of the message where it is -1. */
enum store_state state_of(struct store *store, uint64_t id, int number);
/* When it is due, as it is shown. */
uint64_t next_of(struct store *store, uint64_t id);

#endif
