/* Where a log goes: what stands in struct log's `write` and `put`.
 *
 *   standard error   a line an event, one write(2) each
 *   syslog           syslog(3), facility mail: the line without time and level, which syslog has of its own
 *   the journal      the same line as MESSAGE, and each field beside it: OUTPOST_ACCOUNT, OUTPOST_ID, ... so that
 *                    `journalctl OUTPOST_ACCOUNT=live` finds an account's. By libsystemd, a module
 *
 * Whoever reads a log is waited for, as is usual: a syslog daemon that hangs holds up its writers.
 */
#ifndef OUTPOST_OS_LOG_TO_H
#define OUTPOST_OS_LOG_TO_H

#include "base/err.h"
#include "os/log.h"

void log_to_stderr(struct log *log, struct span line); /* a `write` */

/* Each makes `log` go there, as "outpost". */
void log_to_syslog(struct log *log);
/* ERR_CONFIG where no journal runs here, or this installation can't speak to one; then nothing has changed. */
MUST_USE bool log_to_journal(struct log *log, struct err *err);

/* Is standard error read by the journal, line by line ($JOURNAL_STREAM)? */
bool log_stderr_is_journal(void);

#endif
