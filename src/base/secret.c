#include "base/secret.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

struct secret {
    size_t len;
    char bytes[];
};

struct secret *secret_new(struct span bytes)
{
    struct secret *secret =
        bytes.len > SECRET_MAX ? NULL : mem_new(sizeof *secret + bytes.len + 1);

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
    str_wipe(secret->bytes, secret->len);
    mem_free(secret);
}
