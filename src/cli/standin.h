/* The owner that sendmail starts where no daemon runs: takes mail at the door, delivers as far as that can be now, stays
 * a little for whoever comes next, and leaves.
 *
 * It speaks on standard output: first a line of a status, "0 ready" or what keeps it from being the owner ("75 ..."
 * where another is); then, once what it took first is dealt with, a line for each message that is not, for the person
 * who called; and closes it. What it tells later goes to the system's log alone.
 */
#ifndef OUTPOST_CLI_STANDIN_H
#define OUTPOST_CLI_STANDIN_H

#include <stdbool.h>

#include "cli/cli.h"

int standin_run(struct cli *cli); /* the exit status */

/* For a daemon that finds another to be the owner: is it one that leaves by itself? Who stands in is told to, now. */
bool standin_leaves(struct cli *cli);

#endif
