#include "account/password.h"

#include <sodium.h>

#include "base/base64.h"
#include "base/scan.h"
#include "base/str.h"

#include "base/banned.h"

enum {
    PASSES = 2,
    GROUPS = 4,
    GROUP = 4,
    KEY_LEN = crypto_hash_sha256_BYTES,
};

_Static_assert((int)SASL_KEY_MAX >= (int)KEY_LEN, "a key fits");
_Static_assert((int)PASSWORD_HASH_MAX >= (int)crypto_pwhash_STRBYTES, "a hash fits");

bool password_check(struct span password, struct err *err)
{
    if (password.len == 0)
        return err_found(err, ERR_DATA, "auth:empty-password", "the password is empty");
    if (password.len > PASSWORD_MAX)
        return err_set(err, ERR_DATA, "the password has more than %d octets", PASSWORD_MAX);
    for (size_t i = 0; i < password.len; i++)
        if ((unsigned char)password.at[i] < ' ' || password.at[i] == 127)
            return err_set(err, ERR_DATA, "the password has a control character");
    return str_is_utf8(password) || err_set(err, ERR_DATA, "the password is not UTF-8");
}

/* Octets beyond the last whole turn through the alphabet are thrown again, or some letters would come more
 * often. */
static bool throw_letter(const struct dice *dice, char *ret_letter, struct err *err)
{
    static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
    const unsigned count = sizeof letters - 1;
    unsigned char thrown;

    do {
        if (!random_fill(dice, &thrown, sizeof thrown, err))
            return false;
    } while (thrown >= 256 / count * count);
    *ret_letter = letters[thrown % count];
    return true;
}

bool password_make_up(const struct dice *dice, struct secret **ret_password, struct err *err)
{
    HELD(buf) text = BUF(GROUPS * (GROUP + 1));
    char letter;

    for (int i = 0; i < GROUPS * GROUP; i++) {
        if (!throw_letter(dice, &letter, err))
            return false;
        if (i && i % GROUP == 0)
            buf_add_char(&text, '-');
        buf_add_char(&text, letter);
    }
    *ret_password = text.full ? NULL : secret_take(&text);
    return *ret_password || err_no_memory(err);
}

/* -- the hash -- */

static bool ready(struct err *err)
{
    return sodium_init() >= 0 || err_set(err, ERR_INTERNAL, "libsodium does not start");
}

bool password_hash(const struct secret *password, struct buf *out, struct err *err)
{
    struct span bytes = secret_bytes(password);
    char hash[crypto_pwhash_STRBYTES];

    if (!password_check(bytes, err) || !ready(err))
        return false;
    if (crypto_pwhash_str_alg(hash, bytes.at, bytes.len, PASSES, PASSWORD_MEMORY_MAX * 1024UL,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return err_no_memory(err);
    buf_add(out, hash);
    return !out->full || err_no_memory(err);
}

static bool is_no_hash(struct err *err)
{
    return err_found(err, ERR_CONFIG, "config:bad",
                     "a hash is wanted, $argon2id$...: outpost user add makes one");
}

static bool is_base64_char(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || c == '+' || c == '/';
}

bool password_hash_check(struct span hash, struct err *err)
{
    struct scan scan = scan_of(hash);
    struct span salt, sum;
    uint64_t memory, passes;

    if (!scan_text(&scan, "$argon2id$v=19$m=") || !scan_number(&scan, 8, UINT32_MAX, &memory) ||
        !scan_text(&scan, ",t=") || !scan_number(&scan, 1, UINT32_MAX, &passes) ||
        !scan_text(&scan, ",p=1$") || !scan_while(&scan, is_base64_char, &salt) ||
        !scan_char(&scan, '$') || !scan_while(&scan, is_base64_char, &sum) || !scan_end(&scan) ||
        hash.len >= PASSWORD_HASH_MAX || salt.len < 11 || sum.len < 22)
        return is_no_hash(err);
    if (memory > PASSWORD_MEMORY_MAX || passes > PASSWORD_PASSES_MAX)
        return err_found(err, ERR_CONFIG, "config:bad",
                         "a hash may cost %d KiB and %d passes at most: make it anew", PASSWORD_MEMORY_MAX,
                         PASSWORD_PASSES_MAX);
    return true;
}

bool password_is_right(const char *hash_or_null, struct span password)
{
    /* Of a password that nobody kept. It costs what those made here cost. */
    static const char nobodys[] =
        "$argon2id$v=19$m=19456,t=2,p=1$Y6ih2MXM2kPtFCQKtncI1w$ouMQLDI3eJsTe4Ixa2Q2MuQ6Qv3lGE8tk1vbgxeSoBs";

    if (!ready(NULL))
        return false;
    bool right = crypto_pwhash_str_verify(hash_or_null ? hash_or_null : nobodys,
                                          password.len ? password.at : "", password.len) == 0;
    return right && hash_or_null;
}

/* -- SCRAM's keys -- */

/*= RFC 5802 3
 *# ClientKey       := HMAC(SaltedPassword, "Client Key")
 *# StoredKey       := H(ClientKey)
 *# ServerKey       := HMAC(SaltedPassword, "Server Key") */
static void hmac(struct span key, const char *text, void *into)
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.at, key.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, strlen(text));
    crypto_auth_hmacsha256_final(&state, into);
    sodium_memzero(&state, sizeof state);
}

