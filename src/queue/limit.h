/* How much: what a provider allows an account, and what of it is used. Pure, told the time; a used-up limit says when
 * there is room again.
 *
 * A limit is kept in every stretch of its length, wherever it begins: no minute holds more than the messages of a
 * minute. (A bucket that refills lets twice as many through in the minute that begins with it full, and a provider
 * that counts finds out.) What was sent is counted by seconds for the minute, by minutes for the hour, by quarters
 * of an hour for the day. A provider that says "no more until then" blocks all of it.
 *
 * Times are the queue's (queue/steady.h) and so don't run back; a time before the last one, as another machine's
 * state may hold it, is taken for the same moment.
 */
#ifndef OUTPOST_QUEUE_LIMIT_H
#define OUTPOST_QUEUE_LIMIT_H

#include "base/buf.h"

#define LIMITS(X)                                              \
    X(MINUTE,     "messages_per_minute",  1000, 60)            \
    X(HOUR,       "messages_per_hour",    60 * 1000, 60)       \
    X(DAY,        "messages_per_day",     15 * 60 * 1000, 96)  \
    X(RECIPIENTS, "recipients_per_day",   15 * 60 * 1000, 96)  \
    X(BLOCKED,    "blocked",              1, 0)

enum limit_kind {
#define X(name, word, slot_ms, slots) LIMIT_##name,
    LIMITS(X)
#undef X
    LIMIT_WINDOWS = LIMIT_BLOCKED, /* those before it are counted */
};
const char *limit_word(enum limit_kind kind); /* the setting's: "messages_per_day"; or "blocked" */

struct limit_allowed { /* by kind; 0: no limit */
    uint64_t most[LIMIT_WINDOWS];
};

enum { LIMIT_SLOTS_MAX = 97 }; /* those of a day, and the one that is being filled */

struct limit { /* what is used; begins as { 0 } */
    uint64_t last; /* when it was last looked at */
    struct limit_window {
        uint64_t slot; /* the one that is being filled, counted from time 0 */
        uint32_t used[LIMIT_SLOTS_MAX]; /* by slot, going round */
    } windows[LIMIT_WINDOWS];
    uint64_t blocked_until; /* 0: it is not */
};

struct limit_answer {
    bool yes;
    enum limit_kind by; /* no: what is used up... */
    uint64_t free_at;   /* ...and when to ask again */
};

/* May a message with so many recipients leave now? Nothing is taken. A message with more recipients than a day allows
 * may leave when the day is empty: else it never could. */
struct limit_answer limit_ask(struct limit *limit, const struct limit_allowed *allowed, size_t recipients,
                              uint64_t now);
/* It leaves. */
void limit_take(struct limit *limit, size_t recipients, uint64_t now);
/* What was taken at that time did not, after all. */
void limit_give_back(struct limit *limit, size_t recipients, uint64_t taken, uint64_t now);
/* The provider takes nothing more until then. 0: it does again. */
void limit_block(struct limit *limit, uint64_t until);

/* How much of a window is used. */
uint64_t limit_used(struct limit *limit, enum limit_kind kind, uint64_t now);

/* To be kept over a restart (store_mark_put; under 3 KB), and read again: text that is no limit's gives an empty one. */
void limit_write(const struct limit *limit, struct buf *out);
void limit_read(struct span text, struct limit *ret_limit);

#endif
