/* Passwords of those who sign in at the gateway. Of each only two things are kept, made at the same time:
 *
 *   a hash           $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH       for PLAIN and LOGIN
 *   SCRAM's keys     10000,SALT,STORED,SERVER (base64)              for SCRAM-SHA-256 (RFC 5802, 3)
 *
 * Making and comparing takes tens of milliseconds and 19 MiB, on purpose: off the loop (account/checks.h).
 * libsodium draws the hash's salt from the kernel itself.
 */
#ifndef OUTPOST_ACCOUNT_PASSWORD_H
#define OUTPOST_ACCOUNT_PASSWORD_H

#include "base/secret.h"
#include "os/random.h"
#include "smtp/sasl.h"

enum {
    PASSWORD_MAX = 255,           /* octets of a password */
    PASSWORD_MEMORY_MAX = 19456,  /* KiB that a hash may cost: more is refused, for two may run at once */
    PASSWORD_PASSES_MAX = 10,     /* over that memory */
    PASSWORD_HASH_MAX = 128,      /* letters of a hash */
    PASSWORD_SCRAM_MAX = 512,     /* letters of SCRAM's keys */
    PASSWORD_ITERATIONS = 10000,  /* of SCRAM's keys that are made here */
    PASSWORD_SALT_LEN = 16,
    PASSWORD_SALT_MAX = 64,
};

/* ERR_DATA for a password no mechanism can carry: empty (auth:empty-password), too long, not UTF-8, with
 * control characters. */
MUST_USE bool password_check(struct span password, struct err *err);

/* A password that can be typed on a printer's keys: four groups of four lower-case letters and digits that
 * can't be mistaken for one another, 79 bits. */
MUST_USE bool password_make_up(const struct dice *dice, struct secret **ret_password, struct err *err);

/* Adds the hash. Slow. */
MUST_USE bool password_hash(const struct secret *password, struct buf *out, struct err *err);
/* ERR_CONFIG where it is no such hash, or one that costs more than is allowed. */
MUST_USE bool password_hash_check(struct span hash, struct err *err);
/* Is it the password of this hash? NULL: there is no such user; it takes as long, and is false. Slow; on any
 * thread, after password_hash_check() or with NULL. */
bool password_is_right(const char *hash_or_null, struct span password);

/* What SCRAM's server knows, apart. */
struct password_scram {
    uint32_t iterations;
    size_t salt_len;
    char salt[PASSWORD_SALT_MAX], stored_key[SASL_KEY_MAX], server_key[SASL_KEY_MAX];
};

/* Makes them with a salt drawn from the dice. Slow, too. ERR_DATA where RFC 4013 can't prepare the
 * password. */
MUST_USE bool password_scram(const struct secret *password, const struct dice *dice,
                             struct password_scram *ret_keys, struct err *err);
void password_scram_write(const struct password_scram *keys, struct buf *out);
/* ERR_CONFIG where it is not of this form, or outside SASL_ITERATIONS_MIN..MAX. */
MUST_USE bool password_scram_read(struct span text, struct password_scram *ret_keys, struct err *err);
/* The same as the machine takes them; good as long as *keys. */
struct sasl_stored_key password_stored_key(const struct password_scram *keys);

#endif
