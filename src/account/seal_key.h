/* The key of the sealed files: 32 random bytes, kept in one of three places. Which one is written in each
 * file, so that several can be in use while files move from one to another.
 *
 *   file      state/key, its owner's alone; made when the first secret is sealed, unless there is a better
 *   kernel    in the kernel's memory, as the user key "outpost:key" of the user's keyring; whoever has it
 *             puts it there after each start: keyctl padd user outpost:key @u < FILE
 *   systemd   a credential of the service, "outpost-key": LoadCredentialEncrypted= in its unit
 *
 * The last two are never made by us: a key that only lies in memory would take every secret with it.
 */
#ifndef OUTPOST_ACCOUNT_SEAL_KEY_H
#define OUTPOST_ACCOUNT_SEAL_KEY_H

#include "account/sealed.h"
#include "account/secret_world.h"

#define SEAL_KEY_KERNEL_NAME "outpost:key"
#define SEAL_KEY_CREDENTIAL  "outpost-key"

/* The key that is kept there. ERR_LATER, secret:locked: the kernel or systemd hands out none now.
 * ERR_CONFIG, secret:unreadable: the file is not there, or what is there is no key of ours. */
MUST_USE bool seal_key_read(const struct secret_world *world, enum sealed_key kept,
                            struct secret **ret_key, struct err *err);

/* The same; but the file's is made where it is not there. */
MUST_USE bool seal_key_ready(const struct secret_world *world, enum sealed_key kept,
                             struct secret **ret_key, struct err *err);

/* The key for what is to be sealed now: systemd's or the kernel's where there is one, else the file's,
 * which is made if need be. One of the first two that is damaged is a failure, not passed over. */
MUST_USE bool seal_key_best(const struct secret_world *world, enum sealed_key *ret_kept,
                            struct secret **ret_key, struct err *err);

const char *seal_key_word(enum sealed_key kept); /* "file", "kernel", "systemd" */
MUST_USE bool seal_key_from_word(struct span word, enum sealed_key *ret_kept);

/* Where the file is, for mem_free(); NULL: no memory. */
MUST_USE char *seal_key_file(const struct secret_world *world);

#endif
