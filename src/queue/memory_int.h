/* The store in memory: things on shelves, in order. A thing is never changed once its job is over: a change is a
 * copy that takes its place, and a log keeps what was there before, so that a job, or a batch, can be undone.
 */
#ifndef OUTPOST_QUEUE_MEMORY_INT_H
#define OUTPOST_QUEUE_MEMORY_INT_H

#include "queue/store_int.h"

enum kind { KIND_ACCOUNT, KIND_KEY, KIND_MARK, KIND_BODY, KIND_MESSAGE, KINDS };

struct memory_message {
    struct store_row row; /* done: it is history */
    uint64_t lease, until; /* until 0: nobody has it */
    uint32_t lost;
    uint64_t base;         /* how long the account had been parked when it came */
    const char *stuck;     /* the account its body left by; "" none */
    const char *removed_by; /* "" it is not to be removed when it comes back */
    uint64_t report_due;   /* STORE_NEVER */
    bool held;
    struct store_event *events;
    size_t event_count;
};

struct memory_body {
    struct span *pieces;
    size_t count;
    uint64_t size, touched;
    bool accepted;
};

struct memory_key {
    uint64_t message, until;
    struct span content;
};

struct thing {
    struct pool pool; /* all it points at */
    enum kind kind;
    uint64_t id;      /* of bodies and messages; else 0 */
    const char *name; /* of the others; else "" */
    uint64_t job;     /* that made it: it may still be changed in place */
    union {
        struct memory_message message;
        struct memory_body body;
        struct memory_key key;
        struct store_account account;
        struct span mark;
    };
};

struct shelf {
    struct thing **at;
    size_t count, room;
};

struct change {
    struct thing *was, *is; /* NULL: nothing */
};

struct memory {
    struct store store;
    struct shelf shelves[KINDS];
    struct change *log;
    size_t log_count, log_room, job_began;
    uint64_t job, next_id, next_lease;
};

/* NULL: no such thing. To be looked at, not changed. */
const struct thing *memory_find(const struct memory *memory, enum kind kind, uint64_t id, const char *name);

/* The rest return NULL, or false, where memory ran out. A copy that may be changed until the job is over. */
MUST_USE struct thing *memory_edit(struct memory *memory, const struct thing *thing);
/* A new one in its place; not there before. */
MUST_USE struct thing *memory_add(struct memory *memory, enum kind kind, uint64_t id, const char *name);
MUST_USE bool memory_remove(struct memory *memory, const struct thing *thing);

/* Undoes what was done since the log had this length, or forgets how to. */
void memory_undo(struct memory *memory, size_t since);
void memory_settle_log(struct memory *memory);
void memory_done(struct memory *memory);

/* A row with its texts, and `recipients` of its recipients from `from` on. */
MUST_USE bool memory_copy_row(struct pool *pool, const struct store_row *row, size_t from, size_t recipients,
                              struct store_row *ret_row);
/* "" for NULL; NULL: no memory. */
MUST_USE const char *memory_text(struct pool *pool, const char *text);

#endif
