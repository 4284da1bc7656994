/* Between account/secret_keyring.c, which waits, and the program outpost-keyring (account/keyring_libsecret.c), which
 * asks the desktop's keyring, by libsecret. A program of its own, for GLib ends the process that runs out of memory,
 * and nobody who stays is to have it in him; and what hangs on a locked keyring can be killed.
 *
 *     outpost-keyring read|keep|forget STATE NAME LABEL ask|quiet      the secret to be kept on standard input
 *
 *     ok LF SECRET                     it was read; of the other two without one
 *     FACT LF TEXT LF WORDS            it could not be: in our words, and in the keyring's
 */
#ifndef OUTPOST_ACCOUNT_KEYRING_TALK_H
#define OUTPOST_ACCOUNT_KEYRING_TALK_H

#include "base/err.h"
#include "base/secret.h"

#define KEYRING_PROGRAM "outpost-keyring"

#define KEYRING_OK "ok"
#define KEYRING_NOT_NOW "secret:locked"      /* no keyring here, locked, not answering */
#define KEYRING_NONE "secret:unreadable"     /* it is not in it */
#define KEYRING_EMPTY "auth:empty-password"  /* nothing is in it */

/* So that the answer is not longer than a secret may be. */
enum { KEYRING_SECRET_MAX = SECRET_MAX - 8 };

/* What the program said, whole. Pure. With `has_secret` *ret_secret is what was read, of one byte or more; without it is
 * NULL. False: the fact above with its kind (ERR_LATER, ERR_CONFIG, ERR_SIGNIN), or "not now" where it makes no sense. */
MUST_USE bool keyring_answer_read(struct span answer, bool has_secret, struct secret **ret_secret, struct err *err);

#endif
