/* Secrets in sealed files, state/secrets/. */
#include "account/pending.h"
#include "account/seal_key.h"
#include "account/sealed_file.h"
#include "account/secret_int.h"
#include "base/alloc.h"

#include "base/banned.h"

static struct sealed_file file_of(const struct secret_order *order)
{
    return (struct sealed_file){ "secrets", order->name };
}

bool secret_file_read(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    struct secret *secret = NULL;

    if (!sealed_file_read(order->world, file_of(order), &secret, err))
        return false;
    secret_fetch_over(fetch, secret, NULL);
    return true;
}

bool secret_file_keep(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    if (!sealed_file_keep(order->world, file_of(order), order->secret, err))
        return false;
    secret_fetch_over(fetch, NULL, NULL);
    return true;
}

void secret_file_settle(const struct secret_order *order, const struct secret *secret)
{
    if (sealed_file_keep(order->world, file_of(order), secret, NULL))
        (void)!pending_forget(order->world, order->account->name, NULL);
}

bool secret_file_forget(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    if (!sealed_file_forget(order->world, file_of(order), err))
        return false;
    secret_fetch_over(fetch, NULL, NULL);
    return true;
}

static void add_key(const struct secret_world *world, enum sealed_key kept, struct buf *out)
{
    char *path = seal_key_file(world);

    switch (kept) {
    case SEALED_KEY_FILE:
        buf_addf(out, "the key in %s", path ? path : "a file");
        break;
    case SEALED_KEY_KERNEL:
        buf_add(out, "the kernel's key " SEAL_KEY_KERNEL_NAME);
        break;
    case SEALED_KEY_CREDENTIAL:
        buf_add(out, "systemd's credential " SEAL_KEY_CREDENTIAL);
        break;
    }
    mem_free(path);
}

void secret_file_describe(const struct secret_order *order, struct buf *out)
{
    char *path = sealed_file_path(order->world, file_of(order));
    enum sealed_key kept;

    if (path && sealed_file_key(order->world, file_of(order), &kept, NULL)) {
        buf_addf(out, "sealed in %s, with ", path);
        add_key(order->world, kept, out);
    } else if (path) {
        buf_addf(out, "none is kept yet (it would be in %s)", path);
    }
    mem_free(path);
}
