/* Before somebody signs in as an account beside the outpost that sends its mail: that one is asked how much of the
 * account's day is used, and for one of its connections (control/account_verbs.c). Where none runs, its books are read.
 *
 *     lending_begin(cli, account, patience_ms, &lending)
 *     ... lending->books is good; the connection is ours ...
 *     lending_end(&lending)
 */
#ifndef OUTPOST_CLI_LENDING_H
#define OUTPOST_CLI_LENDING_H

#include "cli/world.h"
#include "doctor/books.h"

struct stream;

struct lending {
    struct doctor_books books;
    struct stream *stream; /* while it lasts the connection is lent; NULL: nothing is */
};

/* Waits so long at most. What can't be learned is not known: it fails nothing. */
void lending_begin(struct cli *cli, const struct account *account, uint64_t patience_ms, struct lending *ret_lending);
void lending_end(struct lending *lending);

#endif
