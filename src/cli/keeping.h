/* An account and its secret, written together or not at all. */
#ifndef OUTPOST_CLI_KEEPING_H
#define OUTPOST_CLI_KEEPING_H

#include "account/account.h"
#include "base/secret.h"
#include "cli/cli.h"

/* Puts the account's section and its secret in their places; `secret` may be NULL: it has none of ours. After
 * a failure the account of this name that was there has what it had, and nothing new is left; but where only the
 * last step failed - a keyring that would not take it -, the new one stands, and its secret waits for
 * it sealed (account/pending.h), which the error says. What an interrupted run left is taken away first. */
MUST_USE bool keeping_write(struct cli *cli, const struct account *account, const struct secret *secret,
                            struct err *err);

#endif
