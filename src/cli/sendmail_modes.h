/* What sendmail does beside handing in a message; each returns the exit status. cli/cmd_sendmail.c chooses. */
#ifndef OUTPOST_CLI_SENDMAIL_MODES_H
#define OUTPOST_CLI_SENDMAIL_MODES_H

#include "cli/carrier.h"
#include "cli/cli.h"
#include "cli/sendmail_flags.h"

/* -bs: SMTP on standard input and output; each message goes to the owner as it comes. */
int sendmail_smtp(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags);
/* -bp, mailq: what waits, in the form that programs read. */
int sendmail_list(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags);
/* -q...: what waits is tried now. */
int sendmail_wake(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags);
/* -bi, newaliases: nothing is built; the file is looked through. */
int sendmail_aliases(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags);
/* -bv: where mail to these would go. */
int sendmail_verify(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags);

#endif
