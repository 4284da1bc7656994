/* Sealed files in the state directory: what an account keeps, one file each, state/FOLDER/NAME, for their
 * owner alone. Each is written whole or not at all, and durable when the call returns; one that was put in
 * another's place, or changed, does not open. The key is found or made here (account/seal_key.h).
 *
 * Blocking, but only for the disk. Facts: secret:unreadable, secret:locked (the key is not to be had now),
 * disk:full.
 */
#ifndef OUTPOST_ACCOUNT_SEALED_FILE_H
#define OUTPOST_ACCOUNT_SEALED_FILE_H

#include "account/sealed.h"
#include "account/secret_world.h"

/* One file. Both words are ours or checked: the name of a folder; the name of an account, or what begins
 * with one. */
struct sealed_file {
    const char *folder, *name;
};

/* ERR_CONFIG with err.sys ENOENT where there is none. */
MUST_USE bool sealed_file_read(const struct secret_world *world, struct sealed_file file,
                               struct secret **ret_secret, struct err *err);

/* In the place of the one there, if any. Sealed with the key that sealed that one, while it can be had;
 * else with the best there is. */
MUST_USE bool sealed_file_keep(const struct secret_world *world, struct sealed_file file,
                               const struct secret *secret, struct err *err);

/* Nothing there is no failure. */
MUST_USE bool sealed_file_forget(const struct secret_world *world, struct sealed_file file,
                                 struct err *err);

/* Which key it is sealed with; ERR_CONFIG with ENOENT where there is no file. */
MUST_USE bool sealed_file_key(const struct secret_world *world, struct sealed_file file,
                              enum sealed_key *ret_kept, struct err *err);

/* Seals it again, with the key that is kept there (seal_key_ready). */
MUST_USE bool sealed_file_move(const struct secret_world *world, struct sealed_file file,
                               enum sealed_key to, struct err *err);

/* Where it is, for people: "sealed in FILE, with the key in FILE". */
void sealed_file_describe(const struct secret_world *world, struct sealed_file file, struct buf *out);

/* Where it is, for mem_free(); NULL: no memory. */
MUST_USE char *sealed_file_path(const struct secret_world *world, struct sealed_file file);

#endif
