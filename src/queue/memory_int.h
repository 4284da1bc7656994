/* The store in memory (memory.c), in parts as SQLite's: things on shelves, in order. A thing is never changed once its job is over: a change is a
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
    const char *stuck, *via; /* the account and the transport its body left by; "" none */
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

static inline struct memory *memory_of(struct store *store)
{
    return (struct memory *)store;
}

/* memory_message.c: false, and NULL, where memory ran out. */
const struct thing *memory_account(const struct memory *memory, const char *name); /* NULL: not known */
MUST_USE struct thing *memory_account_edit(struct memory *memory, const char *name);
uint64_t memory_parked_for(const struct store_account *account, uint64_t now);
bool memory_is_parked(const struct memory *memory, const char *name);
uint64_t memory_stood(const struct memory *memory, const struct memory_message *message, uint64_t now);
const struct thing *memory_open_message(const struct memory *memory, uint64_t id); /* NULL: over, or not there */
MUST_USE bool memory_add_event(struct thing *thing, const struct store_event *event);
struct store_sum memory_sum(const struct memory_message *message);
/* After its recipients changed: what it is now, when it is due, and whether it is over. */
MUST_USE bool memory_refresh(struct memory *memory, struct thing *thing, uint64_t now);
MUST_USE bool memory_hold(struct thing *thing, const char *because, const char *text, const char *by, uint64_t now);
void memory_unhold(struct memory_message *message);
MUST_USE bool memory_remove_waiting(struct thing *thing, const char *who, uint64_t now);
MUST_USE bool memory_mark_told(struct memory *memory, const struct store_told *told, const char *text, uint64_t now,
                               bool *ret_any, struct err *err);

/* The words of queue/store.h. */
bool memory_body_add(struct store *store, struct store_body *body, struct span piece, uint64_t now,
                     struct err *err);
bool memory_body_drop(struct store *store, const struct store_body *body, struct err *err);
bool memory_body_read(struct store *store, uint64_t id, uint32_t piece, struct buf *out, struct err *err);
bool memory_accept(struct store *store, const struct store_order *order, uint64_t now,
                   struct store_accepted *ret, struct err *err);
bool memory_claim(struct store *store, const struct store_claim *claim, uint64_t now, struct store_items *ret,
                  struct err *err);
bool memory_leaving(struct store *store, const char *by, struct store_lease *leases, size_t count, uint64_t now,
                    struct err *err);
bool memory_extend(struct store *store, struct store_lease *leases, size_t count, uint64_t until, uint64_t now,
                   struct err *err);
bool memory_settle(struct store *store, const struct store_settlement *settlement, uint64_t now,
                   struct err *err);
bool memory_hasten(struct store *store, const struct store_wait *waits, size_t count, uint64_t at, uint64_t now,
                   struct err *err);
bool memory_reports(struct store *store, uint64_t now, uint64_t again, size_t messages, size_t recipients,
                    struct store_rows *ret, uint64_t *ret_next, struct err *err);
bool memory_told(struct store *store, const struct store_told *told, uint64_t now, struct err *err);
bool memory_change(struct store *store, enum store_verb verb, const struct store_filter *filter,
                   struct store_cursor *cursor, size_t most, bool dry_run, const char *who, uint64_t now,
                   struct store_changed *changed, struct err *err);
bool memory_list(struct store *store, const struct store_filter *filter, struct store_cursor *cursor,
                 size_t rows, size_t recipients, uint64_t now, struct store_rows *ret, struct err *err);
bool memory_show(struct store *store, uint64_t id, uint32_t from, size_t recipients, uint64_t now,
                 struct store_story *ret, struct err *err);
bool memory_accounts(struct store *store, const char *name, uint64_t now, struct store_accounts *ret,
                     struct err *err);
bool memory_park(struct store *store, const char *name, const char *cause, const char *text, uint64_t now,
                 struct err *err);
bool memory_unpark(struct store *store, const char *name, uint64_t now, struct err *err);
bool memory_park_told(struct store *store, const char *name, uint64_t now, struct err *err);
bool memory_mark_put(struct store *store, const char *kind, const char *name, struct span bytes,
                     struct err *err);
bool memory_mark_get(struct store *store, const char *kind, const char *name, struct buf *out, struct err *err);

#endif
