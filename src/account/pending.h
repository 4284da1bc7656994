/* A secret that waits for its account. Account and secret are two files, and appear together or not at all,
 * also where the machine dies between two steps:
 *
 *     pending_keep(new)           sealed in state/pending/NAME; the account as it was is untouched
 *     config_write_account(new)   the one step that counts
 *     secret_keep(new)            where the account keeps it; pending_forget()
 *
 * While it waits, account/secret.h takes it for the secret of the account it was sealed for - the same
 * address, server, user, way of signing in and place - and for no other: before the second step
 * the old account has its old secret, after it the new one has the new. What an interrupted setup has left
 * is harmless, and goes with the next one: pending_sweep().
 */
#ifndef OUTPOST_ACCOUNT_PENDING_H
#define OUTPOST_ACCOUNT_PENDING_H

#include "account/config.h"
#include "account/secret_world.h"
#include "base/secret.h"

/* For this account as it will be written, filled. */
MUST_USE bool pending_keep(const struct secret_world *world, const struct account *account,
                           const struct secret *secret, struct err *err);
/* *ret_secret is NULL where none waits for this very account. */
MUST_USE bool pending_read(const struct secret_world *world, const struct account *account,
                           struct secret **ret_secret, struct err *err);
/* Nothing there is no failure. */
MUST_USE bool pending_forget(const struct secret_world *world, const char *account, struct err *err);

/* Takes away what waits for no account of this configuration, and tells of each by its name. */
MUST_USE bool pending_sweep(const struct secret_world *world, const struct config *config,
                            void (*swept)(void *who, const char *account), void *who, struct err *err);

#endif
