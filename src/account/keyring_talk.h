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

#include "base/secret.h"

#define KEYRING_PROGRAM "outpost-keyring"

#define KEYRING_OK "ok"
#define KEYRING_NOT_NOW "secret:locked"      /* no keyring here, locked, not answering */
#define KEYRING_NONE "secret:unreadable"     /* it is not in it */
#define KEYRING_EMPTY "auth:empty-password"  /* nothing is in it */

/* So that the answer is not longer than a secret may be. */
enum { KEYRING_SECRET_MAX = SECRET_MAX - 8 };

#endif
