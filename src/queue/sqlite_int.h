/* The store in SQLite, its own parts:
 *
 *   sqlite.c          opens, closes; batches, jobs, and what a commit that failed has come to
 *   sqlite_schema.c   the file's version
 *   sqlite_account.c  accounts and counts, which are kept in memory and written with each commit
 *   sqlite_row.c      rows as they are read and written
 *   sqlite_in.c       bodies, accept
 *   sqlite_claim.c    claim: what is due, what is late
 *   sqlite_out.c      leaving, settle
 *   sqlite_hand.c     list, show, change; telling
 *   sqlite_keep.c     sweep, check
 *   sqlite_mend.c     a new file of what can still be read of a damaged one
 */
#ifndef OUTPOST_QUEUE_SQLITE_INT_H
#define OUTPOST_QUEUE_SQLITE_INT_H

#include "queue/sql.h"
#include "queue/sqlite.h"
#include "queue/sqlite_queries.h"
#include "queue/store_int.h"

/* The numbers that stand in files and in the queries. */
_Static_assert(STORE_QUEUED == 0 && STORE_SENDING == 1 && STORE_LEAVING == 2 && STORE_DEFERRED == 3 &&
                   STORE_UNKNOWN == 4 && STORE_DELIVERED == 5 && STORE_FAILED == 6 && STORE_REMOVED == 7 &&
                   STORE_HELD == 8 && STORE_PARKED == 9,
               "a state's number is kept in files");
_Static_assert(REPORT_DELAY == 2 && NOTIFY_NEVER == 1 && NOTIFY_DELAY == 8, "what is wished for is kept in files");
_Static_assert(STORE_EVENT_ACCEPTED == 0 && STORE_EVENT_TOLD == 10, "an event's number is kept in files");

enum { /* where a message stands in line: schema/sqlite/1.sql */
    SLOT_LAST = 18,
    SLOT_LEASED = 32,
    SLOT_HELD = 33,
    SLOT_IDLE = 34,
};
enum { SQLITE_PIECES_MAX = 65536, SQLITE_PIECES_AT_ONCE = 16, SQLITE_EVENTS_MAX = 199 };

struct sqlite_account {
    uint64_t id;
    char *name;
    uint64_t parked_since, parked_told, parked_for;
    char *parked_because, *parked_text;
};

struct tally { /* messages of an account by state */
    uint64_t counts[STORE_STATE_COUNT];
    unsigned changed; /* STORE_IN(): to be written with the commit */
};

struct tally_change {
    uint32_t account;
    uint8_t state;
    int8_t by;
};

struct sqlite {
    struct store store;
    struct sqlite_options options;
    char *path, *directory;
    struct sql *sql;       /* NULL: it could not be opened again after a failure */
    uint64_t commits;      /* how many there were: the file knows, too */
    uint64_t changes;      /* rows changed before this batch */
    uint64_t next_id, next_lease;
    bool nearly_full;      /* as of the beginning of the batch */
    bool dead;             /* an error ended the batch's transaction, or left it with half a job */
    struct err death;
    bool bare;             /* this job has no savepoint */
    uint64_t job_changes;  /* rows changed before this job */
    struct sqlite_account *accounts; /* id i + 1 at i */
    size_t account_count, account_room;
    struct tally *tallies; /* likewise; maybe more than accounts */
    size_t tally_room;
    struct tally_change *log; /* of the batch, so that it can be undone */
    size_t log_count, log_room, log_job;
    bool accounts_changed; /* in this job */
    uint64_t swept_history; /* how far */
    bool ended_bodies;      /* some may be left of what sqlite_end_body() put off */
};

static inline struct sqlite *sqlite_of(struct store *store)
{
    return (struct sqlite *)store;
}

bool sqlite_damaged(struct err *err, const char *what);

/* sqlite_schema.c: makes the tables, or brings them to this version; refuses what is newer or not ours. */
MUST_USE bool sqlite_schema(struct sql *sql, struct err *err);
/* A file of just this version, which is only looked at. */
MUST_USE bool sqlite_schema_ours(struct sql *sql, struct err *err);
extern const char *const sqlite_schemas[]; /* of schema/sqlite, in order */
extern const size_t sqlite_schemas_count;

