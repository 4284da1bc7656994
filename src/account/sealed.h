/* A secret, sealed: it can be opened only with the key, and only for the name it was sealed for, and
 * not a bit of it can be changed unseen. XChaCha20-Poly1305 of libsodium; bytes in, bytes out.
 *
 *     "outpost sealed 1" (16 bytes) | nonce (24) | ciphertext and tag
 */
#ifndef OUTPOST_ACCOUNT_SEALED_H
#define OUTPOST_ACCOUNT_SEALED_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

enum {
    SEALED_KEY_LEN = 32,
    SEALED_NONCE_LEN = 24,
    SEALED_MAX = SECRET_MAX + 64, /* longer ones are none of ours */
};

/* Adds the sealed form. The nonce is random and never used again with this key. */
MUST_USE bool sealed_make(const struct secret *key, struct span nonce, struct span name,
                          const struct secret *secret, struct buf *out, struct err *err);

/* ERR_CONFIG, secret:unreadable: not one of ours, of a newer version, damaged, another key's, another
 * name's. */
MUST_USE bool sealed_open(const struct secret *key, struct span sealed, struct span name,
                          struct secret **ret_secret, struct err *err);

#endif
