/* What a store is made of, for those who keep one: store_memory.c, sqlite.c. store.c looks at arguments and hands
 * on; what is the same whoever keeps it stands there once.
 */
#ifndef OUTPOST_QUEUE_STORE_INT_H
#define OUTPOST_QUEUE_STORE_INT_H

#include "queue/store.h"

/* The functions of store.h with the same names; a field beside each says what has been looked at. */
struct store_type {
    const char *name; /* "sqlite" */
    bool (*begin)(struct store *, struct err *);
    bool (*job_begin)(struct store *, bool bare, struct err *);
    bool (*job_end)(struct store *, bool keep, struct err *);
    bool (*commit)(struct store *, struct err *);
    void (*abort)(struct store *);
    bool (*body_add)(struct store *, struct store_body *, struct span piece, uint64_t now, struct err *);
    bool (*body_drop)(struct store *, const struct store_body *, struct err *);
    bool (*body_read)(struct store *, uint64_t id, uint32_t piece, struct buf *out, struct err *);
    bool (*accept)(struct store *, const struct store_order *, uint64_t now, struct store_accepted *, struct err *);
    bool (*claim)(struct store *, const struct store_claim *, uint64_t now, struct store_items *, struct err *);
    bool (*leaving)(struct store *, const char *by, struct store_lease *, size_t count, uint64_t now, struct err *);
    bool (*extend)(struct store *, struct store_lease *, size_t count, uint64_t until, uint64_t now, struct err *);
    bool (*settle)(struct store *, const struct store_settlement *, uint64_t now, struct err *);
    bool (*hasten)(struct store *, const struct store_wait *, size_t count, uint64_t at, uint64_t now, struct err *);
    bool (*reports)(struct store *, uint64_t now, uint64_t again, size_t messages, size_t recipients,
                    struct store_rows *, uint64_t *ret_next, struct err *);
    bool (*told)(struct store *, const struct store_told *, uint64_t now, struct err *);
    bool (*change)(struct store *, enum store_verb, const struct store_filter *, struct store_cursor *,
                   size_t most, bool dry_run, const char *who, uint64_t now, struct store_changed *, struct err *);
    bool (*list)(struct store *, const struct store_filter *, struct store_cursor *, size_t rows,
                 size_t recipients, uint64_t now, struct store_rows *, struct err *);
    bool (*show)(struct store *, uint64_t id, uint32_t from, size_t recipients, uint64_t now,
                 struct store_story *, struct err *);
    bool (*accounts)(struct store *, const char *name, uint64_t now, struct store_accounts *, struct err *);
    bool (*park)(struct store *, const char *account, const char *cause, const char *text, uint64_t now,
                 struct err *);
    bool (*unpark)(struct store *, const char *account, uint64_t now, struct err *);
    bool (*park_told)(struct store *, const char *account, uint64_t now, struct err *);
    bool (*mark_put)(struct store *, const char *kind, const char *name, struct span bytes, struct err *);
    bool (*mark_get)(struct store *, const char *kind, const char *name, struct buf *out, struct err *);
    bool (*sweep)(struct store *, const struct store_sweep *, uint64_t now, bool *ret_more, struct err *);
    bool (*check)(struct store *, struct store_checking *, size_t most, uint64_t now, struct err *);
    bool (*rest)(struct store *, struct err *);
    bool (*time_put)(struct store *, uint64_t now, int64_t wall, struct err *);
    void (*close)(struct store *);
};

struct store { /* the first member of whoever keeps it */
    const struct store_type *type;
    struct store_watch watch;
    bool in_batch, in_job;
};

/* Tells whoever watches. */
void store_tell_due(const struct store *store, const char *account, uint64_t at);
void store_tell_changed(const struct store *store, uint64_t id);

/* What a message's recipients make of it. */
struct store_sum {
    size_t by_state[STORE_STATE_COUNT]; /* recipients */
    bool wanted;         /* somebody is to be told of one */
    bool unsure;         /* an open one may have it already */
    bool ages;           /* one goes on by itself, and no person said that it is to */
    bool untold, wishes; /* nobody was told of a delay of one that goes on; who wished to be */
    uint64_t next;       /* the earliest of those that wait; STORE_NEVER */
};
#define STORE_SUM_NONE { .next = STORE_NEVER }
void store_sum_add(struct store_sum *sum, const struct store_row_recipient *recipient);
bool store_sum_is_open(const struct store_sum *sum); /* one is not over */
enum store_state store_sum_state(const struct store_sum *sum, bool held);
/* Is it bound to the way its body went? While it may have arrived, and still is to be sent. */
bool store_sum_is_tied(const struct store_sum *sum);
/* When it is due of itself: not while held or sent; at its deadline at the latest, if that is ahead. */
uint64_t store_sum_due(const struct store_sum *sum, bool held, uint64_t deadline, uint64_t now);

/* May a recipient be claimed at this time? */
bool store_is_due(enum store_state state, uint64_t next, uint64_t deadline, uint64_t now);
/* The time to ask for all that goes on by itself. */
#define STORE_SOME_DAY ((uint64_t)INT64_MAX - 1)

/* How a message gets late; STORE_NEVER: it does not. Ages are counted on the account's own clock, which stands while that
 * is parked: `now` less all the time it was. */
struct store_lateness {
    uint64_t deadline;
    uint64_t born;   /* it ages since then... */
    uint64_t wished; /* ...and so does what somebody wishes to hear of */
};
/* On that clock, when what is as old as `ms` is so. */
static inline uint64_t store_old_at(uint64_t born, uint64_t ms)
{
    return born < STORE_SOME_DAY - ms ? born + ms : STORE_NEVER;
}
/* `parked_before`: how long its account had been parked when it came. */
struct store_lateness store_lateness(const struct store_sum *sum, const struct store_row *row, bool held,
                                     uint64_t parked_before);

/* The state that is shown: PARKED for what waits while its account is. */
enum store_state store_shown(enum store_state state, bool parked);

/* Does the filter fit? The first without looking at recipients; then, where it asks for them, whether one of
 * them fits each pattern is the keeper's to find out by the second and third. */
bool store_filter_fits(const struct store_filter *filter, const struct store_row *row);
bool store_filter_asks_recipients(const struct store_filter *filter);
bool store_filter_asks_history(const struct store_filter *filter);

struct store_seeking { /* begins as { 0 } */
    bool to, cause;
};
void store_seek(struct store_seeking *seeking, const struct store_filter *filter, const char *address,
                const char *cause);
bool store_found(const struct store_seeking *seeking, const struct store_filter *filter,
                 const struct store_row *row);

/* Does the verb make sense for a message in this condition? */
bool store_verb_fits(enum store_verb verb, const struct store_sum *sum, bool held);
/* What the verb makes of a recipient that waits: its next time. */
uint64_t store_verb_next(enum store_verb verb, enum store_state state, uint64_t next, uint64_t not_before,
                         uint64_t now);

/* Outcomes that can share an event: the same but for the number, which follows. */
bool store_outcomes_alike(const struct store_outcome *a, const struct store_outcome *b);
enum store_event_kind store_event_of(enum store_state state);

/* "" for NULL. */
static inline const char *store_text(const char *text)
{
    return text ? text : "";
}

/* The words of a message that is held because of what whoever sent it did, or we found. */
extern const char store_text_lost[], store_text_damaged[];

bool store_gone(struct err *err, uint64_t id);
bool store_lease_lost(struct err *err, uint64_t id);

#endif
