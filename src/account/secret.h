/* Where an account's secrets are kept, and how they are fetched. The key `secret` says it for the password
 * or token; `client_secret` and `certificate` say it for what an OAuth application proves itself with:
 *
 *   file               sealed in the state directory (account/sealed_file.h); the default
 *   keyring            the desktop's keyring (the Secret Service, by libsecret)
 *   systemd:NAME       a credential of the service: $CREDENTIALS_DIRECTORY/NAME, less one line end
 *   command:ARGV...    what a program prints, less one line end; asked each time it is needed
 *   command:| LINE     the same, by `sh -c`
 *
 * The first two are ours to write; the others are read only, and what rotates can't be kept there.
 *
 * Everything is asynchronous with a deadline: a keyring may be locked, a program may hang. What is at hand
 * (file, systemd) is told before the call returns. Nothing of a secret is in any error.
 */
#ifndef OUTPOST_ACCOUNT_SECRET_H
#define OUTPOST_ACCOUNT_SECRET_H

#include "account/account.h"
#include "account/secret_world.h"
#include "base/buf.h"
#include "base/secret.h"

enum secret_which { /* of an account */
    SECRET_SIGN_IN,     /* its password or token */
    SECRET_OF_CLIENT,   /* the OAuth application's; only where the key says where */
    SECRET_CERTIFICATE, /* the OAuth application's certificate and key, PEM; likewise */
    SECRET_KINDS,
};

struct secret_fetch; /* one of these under way: fetching, keeping or forgetting */

/* The secret, for the callee to free; or NULL and why: ERR_CONFIG with the fact secret:unreadable, ERR_LATER
 * with secret:locked where it is there but not to be had now, ERR_SIGNIN auth:empty-password where
 * it is empty. */
typedef void secret_fetched(void *data, struct secret *secret, const struct err *err);
/* `err` is NULL when it is done. */
typedef void secret_told(void *data, const struct err *err);

/* `done` is called once, perhaps before this returns. On false it was not, and will not be. *ret_fetch is
 * NULL where it was called already; else good until it is. `deadline` is the loop's. */
MUST_USE bool secret_source_read(const struct secret_world *world, const struct account *account,
                                 enum secret_which which, uint64_t deadline, secret_fetched *done,
                                 void *data, struct secret_fetch **ret_fetch, struct err *err);
/* The same of SECRET_SIGN_IN. */
MUST_USE bool secret_fetch(const struct secret_world *world, const struct account *account,
                           uint64_t deadline, secret_fetched *done, void *data,
                           struct secret_fetch **ret_fetch, struct err *err);

/* Puts a secret where the account keeps it; it is borrowed for the call alone. ERR_CONFIG where that is not
 * ours to write; ERR_SIGNIN auth:empty-password. Otherwise as above. */
MUST_USE bool secret_keep(const struct secret_world *world, const struct account *account,
                          enum secret_which which, const struct secret *secret, uint64_t deadline,
                          secret_told *done, void *data, struct secret_fetch **ret_fetch, struct err *err);
/* Takes it away from there. Nothing there is no failure, nor is a place that is not ours. */
MUST_USE bool secret_forget(const struct secret_world *world, const struct account *account,
                            enum secret_which which, uint64_t deadline, secret_told *done, void *data,
                            struct secret_fetch **ret_fetch, struct err *err);

/* `done` is not called any more. What was to be kept or forgotten may be so all the same. NULL is nothing. */
void secret_fetch_cancel(struct secret_fetch *fetch);

/* ERR_CONFIG where the text names no way we have, telling which there are. */
MUST_USE bool secret_source_check(struct span source, struct err *err);

const char *secret_key(enum secret_which which); /* "secret", "client_secret", "certificate" */
/* Where it is kept: the key's text, or the default; NULL: this account has none. */
const char *secret_source(const struct account *account, enum secret_which which);
/* Is that a place which is ours to write? */
bool secret_is_ours(const struct account *account, enum secret_which which);

/* Where it is, for people: "sealed in FILE, with the key in FILE". Adds nothing where there is none. */
void secret_describe(const struct secret_world *world, const struct account *account,
                     enum secret_which which, struct buf *out);

#endif
