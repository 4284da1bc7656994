/* How much: what a provider allows an account, and what of it is used. Pure, told the time; a used-up limit says when
 * there is room again.
 *
 *   a minute, an hour   messages: buckets that refill with time
 *   a day               messages, recipients: what the last 24 hours held, by quarters of an hour
 *   blocked             the provider said so: nothing until then
 *
 * Times are the queue's (queue/steady.h) and so don't jump; a time before the last one, as another machine's state
 * may hold it, refills nothing and blocks for no longer than a limit's own window.
 */
#ifndef OUTPOST_QUEUE_LIMIT_H
#define OUTPOST_QUEUE_LIMIT_H

#include "base/buf.h"

struct limit_allowed { /* 0: no limit */
    uint64_t messages_per_minute, messages_per_hour, messages_per_day, recipients_per_day;
};

enum { LIMIT_SLOTS = 97 }; /* quarters of an hour in a day, and one more, which is being filled */

struct limit_bucket {
    uint64_t used_ms; /* how long it takes to be empty again, in the limit's own measure */
};

struct limit_day {
    uint32_t messages[LIMIT_SLOTS], recipients[LIMIT_SLOTS];
};

struct limit { /* what is used; begins as { 0 } */
    uint64_t last;    /* when it was last looked at */
    uint64_t slot;    /* the quarter of an hour that is being filled, counted from 1970 */
    struct limit_bucket minute, hour;
    struct limit_day day;
    uint64_t blocked_until; /* 0: it is not */
};

#define LIMITS(X)                                                    \
    X(NONE,       "none")                                            \
    X(MINUTE,     "messages_per_minute")                             \
    X(HOUR,       "messages_per_hour")                               \
    X(DAY,        "messages_per_day")                                \
    X(RECIPIENTS, "recipients_per_day")                              \
    X(BLOCKED,    "blocked")

enum limit_kind {
#define X(name, word) LIMIT_##name,
    LIMITS(X)
#undef X
};
const char *limit_word(enum limit_kind kind); /* the setting's */

struct limit_answer {
    bool yes;
    enum limit_kind by; /* no: what is used up */
    uint64_t free_at;   /* no: when to ask again */
};

/* May a message with so many recipients leave now? Nothing is taken. A message with more recipients than a day
 * allows may leave when the day is empty: else it never could. */
struct limit_answer limit_ask(struct limit *limit, const struct limit_allowed *allowed, size_t recipients,
                              uint64_t now);
/* It leaves. */
void limit_take(struct limit *limit, const struct limit_allowed *allowed, size_t recipients, uint64_t now);
/* It did not leave after all. */
void limit_give_back(struct limit *limit, const struct limit_allowed *allowed, size_t recipients, uint64_t now);
/* The provider says that nothing more is taken for so long. */
void limit_block(struct limit *limit, uint64_t until);

/* How much of a day is used: for status. */
uint64_t limit_messages_today(struct limit *limit, uint64_t now);
uint64_t limit_recipients_today(struct limit *limit, uint64_t now);

/* To be kept over a restart (store_mark_put), and read again: what is not a limit's text gives an empty one. */
void limit_write(const struct limit *limit, struct buf *out);
void limit_read(struct span text, struct limit *ret_limit);

#endif
