/* sendmail's main work: a message from standard input, handed to the owner (cli/carrier.h). Read as it comes and never
 * held whole. For the small program and the large; nothing but libc.
 */
#ifndef OUTPOST_CLI_MAILING_H
#define OUTPOST_CLI_MAILING_H

#include "cli/carrier.h"
#include "cli/sendmail_flags.h"

/* `flags->mode` is SENDMAIL_SEND. Tells what failed, on standard error and in the system's log: who calls sendmail often
 * reads neither. The exit status. */
int mailing_run(const struct carrier_plan *plan, const struct sendmail_flags *flags);

/* A failure of sendmail, told in both places; its exit status. */
int mailing_fail(const struct err *err);

#endif
