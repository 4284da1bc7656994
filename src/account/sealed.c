#include "account/sealed.h"

#include <sodium.h>

#include "base/banned.h"

#define FAMILY "outpost sealed "
#define MAGIC  FAMILY "1"

enum {
    MAGIC_LEN = sizeof MAGIC - 1,
    HEADER_LEN = MAGIC_LEN + SEALED_NONCE_LEN,
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

/* What is sealed along: the version and the name. */
static bool context_of(struct span name, struct buf *ret_context, struct err *err)
{
    buf_add(ret_context, MAGIC);
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

bool sealed_make(const struct secret *key, struct span nonce, struct span name,
                 const struct secret *secret, struct buf *out, struct err *err)
{
    HELD(buf) context = BUF(MAGIC_LEN + NAME_MAX_LEN);
    struct span plain = secret_bytes(secret);
    const size_t before = out->len, room = plain.len + TAG_LEN;
    unsigned long long len = 0;

    if (nonce.len != SEALED_NONCE_LEN)
        return err_set(err, ERR_INTERNAL, "a nonce of %zu bytes", nonce.len);
    if (!ready(key, err) || !context_of(name, &context, err))
        return false;
    buf_add(out, MAGIC);
    buf_add_span(out, nonce);
    char *at = buf_room(out, room);
    if (!at) {
        buf_cut(out, before);
        return err_no_memory(err);
    }
    crypto_aead_xchacha20poly1305_ietf_encrypt((unsigned char *)at, &len, bytes(plain), plain.len,
                                               bytes(buf_span(&context)), context.len, NULL,
                                               bytes(nonce), bytes(secret_bytes(key)));
    buf_wrote(out, (size_t)len);
    return true;
}

bool sealed_open(const struct secret *key, struct span sealed, struct span name,
                 struct secret **ret_secret, struct err *err)
{
    HELD(buf) context = BUF(MAGIC_LEN + NAME_MAX_LEN), plain = BUF(SECRET_MAX);
    struct span nonce = span_cut(sealed, MAGIC_LEN, HEADER_LEN), box = span_from(sealed, HEADER_LEN);
    unsigned long long len = 0;

    if (!span_starts(sealed, FAMILY))
        return unreadable(err, "it is no sealed secret");
    if (!span_starts(sealed, MAGIC))
        return unreadable(err, "it was sealed by another version of outpost");
    if (box.len < TAG_LEN || box.len > SECRET_MAX + TAG_LEN)
        return unreadable(err, "it is damaged: its length can't be");
    if (!ready(key, err) || !context_of(name, &context, err))
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
