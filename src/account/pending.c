#include "account/pending.h"

#include <errno.h>

#include "account/sealed_file.h"
#include "account/secret.h"
#include "base/alloc.h"
#include "base/crypto.h"
#include "os/file.h"

#include "base/banned.h"

#define FOLDER "pending"

static struct sealed_file file_of(const char *account)
{
    return (struct sealed_file){ FOLDER, account };
}

/* ---- for whom it waits ---- */

/* What decides where a secret goes, in short. */
static bool mark_of(const struct account *account, unsigned char ret_mark[CRYPTO_SHA256_LEN],
                    struct err *err)
{
    HELD(buf) all = BUF(64 * 1024);
    const char *parts[] = { account->name, account->address, account->server.name, account->username,
                            secret_source(account, SECRET_SIGN_IN) };

    for (size_t i = 0; i < COUNT(parts); i++)
        buf_addf(&all, "%s\n", parts[i] ? parts[i] : "");
    buf_addf(&all, "%u %u %u", account->server.port, account->security, account->auth);
    return all.full ? err_no_memory(err) : crypto_sha256(buf_span(&all), ret_mark, err);
}

/* ---- one ---- */

bool pending_keep(const struct secret_world *world, const struct account *account,
                  const struct secret *secret, struct err *err)
{
    unsigned char mark[CRYPTO_SHA256_LEN];
    HELD(buf) both = BUF(SECRET_MAX);

    if (!mark_of(account, mark, err))
        return false;
    buf_add_span(&both, (struct span){ (const char *)mark, sizeof mark });
    buf_add_span(&both, secret_bytes(secret));
    OWN(secret) marked = secret_take(&both);
    if (!marked)
        return err_no_memory(err);
    return sealed_file_keep(world, file_of(account->name), marked, err) ||
           err_in(err, "account %s: keeping its secret", account->name);
}

bool pending_read(const struct secret_world *world, const struct account *account,
                  struct secret **ret_secret, struct err *err)
{
    unsigned char mark[CRYPTO_SHA256_LEN];
    OWN(secret) marked = NULL;
    struct err why = { 0 };

    *ret_secret = NULL;
    if (!mark_of(account, mark, err))
        return false;
    if (!sealed_file_read(world, file_of(account->name), &marked, &why)) {
        if (why.sys != ENOENT && err)
            *err = why;
        return why.sys == ENOENT;
    }
    struct span bytes = secret_bytes(marked);
    if (!span_equal(span_cut(bytes, 0, sizeof mark), (struct span){ (const char *)mark, sizeof mark }))
        return true;
    *ret_secret = secret_new(span_from(bytes, sizeof mark));
    return *ret_secret || err_no_memory(err);
}

bool pending_forget(const struct secret_world *world, const char *account, struct err *err)
{
    return sealed_file_forget(world, file_of(account), err);
}

/* ---- what was left ---- */

/* One that can't be opened any more waits for nobody, either. */
static bool is_awaited(const struct secret_world *world, const struct config *config, const char *name)
{
    const struct account *account = config_account(config, name);
    struct secret *secret = NULL;

    bool read = account && pending_read(world, account, &secret, NULL);
    secret_free(secret);
    return read && secret;
}

bool pending_sweep(const struct secret_world *world, const struct config *config,
                   void (*swept)(void *who, const char *account), void *who, struct err *err)
{
    struct file_names names = { 0 };
    char *folder = file_path(world->state, FOLDER);
    bool ok = folder ? file_list(folder, "", &names, err) : err_no_memory(err);

    for (size_t i = 0; ok && i < names.count; i++) {
        if (!account_name_check(span_of(names.at[i]), NULL) || is_awaited(world, config, names.at[i]))
            continue;
        ok = pending_forget(world, names.at[i], err);
        if (ok)
            swept(who, names.at[i]);
    }
    file_names_done(&names);
    mem_free(folder);
    return ok;
}
