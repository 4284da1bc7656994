/* Hashes, and signatures that prove a key without showing it. Bytes in, bytes out; by OpenSSL. (Is this
 * secret that one? str_equal_secret(). Sealing: account/sealed.h.)
 *
 * All of it fails only where memory runs out or the key or certificate is not what it should be.
 */
#ifndef OUTPOST_BASE_CRYPTO_H
#define OUTPOST_BASE_CRYPTO_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

enum { CRYPTO_SHA256_LEN = 32, CRYPTO_SHA1_LEN = 20, CRYPTO_PEM_MAX = 64 * 1024 };

MUST_USE bool crypto_sha256(struct span bytes, unsigned char ret_hash[CRYPTO_SHA256_LEN], struct err *err);
MUST_USE bool crypto_hmac_sha256(struct span key, struct span bytes,
                                 unsigned char ret_hash[CRYPTO_SHA256_LEN], struct err *err);

/* The first of these of bytes that come in pieces: it is the same however they are cut. */
struct crypto_hash;
MUST_USE struct crypto_hash *crypto_hash_new(void); /* NULL: no memory */
void crypto_hash_add(struct crypto_hash *hash, struct span bytes);
/* False where memory ran out on the way. Nothing can be added after it. */
MUST_USE bool crypto_hash_end(struct crypto_hash *hash, unsigned char ret_hash[CRYPTO_SHA256_LEN]);
void crypto_hash_free(struct crypto_hash *hash);
OWNED(crypto_hash);

/* How a JSON Web Token is signed (RFC 7518, 3.1). */
enum crypto_signature {
    CRYPTO_RS256, /* RSA, PKCS #1 v1.5 */
    CRYPTO_PS256, /* RSA, PSS */
    CRYPTO_ES256, /* ECDSA on P-256; the signature is r and s, 64 bytes, not DER */
};
const char *crypto_signature_name(enum crypto_signature signature); /* "RS256" */

struct crypto_key;

/* A private key: PEM, PKCS #8 or the older forms, RSA from 2048 bits or P-256. ERR_CONFIG for another
 * kind, none at all, or one that a pass phrase locks (none is ever asked for). Nothing of it is in the
 * error. */
MUST_USE bool crypto_key_read(const struct secret *pem, struct crypto_key **ret_key, struct err *err);
void crypto_key_free(struct crypto_key *key);
OWNED(crypto_key);
bool crypto_key_is_rsa(const struct crypto_key *key); /* then CRYPTO_RS256 and CRYPTO_PS256, else CRYPTO_ES256 */
/* The public half of a key on P-256, as a JSON Web Key has it (RFC 7518, 6.2.1). ERR_INTERNAL for another. */
enum { CRYPTO_P256_HALF = 32 };
MUST_USE bool crypto_key_point(const struct crypto_key *key, unsigned char ret_x[CRYPTO_P256_HALF],
                               unsigned char ret_y[CRYPTO_P256_HALF], struct err *err);
/* Adds the signature of `bytes`. ERR_INTERNAL where the key is not for this kind. */
MUST_USE bool crypto_sign(const struct crypto_key *key, enum crypto_signature how, struct span bytes,
                          struct buf *out, struct err *err);

/* What a server that knows a certificate knows it by. */
struct crypto_certificate {
    unsigned char sha256[CRYPTO_SHA256_LEN]; /* of its DER form: x5t#S256 (RFC 7515, 4.1.8) */
    unsigned char sha1[CRYPTO_SHA1_LEN];     /* x5t */
    uint64_t expires;                        /* milliseconds since 1970; 0: before that */
};

/* The first certificate of a PEM text, which may hold its key and others, too. With `key`, ERR_CONFIG where
 * the certificate is another key's; NULL looks at no key. ERR_CONFIG where there is no certificate. */
MUST_USE bool crypto_certificate_read(struct span pem, const struct crypto_key *key,
                                      struct crypto_certificate *ret_certificate, struct err *err);

#endif
