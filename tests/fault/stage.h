/* A queue in SQLite that plays, and one in memory to which the same happens. */
#ifndef OUTPOST_TESTS_STAGE_H
#define OUTPOST_TESTS_STAGE_H

#include "acts.h"
#include "queue/sqlite.h"
#include "support/scratch.h"

struct stage {
    struct scratch *scratch;
    struct player sqlite, memory;
};

/* Opens both; the file is new where the scratch is. */
void stage_open(struct stage *stage, struct scratch *scratch);
MUST_USE bool stage_open_sqlite(struct stage *stage, bool *ret_crashed, struct err *err);
void stage_close(struct stage *stage);
uint64_t stage_time(unsigned step);

/* Are they equal in every word? Fails the test with the first line that differs; `what` says where we are. */
void stage_compare(struct stage *stage, uint64_t now, const char *what, uint64_t seed, unsigned step);
/* The same of two dumps: -1 where they are equal, else where the line begins that differs. */
long stage_differ(const struct buf *one, const struct buf *other);
/* A new life for both. */
void stage_reborn(struct stage *stage, uint64_t now);
/* Everything in the file is read and compared: nothing is damaged, but for so many messages. */
void stage_check(struct store *store, const char *what, unsigned step);
void stage_check_but(struct store *store, const char *what, unsigned step, uint64_t damaged);

#endif
