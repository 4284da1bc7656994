/* What a person types and what comes in on standard input. Questions are asked on stderr, only where
 * cli->may_ask; elsewhere the caller names the option that stands for the answer.
 */
#ifndef OUTPOST_CLI_INPUT_H
#define OUTPOST_CLI_INPUT_H

#include "base/secret.h"
#include "cli/cli.h"

/* All of standard input, as far as the buffer's ceiling; ERR_LIMIT where it is more. */
MUST_USE bool input_all(struct buf *out, struct err *err);
/* The operands with a space between, or standard input where the only one is "-": all of it, or the end of what is
 * more than the buffer's ceiling, for a log ends with what stopped it. */
MUST_USE bool input_words(const struct cli *cli, struct buf *out, struct err *err);

/* The first line of standard input (--password-stdin), without its line end. */
MUST_USE bool input_secret_line(struct secret **ret_secret, struct err *err);
/* Asked without echo; the terminal is put back whatever happens, Ctrl-C included. */
MUST_USE bool input_secret(const struct cli *cli, const char *question, struct secret **ret_secret,
                           struct err *err);
/* A line of text, blanks around it taken off; false where nobody answers, or with nothing. */
MUST_USE bool input_line(const struct cli *cli, const char *question, struct buf *out);
/* "question [y/N] ": yes only where a person says so. */
bool input_yes(const struct cli *cli, const char *question);

#endif
