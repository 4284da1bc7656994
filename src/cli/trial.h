/* A short message of our own by an account, made ready to be sent: to see that it arrives, and from whom. */
#ifndef OUTPOST_CLI_TRIAL_H
#define OUTPOST_CLI_TRIAL_H

#include "cli/cli.h"
#include "intake/intake.h"

struct trial_text {
    const char *from;          /* NULL: the account's own address */
    const char *to;            /* NULL: the same */
    const char *subject, *body; /* lines with CRLF */
};

/* It lies in memory until it is written to a nameless file: it is that small. */
MUST_USE bool trial_prepare(struct cli *cli, const struct account *account, const struct trial_text *text,
                            struct prepared **ret_prepared, struct err *err);

#endif
