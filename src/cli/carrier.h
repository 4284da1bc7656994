/* A message on its way to the owner of the state directory, without a loop and with nothing but libc: how sendmail hands
 * in. Where nobody is the owner, one is started that stands in (cli/standin.h), but not in system scope: there the
 * daemon is waited for, CARRIER_REACH_MS and no longer.
 *
 *     carrier_begin(&plan, lines and first piece, &carrier, err)
 *     carrier_add(&carrier, more, err)           as gateway/submission.h writes it; any number
 *     carrier_end(&carrier, words, err)          the end; true: it is on disk
 *     carrier_done(&carrier)
 *
 * What failed before carrier_end() is not in the queue and never will be, though the owner should wake up later: the
 * end is only said to an owner who has read all that stands before it.
 */
#ifndef OUTPOST_CLI_CARRIER_H
#define OUTPOST_CLI_CARRIER_H

#include "base/buf.h"
#include "base/err.h"
#include "os/place.h"

enum { CARRIER_REACH_MS = 10 * 1000, CARRIER_WORDS_MAX = 2048 };

struct carrier_plan { /* borrowed */
    const struct place *place;
    const char *const *words; /* for the one who stands in: starting_standin() */
};

struct carrier {
    int talk;
    bool ended; /* the end was said: it may be in the queue. While it is not, it is not, and may be carried again */
    int said; /* by the one that we started; -1: somebody was there */
};
#define CARRIER_NONE { -1, false, -1 }

/* ERR_LATER, daemon:unreachable where nobody could be reached. */
MUST_USE bool carrier_begin(const struct carrier_plan *plan, struct span first, struct carrier *carrier,
                            struct err *err);
MUST_USE bool carrier_add(struct carrier *carrier, struct span bytes, struct err *err);
/* What the owner says to it, "queued as 17", safe to show; room for CARRIER_WORDS_MAX. */
MUST_USE bool carrier_end(struct carrier *carrier, struct buf *ret_words, struct err *err);
/* Waits so long for what the one that we started has to say, and adds it, lines with their ends. */
void carrier_listen(struct carrier *carrier, uint64_t ms, struct buf *ret_words);
void carrier_done(struct carrier *carrier); /* as CARRIER_NONE again */

#endif
