/* Secrets for commands, which may wait: account/secret.h with its end awaited. A loop is begun only where one
 * is needed. */
#ifndef OUTPOST_CLI_SECRETS_H
#define OUTPOST_CLI_SECRETS_H

#include "account/secret.h"
#include "cli/cli.h"

/* For a program, or a keyring and the person before it; --timeout may say less. */
enum { SECRETS_PATIENCE_MS = 60 * 1000 };

MUST_USE bool secrets_fetch(struct cli *cli, const struct account *account, enum secret_which which,
                            struct secret **ret_secret, struct err *err);
MUST_USE bool secrets_keep(struct cli *cli, const struct account *account, enum secret_which which,
                           const struct secret *secret, struct err *err);
/* A place that is not ours is left as it is. */
MUST_USE bool secrets_forget(struct cli *cli, const struct account *account, enum secret_which which,
                             struct err *err);

#endif
