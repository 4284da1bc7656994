/* What became of a message that went through the queue, told: lines for people, the object of the interface for
 * scripts. */
#ifndef OUTPOST_CLI_QUEUED_H
#define OUTPOST_CLI_QUEUED_H

#include "cli/handing.h"

/* Tells it and returns the exit status to end with: 0 where it was delivered or waits, durably, for its turn. */
int queued_tell(struct cli *cli, const struct handed *handed);

#endif
