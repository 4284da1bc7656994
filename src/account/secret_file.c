/* Secrets in sealed files, state/secrets/. */
#include "account/pending.h"
#include "account/sealed_file.h"
#include "account/secret_int.h"

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

void secret_file_describe(const struct secret_order *order, struct buf *out)
{
    sealed_file_describe(order->world, file_of(order), out);
}
