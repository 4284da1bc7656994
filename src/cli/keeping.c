#include "cli/keeping.h"

#include "account/pending.h"
#include "cli/print.h"
#include "cli/secrets.h"
#include "cli/world.h"

#include "base/banned.h"

/* What the steps work with. */
struct keeping {
    struct cli *cli;
    const struct place *place;
    const struct config *config;
    struct secret_world world;
    const struct account *account, *former; /* the latter may be NULL */
    const struct secret *secret;            /* NULL: nothing of ours */
};

static void tell_swept(void *who, const char *account)
{
    note(who, "A secret that an interrupted setup of the account %s had left was removed.", account);
}

static bool in_file(const struct account *account)
{
    return strcmp(secret_source(account, SECRET_SIGN_IN), "file") == 0;
}

/* Where there is no account of this name yet, a keyring that is locked is asked before anything is written;
 * where there is one, that one's secret must not be lost to a step that may never be followed by the next. */
static bool is_kept_first(const struct keeping *k)
{
    return k->secret && !k->former && !in_file(k->account);
}

static bool prepare(struct keeping *k, struct err *err)
{
    if (!k->secret)
        return true;
    if (!pending_sweep(&k->world, k->config, tell_swept, k->cli, err))
        return false;
    if (is_kept_first(k))
        return secrets_keep(k->cli, k->account, SECRET_SIGN_IN, k->secret, err);
    return pending_keep(&k->world, k->account, k->secret, err);
}

static void undo(const struct keeping *k)
{
    if (is_kept_first(k))
        (void)!secrets_forget(k->cli, k->account, SECRET_SIGN_IN, NULL);
    (void)!pending_forget(&k->world, k->account->name, NULL);
}

/* The account stands: its secret goes to its place. One in a file serves where it waits, too. */
static bool settle(const struct keeping *k, struct err *err)
{
    if (!k->secret || is_kept_first(k) ||
        secrets_keep(k->cli, k->account, SECRET_SIGN_IN, k->secret, err))
        return true;
    return in_file(k->account) ||
           err_in(err, "the account %s is set up, and its secret waits sealed in this machine's state",
                  k->account->name);
}

/* Where the former account had its secret elsewhere, that is nobody's now. */
static bool forget_former(const struct keeping *k, struct err *err)
{
    bool same = !k->former || strcmp(secret_source(k->former, SECRET_SIGN_IN),
                                     secret_source(k->account, SECRET_SIGN_IN)) == 0;

    return same || secrets_forget(k->cli, k->former, SECRET_SIGN_IN, err);
}

bool keeping_write(struct cli *cli, const struct account *account, const struct secret *secret,
                   struct err *err)
{
    struct keeping k = {
        .cli = cli,
        .place = cli_place(cli, err),
        .config = cli_config(cli, err),
        .account = account,
        .secret = secret_is_ours(account, SECRET_SIGN_IN) ? secret : NULL,
    };

    if (!k.place || !k.config || !cli_secrets(cli, &k.world, err))
        return false;
    k.former = config_account(k.config, account->name);
    if (!prepare(&k, err))
        return false;
    if (!config_write_account(k.place, &disk_system, account, err)) {
        undo(&k);
        return false;
    }
    return settle(&k, err) && forget_former(&k, err);
}
