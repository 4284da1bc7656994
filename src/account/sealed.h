/* A secret, sealed: it can be opened only with the key, and only for the name it was sealed for, and
 * not a bit of it can be changed unseen. XChaCha20-Poly1305 of libsodium; bytes in, bytes out.
 *
 *     "outpost sealed 2" (16 bytes) | where its key is kept (1) | nonce (24) | ciphertext and tag
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

/* Where the key is kept that opens it (account/seal_key.h); the byte as it stands in the sealed form. */
enum sealed_key {
    SEALED_KEY_FILE = 'f',
    SEALED_KEY_KERNEL = 'k',
    SEALED_KEY_CREDENTIAL = 'c',
};

struct sealed_way { /* how to seal */
    const struct secret *key;
    enum sealed_key kept; /* where that key is kept */
    struct span nonce;    /* random, and never used again with this key */
    struct span name;     /* what it is sealed for */
};

/* Adds the sealed form. */
MUST_USE bool sealed_make(const struct sealed_way *way, const struct secret *secret, struct buf *out,
                          struct err *err);

/* Which key opens it? ERR_CONFIG, secret:unreadable: not one of ours, of another version, damaged. */
MUST_USE bool sealed_key_of(struct span sealed, enum sealed_key *ret_kept, struct err *err);

/* The same failures; and another key's, another name's. */
MUST_USE bool sealed_open(const struct secret *key, struct span sealed, struct span name,
                          struct secret **ret_secret, struct err *err);

#endif
