/* Secrets in sealed files, state/secrets/. */
#include "account/sealed_file.h"
#include "account/secret_int.h"

#include "base/banned.h"

static struct sealed_file file_of(const char *account)
{
    return (struct sealed_file){ "secrets", account };
}

bool secret_file_read(const struct secret_world *world, const char *account, struct secret **ret_secret,
                      struct err *err)
{
    return sealed_file_read(world, file_of(account), ret_secret, err);
}

bool secret_file_keep(const struct secret_world *world, const char *account, const struct secret *secret,
                      struct err *err)
{
    return sealed_file_keep(world, file_of(account), secret, err);
}

bool secret_file_forget(const struct secret_world *world, const char *account, struct err *err)
{
    return sealed_file_forget(world, file_of(account), err);
}
