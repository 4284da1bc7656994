/* What a person is to know of a daemon's work: messages that failed (relay/notice.h), and, by [notify], accounts that
 * can't send any more and sign-ins that end. Looked at when something happened, and once a day.
 */
#ifndef OUTPOST_CLI_ANNOUNCING_H
#define OUTPOST_CLI_ANNOUNCING_H

#include "cli/owner.h"
#include "os/log.h"

struct announcing;

/* The owner delivers, and outlives it. */
MUST_USE bool announcing_start(struct owner *owner, struct log *log, struct announcing **ret_announcing,
                               struct err *err);
void announcing_free(struct announcing *announcing); /* NULL is nothing */
OWNED(announcing);
/* The relay did something that may be worth a word. */
void announcing_saw(struct announcing *announcing, const struct relay_event *event);

#endif