static void derive(const struct secret *salted, struct password_scram *keys)
{
    unsigned char client_key[KEY_LEN];

    hmac(secret_bytes(salted), "Client Key", client_key);
    crypto_hash_sha256((unsigned char *)keys->stored_key, client_key, sizeof client_key);
    hmac(secret_bytes(salted), "Server Key", keys->server_key);
    sodium_memzero(client_key, sizeof client_key);
}

bool password_scram(const struct secret *password, const struct dice *dice,
                    struct password_scram *ret_keys, struct err *err)
{
    struct password_scram keys = { .iterations = PASSWORD_ITERATIONS, .salt_len = PASSWORD_SALT_LEN };

    if (!password_check(secret_bytes(password), err) || !ready(err) ||
        !random_fill(dice, keys.salt, keys.salt_len, err))
        return false;
    const struct sasl_salting how = { SASL_SHA_256, keys.iterations, { keys.salt, keys.salt_len } };
    OWN(secret) salted = sasl_salt(&how, secret_bytes(password));
    if (!salted)
        return err_set(err, ERR_DATA, "the password has characters that can't be used in one");
    derive(salted, &keys);
    *ret_keys = keys;
    return true;
}

void password_scram_write(const struct password_scram *keys, struct buf *out)
{
    buf_addf(out, "%u,", (unsigned)keys->iterations);
    base64_encode(out, (struct span){ keys->salt, keys->salt_len });
    buf_add_char(out, ',');
    base64_encode(out, (struct span){ keys->stored_key, KEY_LEN });
    buf_add_char(out, ',');
    base64_encode(out, (struct span){ keys->server_key, KEY_LEN });
}

/* The next part between commas, of least..most bytes. */
static bool read_part(struct span *rest, size_t least, size_t most, char *into, size_t *ret_len)
{
    HELD(buf) plain = BUF(PASSWORD_SALT_MAX);
    struct span part;

    if (!span_split(rest, ',', &part) || !base64_decode(&plain, part) || plain.len < least ||
        plain.len > most)
        return false;
    memcpy(into, plain.at, plain.len);
    *ret_len = plain.len;
    return true;
}

bool password_scram_read(struct span text, struct password_scram *ret_keys, struct err *err)
{
    const size_t key_len = KEY_LEN;
    struct password_scram keys = { 0 };
    struct span rest = text, count = SPAN_NONE;
    uint64_t iterations;
    size_t len;

    if (!span_split(&rest, ',', &count) ||
        !str_to_u64(count, SASL_ITERATIONS_MIN, SASL_ITERATIONS_MAX, &iterations) ||
        !read_part(&rest, 8, PASSWORD_SALT_MAX, keys.salt, &keys.salt_len) ||
        !read_part(&rest, key_len, key_len, keys.stored_key, &len) ||
        !read_part(&rest, key_len, key_len, keys.server_key, &len) || rest.len ||
        text.at[text.len - 1] == ',')
        return err_found(err, ERR_CONFIG, "config:bad",
                         "the keys of SCRAM-SHA-256 are wanted, ITERATIONS,SALT,STORED,SERVER: outpost user "
                         "add makes them");
    keys.iterations = (uint32_t)iterations;
    *ret_keys = keys;
    return true;
}

struct sasl_stored_key password_stored_key(const struct password_scram *keys)
{
    return (struct sasl_stored_key){
        .iterations = keys->iterations,
        .salt = { keys->salt, keys->salt_len },
        .stored_key = { keys->stored_key, KEY_LEN },
        .server_key = { keys->server_key, KEY_LEN },
    };
}
