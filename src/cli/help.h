/* Help, made from the tables: nothing is described twice. All return the exit status. */
#ifndef OUTPOST_CLI_HELP_H
#define OUTPOST_CLI_HELP_H

#include "cli/options.h"

int help_version(void);
int help_overview(void);
int help_command(const struct command *command);
int help_manual(void);     /* the manual page, for man */
int help_completion(void); /* for bash */
/* No command has this name: tells so, and the nearest one. Always false. */
bool help_unknown(const char *name, struct err *err);

extern const struct command command_help;

#endif
