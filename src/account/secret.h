/* Where an account's password or token is kept, and how it is fetched. The key `secret` says which:
 *
 *   file               sealed in the state directory; the default
 *   command:ARGV...    what a program prints, less one line end; asked each time it is needed
 *   command:| LINE     the same, by `sh -c`
 *
 * Fetching is asynchronous with a deadline, for all of them; the sealed file answers before the call
 * returns. Nothing of a secret is in any error.
 */
#ifndef OUTPOST_ACCOUNT_SECRET_H
#define OUTPOST_ACCOUNT_SECRET_H

#include "account/account.h"
#include "account/secret_world.h"
#include "base/secret.h"

struct secret_fetch;

/* The secret, for the callee to free; or NULL and why: ERR_CONFIG with the fact secret:unreadable, or
 * ERR_SIGNIN auth:empty-password where it is empty. */
typedef void secret_fetched(void *data, struct secret *secret, const struct err *err);

/* `done` is called once, perhaps before this returns. On false it was not, and will not be. *ret_fetch is
 * NULL where it was called already; else good until it is. `deadline` is the loop's. */
MUST_USE bool secret_fetch(const struct secret_world *world, const struct account *account,
                           uint64_t deadline, secret_fetched *done, void *data,
                           struct secret_fetch **ret_fetch, struct err *err);
void secret_fetch_cancel(struct secret_fetch *fetch); /* `done` is not called; NULL is nothing */

/* Puts a secret where the account keeps it. ERR_CONFIG where that is not ours to write (a command). */
MUST_USE bool secret_keep(const struct secret_world *world, const struct account *account,
                          const struct secret *secret, struct err *err);
/* Takes it away; nothing there is no failure. */
MUST_USE bool secret_forget(const struct secret_world *world, const struct account *account,
                            struct err *err);

/* ERR_CONFIG where the key's value names no way we have, telling which there are. */
MUST_USE bool secret_source_check(struct span source, struct err *err);

#endif
