/* What became of a message, told: lines for people, the object of the interface for scripts. */
#ifndef OUTPOST_CLI_SENT_H
#define OUTPOST_CLI_SENT_H

#include "cli/sending.h"
#include "intake/intake.h"

/* Tells the outcome and returns the exit status to end with. */
int sent_tell(struct cli *cli, const struct account *account, const struct prepared *prepared,
              const struct sending *sending);

/* --dry-run: envelope and message as they would go out. */
int sent_dry(struct cli *cli, const struct account *account, const struct prepared *prepared);

#endif
