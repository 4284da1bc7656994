/* What a person is to know of a daemon's work, by [notify]: accounts that can't send any more, sign-ins that end,
 * messages that failed. Looked at when something happened, and once a day.
 */
#ifndef OUTPOST_CLI_ANNOUNCING_H
#define OUTPOST_CLI_ANNOUNCING_H

#include "cli/owner.h"
#include "os/log.h"

struct announcing;

/* The owner delivers, and outlives it. */
MUST_USE bool announcing_start(struct owner *owner, struct log *log, struct announcing **ret_announcing,
                               struct err *err);
void announcing_stop(struct announcing *announcing); /* NULL is nothing */
/* Something happened that may be worth a word: look soon. */
void announcing_look(struct announcing *announcing);

#endif
