/* Help, made from the tables: nothing is described twice. All return the exit status. */
#ifndef OUTPOST_CLI_HELP_H
#define OUTPOST_CLI_HELP_H

#include "cli/options.h"

int help_version(void);
int help_overview(void);
int help_command(const struct cli *cli, const struct command *command);
int help_manual(void);     /* the manual page, for man */
int help_completion(void); /* for bash */
/* The command that these words begin with; NULL: there is none, and `err` names the nearest. "account
 * lst" is none, too: what takes no operand is the family of such names. */
const struct command *help_find(size_t count, const char *const *words, size_t *ret_used,
                                struct err *err);

extern const struct command command_help;

#endif