/* sqlite_account.c */
MUST_USE bool sqlite_accounts_load(struct sqlite *sqlite, struct err *err); /* and the counts */
MUST_USE bool sqlite_accounts_reload(struct sqlite *sqlite, struct err *err);
void sqlite_accounts_done(struct sqlite *sqlite);
struct sqlite_account *sqlite_account(const struct sqlite *sqlite, const char *name); /* NULL: not known */
struct sqlite_account *sqlite_account_by_id(const struct sqlite *sqlite, uint64_t id);
/* Made where it is not there yet; NULL with err. */
struct sqlite_account *sqlite_account_make(struct sqlite *sqlite, const char *name, struct err *err);
uint64_t sqlite_parked_for(const struct sqlite_account *account, uint64_t now);
/* One message more or less of an account in a state. */
MUST_USE bool sqlite_count(struct sqlite *sqlite, uint64_t account, enum store_state state, int by,
                           struct err *err);
void sqlite_counts_undo(struct sqlite *sqlite, size_t since);
MUST_USE bool sqlite_counts_write(struct sqlite *sqlite, struct err *err);
bool sqlite_store_accounts(struct store *store, const char *name, uint64_t now, struct store_accounts *ret,
                           struct err *err);
bool sqlite_park(struct store *store, const char *name, const char *cause, const char *text, uint64_t now,
                 struct err *err);
bool sqlite_unpark(struct store *store, const char *name, uint64_t now, struct err *err);
bool sqlite_park_told(struct store *store, const char *name, uint64_t now, struct err *err);
bool sqlite_mark_put(struct store *store, const char *kind, const char *name, struct span bytes,
                     struct err *err);
bool sqlite_mark_get(struct store *store, const char *kind, const char *name, struct buf *out, struct err *err);

/* sqlite_row.c */
struct sqlite_message {
    struct store_row row; /* without recipients; `next` and the state that is shown: sqlite_shown() */
    uint64_t account, slot, due, lease, parked, report_due;
    uint64_t lost, events;
    bool held;
    bool damaged; /* its row makes no sense: it is shown as held, and nothing is done with it but taking it away */
    const char *stuck, *via, *removed_by;
};
/* The row that the cursor stands on; texts are put into the pool. */
MUST_USE bool sqlite_read_message(struct sqlite *sqlite, const struct sql_rows *rows, struct pool *pool,
                                  struct sqlite_message *ret_message, struct err *err);
MUST_USE bool sqlite_read_recipient(const struct sql_rows *rows, struct pool *pool,
                                    struct store_row_recipient *ret_recipient, struct err *err);
/* By its id, where it is not over. store:gone. */
MUST_USE bool sqlite_find(struct sqlite *sqlite, uint64_t id, struct pool *pool,
                          struct sqlite_message *ret_message, struct err *err);
/* The same for upkeep, which one that makes no sense must not stop: it is set aside, and *ret_good is false. */
MUST_USE bool sqlite_find_good(struct sqlite *sqlite, uint64_t id, struct pool *pool,
                               struct sqlite_message *ret_message, bool *ret_good, struct err *err);
/* The row as it is shown now. */
void sqlite_shown(const struct sqlite *sqlite, struct sqlite_message *message, uint64_t now);
/* Some of its recipients into the row. */
MUST_USE bool sqlite_add_recipients(struct sqlite *sqlite, struct store_row *row, uint64_t from, size_t most,
                                    struct pool *pool, struct err *err);

MUST_USE bool sqlite_sum(struct sqlite *sqlite, uint64_t id, struct store_sum *ret_sum, struct err *err);
/* After its recipients, or what stands in *message, changed: writes it, counts it, tells when it is due, and lays it
 * to the history when it is over. */
MUST_USE bool sqlite_refresh(struct sqlite *sqlite, struct sqlite_message *message, const struct store_sum *sum,
                             uint64_t now, struct err *err);
MUST_USE bool sqlite_refresh_sum(struct sqlite *sqlite, struct sqlite_message *message, uint64_t now,
                                 struct err *err); /* asks for the sum itself */
/* Its number is counted in *message, which is to be written. */
MUST_USE bool sqlite_add_event(struct sqlite *sqlite, struct sqlite_message *message,
                               const struct store_event *event, struct err *err);
