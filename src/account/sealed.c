#include "account/sealed.h"

#include <sodium.h>

#include "base/banned.h"

#define FAMILY "outpost sealed "
#define MAGIC  FAMILY "2"

enum {
    MAGIC_LEN = sizeof MAGIC - 1,
    KEPT_AT = MAGIC_LEN,
    NONCE_AT = KEPT_AT + 1,
    HEADER_LEN = NONCE_AT + SEALED_NONCE_LEN,
    TAG_LEN = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    NAME_MAX_LEN = 1024,
};

_Static_assert(SEALED_KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "libsodium's");
_Static_assert(SEALED_NONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "libsodium's");
_Static_assert((int)SEALED_MAX >= (int)SECRET_MAX + HEADER_LEN + TAG_LEN, "every secret fits");

static const unsigned char *bytes(struct span span)
{
    return (const unsigned char *)span.at;
}

static bool unreadable(struct err *err, const char *why)
{
    return err_found(err, ERR_CONFIG, "secret:unreadable", "%s", why);
}

/* What is sealed along: the version, where the key is, and the name. */
static bool context_of(enum sealed_key kept, struct span name, struct buf *ret_context, struct err *err)
{
    buf_add(ret_context, MAGIC);
    buf_add_char(ret_context, (char)kept);
    buf_add_span(ret_context, name);
    return !ret_context->full || err_no_memory(err);
}

static bool ready(const struct secret *key, struct err *err)
{
    if (secret_bytes(key).len != SEALED_KEY_LEN)
        return unreadable(err, "the key has not 32 bytes");
    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "libsodium does not start");
    return true;
}

bool sealed_make(const struct sealed_way *way, const struct secret *secret, struct buf *out,
                 struct err *err)
{
    HELD(buf) context = BUF(NONCE_AT + NAME_MAX_LEN);
    struct span plain = secret_bytes(secret);
    const size_t before = out->len, room = plain.len + TAG_LEN;
    unsigned long long len = 0;

    if (way->nonce.len != SEALED_NONCE_LEN)
        return err_set(err, ERR_INTERNAL, "a nonce of %zu bytes", way->nonce.len);
    if (!ready(way->key, err) || !context_of(way->kept, way->name, &context, err))
        return false;
    buf_add_span(out, span_cut(buf_span(&context), 0, NONCE_AT));
    buf_add_span(out, way->nonce);
    char *at = buf_room(out, room);
    if (!at) {
        buf_cut(out, before);
        return err_no_memory(err);
    }
    crypto_aead_xchacha20poly1305_ietf_encrypt((unsigned char *)at, &len, bytes(plain), plain.len,
                                               bytes(buf_span(&context)), context.len, NULL,
                                               bytes(way->nonce), bytes(secret_bytes(way->key)));
    buf_wrote(out, (size_t)len);
    return true;
}

bool sealed_key_of(struct span sealed, enum sealed_key *ret_kept, struct err *err)
{
    static const enum sealed_key known[] = { SEALED_KEY_FILE, SEALED_KEY_KERNEL, SEALED_KEY_CREDENTIAL };
    const size_t box = span_from(sealed, HEADER_LEN).len;

    if (!span_starts(sealed, FAMILY))
        return unreadable(err, "it is no sealed secret");
    if (!span_starts(sealed, MAGIC))
        return unreadable(err, "it was sealed by another version of outpost");
    if (box < TAG_LEN || box > SECRET_MAX + TAG_LEN)
        return unreadable(err, "it is damaged: its length can't be");
    for (size_t i = 0; i < COUNT(known); i++)
        if (sealed.at[KEPT_AT] == (char)known[i]) {
            *ret_kept = known[i];
            return true;
        }
    return unreadable(err, "it is damaged: it names no key");
}

bool sealed_open(const struct secret *key, struct span sealed, struct span name,
                 struct secret **ret_secret, struct err *err)
{
    HELD(buf) context = BUF(NONCE_AT + NAME_MAX_LEN), plain = BUF(SECRET_MAX);
    struct span nonce = span_cut(sealed, NONCE_AT, HEADER_LEN), box = span_from(sealed, HEADER_LEN);
    unsigned long long len = 0;
    enum sealed_key kept;

    if (!sealed_key_of(sealed, &kept, err) || !ready(key, err) || !context_of(kept, name, &context, err))
        return false;
    char *at = buf_room(&plain, box.len - TAG_LEN);
    if (!at)
        return err_no_memory(err);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)at, &len, NULL, bytes(box), box.len,
                                                   bytes(buf_span(&context)), context.len, bytes(nonce),
                                                   bytes(secret_bytes(key))) != 0)
        return unreadable(err, "it is damaged, or was sealed with another key or for another account");
    buf_wrote(&plain, (size_t)len);
    struct secret *secret = secret_take(&plain);
    if (!secret)
        return err_no_memory(err);
    *ret_secret = secret;
    return true;
}
