#include "base/secret.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

struct secret {
    size_t len;
    char bytes[];
};

static size_t size_of(size_t len)
{
    return sizeof(struct secret) + len + 1;
}

struct secret *secret_new(struct span bytes)
{
    struct secret *secret = bytes.len > SECRET_MAX ? NULL : mem_new_locked(size_of(bytes.len));

    if (!secret)
        return NULL;
    secret->len = bytes.len;
    if (bytes.len)
        memcpy(secret->bytes, bytes.at, bytes.len);
    return secret;
}

struct secret *secret_take(struct buf *buf)
{
    struct secret *secret = buf->full ? NULL : secret_new(buf_span(buf));

    buf_done(buf);
    return secret;
}

struct span secret_bytes(const struct secret *secret)
{
    return secret ? (struct span){ secret->bytes, secret->len } : SPAN_NONE;
}

void secret_free(struct secret *secret)
{
    if (!secret)
        return;
    size_t size = size_of(secret->len);
    str_wipe(secret->bytes, secret->len);
    mem_free_locked(secret, size);
}