MUST_USE bool sqlite_hold(struct sqlite *sqlite, struct sqlite_message *message, const char *because,
                          const char *text, const char *by, uint64_t now, struct err *err);
/* A body of many pieces becomes one that was abandoned, which a sweep, or closing, takes away by and by: SQLite keeps
 * in memory what a job deletes, to undo it. */
MUST_USE bool sqlite_end_body(struct sqlite *sqlite, uint64_t id, uint64_t pieces, struct err *err);
uint64_t sqlite_pack(const uint16_t enhanced[3]);
/* As it is kept: late, born, wished. */
void sqlite_lateness(const struct store_lateness *lateness, struct sql_value ret_values[3]);

/* sqlite_keep.c: some of what sqlite_end_body() put off. */
MUST_USE bool sqlite_end_bodies(struct sqlite *sqlite, struct err *err);

/* sqlite_in.c */
bool sqlite_body_add(struct store *store, struct store_body *body, struct span piece, uint64_t now,
                     struct err *err);
bool sqlite_body_drop(struct store *store, const struct store_body *body, struct err *err);
bool sqlite_body_read(struct store *store, uint64_t id, uint32_t piece, struct buf *out, struct err *err);
bool sqlite_accept(struct store *store, const struct store_order *order, uint64_t now,
                   struct store_accepted *ret, struct err *err);
/* A piece, looked at; borrowed until *rows ends. */
MUST_USE bool sqlite_piece(struct sqlite *sqlite, struct sql_rows *rows, uint64_t id, uint32_t piece,
                           struct span *ret_bytes, struct err *err);

/* sqlite_claim.c */
bool sqlite_claim(struct store *store, const struct store_claim *claim, uint64_t now, struct store_items *ret,
                  struct err *err);

/* sqlite_out.c */
bool sqlite_leaving(struct store *store, const char *by, struct store_lease *leases, size_t count,
                    uint64_t now, struct err *err);
bool sqlite_extend(struct store *store, struct store_lease *leases, size_t count, uint64_t until, uint64_t now,
                   struct err *err);
bool sqlite_settle(struct store *store, const struct store_settlement *settlement, uint64_t now,
                   struct err *err);
bool sqlite_hasten(struct store *store, const struct store_wait *waits, size_t count, uint64_t at, uint64_t now,
                   struct err *err);

/* sqlite_hand.c */
bool sqlite_reports(struct store *store, uint64_t now, uint64_t again, size_t messages, size_t recipients,
                    struct store_rows *ret, uint64_t *ret_next, struct err *err);
bool sqlite_told(struct store *store, const struct store_told *told, uint64_t now, struct err *err);
MUST_USE bool sqlite_mark_told(struct sqlite *sqlite, const struct store_told *told, const char *text,
                               uint64_t now, bool *ret_any, struct err *err);
bool sqlite_change(struct store *store, enum store_verb verb, const struct store_filter *filter,
                   struct store_cursor *cursor, size_t most, bool dry_run, const char *who, uint64_t now,
                   struct store_changed *changed, struct err *err);
bool sqlite_list(struct store *store, const struct store_filter *filter, struct store_cursor *cursor,
                 size_t rows, size_t recipients, uint64_t now, struct store_rows *ret, struct err *err);
bool sqlite_show(struct store *store, uint64_t id, uint32_t from, size_t recipients, uint64_t now,
                 struct store_story *ret, struct err *err);
/* What waits is taken away; *message is to be refreshed. */
MUST_USE bool sqlite_remove_waiting(struct sqlite *sqlite, struct sqlite_message *message, const char *who,
                                    uint64_t now, struct err *err);

/* sqlite_keep.c */
bool sqlite_sweep(struct store *store, const struct store_sweep *sweep, uint64_t now, bool *ret_more,
                  struct err *err);
bool sqlite_check(struct store *store, struct store_checking *checking, size_t most, uint64_t now,
                  struct err *err);

/* "" for NULL; NULL: no memory. */
static inline const char *sqlite_keep_text(struct pool *pool, const char *text)
{
    return text && *text ? pool_text(pool, span_of(text)) : "";
}

#endif
