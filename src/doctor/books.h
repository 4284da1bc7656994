/* What the outpost that sends an account's mail knows of the account, and lends: how much of the day is used - nobody is
 * bothered whose answer is known -, and whether one of the account's connections is ours for a while. Pure.
 */
#ifndef OUTPOST_DOCTOR_BOOKS_H
#define OUTPOST_DOCTOR_BOOKS_H

#include "doctor/ladder.h"
#include "know/evidence.h"

enum books_line {
    BOOKS_NO_LINE, /* nobody sends as this account now: nothing is to be borrowed */
    BOOKS_LENT,
    BOOKS_ALL_BUSY, /* all of the account's connections are in use */
};

struct doctor_books {
    bool known;
    uint64_t sent, limit;   /* today; limit 0: none */
    bool counts_recipients; /* else messages */
    uint64_t until;         /* seconds since 1970: nothing more may go until then; 0: it may */
    char because[40];       /* why, where the provider said so: a cause's id; "" */
    enum books_line line;
};

/* Is the day used up, at `wall` (seconds since 1970)? *ret_evidence then says so. */
bool books_used_up(const struct doctor_books *books, uint64_t wall, struct evidence *ret_evidence);
/* The rung of it; none where nothing is limited. */
void books_climb(const struct doctor_books *books, const struct evidence *used_up, struct ladder *ladder, uint64_t now);

#endif
