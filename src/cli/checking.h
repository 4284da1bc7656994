/* outpost status --health: looks at the daemon, the queue, the disk and the accounts (cli/checkup.h). */
#ifndef OUTPOST_CLI_CHECKING_H
#define OUTPOST_CLI_CHECKING_H

#include "cli/cli.h"

/* Prints the line; returns 0, 1 or 2. Where no daemon does so, a person is told of sign-ins by [notify], too. */
int checking_health(struct cli *cli);

#endif
