#include "account/credential.h"

#include "account/grant.h"
#include "account/oauth_renew.h"
#include "account/one_line.h"
#include "base/alloc.h"
#include "os/lock.h"

#include "base/banned.h"

struct credential_fetch {
    struct secret_fetch *secret; /* one of these two */
    struct oauth_renew *renew;
    const struct account *account;
    credential_fetched *done;
    void *who;
    bool within; /* credential_fetch() has not returned yet */
    bool told;
};

static void came(void *data, struct secret *secret, const struct err *err)
{
    struct credential_fetch *fetch = data;
    struct credential_fetch told = *fetch;
    struct err other = { 0 };

    if (secret && told.account->auth != ACCOUNT_AUTH_OAUTH && !one_line(told.account, secret, &other)) {
        secret_free(GIVE(secret));
        err = &other;
    }
    fetch->told = true;
    if (!fetch->within)
        mem_free(fetch);
    told.done(told.who, secret, err);
}

bool credential_fetch(const struct credential_world *world, const struct account *account,
                      enum credential_purpose purpose, const struct secret *refused, uint64_t deadline,
                      credential_fetched *done, void *who, struct credential_fetch **ret_fetch,
                      struct err *err)
{
    struct credential_fetch *fetch = NEW(credential_fetch);

    if (!fetch)
        return err_no_memory(err);
    *fetch = (struct credential_fetch){ .account = account, .done = done, .who = who, .within = true };
    *ret_fetch = NULL;
    bool ok = account->auth == ACCOUNT_AUTH_OAUTH
                  ? oauth_renew_start(world, account, purpose, refused, deadline, came, fetch, &fetch->renew, err)
                  : secret_fetch(&world->secrets, account, deadline, came, fetch, &fetch->secret, err);
    fetch->within = false;
    if (ok && !fetch->told)
        *ret_fetch = fetch;
    else
        mem_free(fetch);
    return ok;
}

void credential_fetch_cancel(struct credential_fetch *fetch)
{
    if (!fetch)
        return;
    secret_fetch_cancel(fetch->secret);
    oauth_renew_cancel(fetch->renew);
    mem_free(fetch);
}

/* ---- user names ---- */

static void add_user(struct credential_users *users, const char *user)
{
    if (!user || strlen(user) > CREDENTIAL_USER_MAX || users->count == CREDENTIAL_USERS_MAX)
        return;
    for (size_t i = 0; i < users->count; i++)
        if (span_is_word(span_of(user), users->at[i]))
            return;
    memcpy(users->at[users->count++], user, strlen(user) + 1);
}

/* Was the name written down by a person? Then it is meant: a shared mailbox is one with no claim of its own. */
static bool is_meant(const struct account *account)
{
    const struct setting *setting = setting_find(&account_kind, SPAN("username"));

    return account->username && !account->origins[setting - account_kind.settings].filled;
}

bool credential_users(const struct credential_world *world, const struct account *account,
                      struct credential_users *ret_users, struct err *err)
{
    OWN(grant) grant = NULL;
    struct err why = { 0 };

    *ret_users = (struct credential_users){ .count = 0 };
    if (account->auth == ACCOUNT_AUTH_OAUTH && !grant_read(&world->secrets, account, &grant, &why) &&
        why.kind == ERR_MEMORY)
        return err_no_memory(err);
    if (grant && !is_meant(account))
        add_user(ret_users, grant->user);
    add_user(ret_users, account->username ? account->username : "");
    for (size_t i = 0; grant && i < grant->user_count; i++)
        add_user(ret_users, grant->users[i]);
    return ret_users->count || err_found(err, ERR_CONFIG, "config:bad", "account %s: the user name is too long",
                                         account->name);
}

/* Into the grant as it is now. Another process that changes it at this moment may be let: the next one who
 * is let in is remembered. */
static bool remember(const struct credential_world *world, const struct account *account, const char *user,
                     struct err *err)
{
    OWN(grant) grant = NULL;

    if (!grant_read(&world->secrets, account, &grant, err))
        return false;
    if (grant->user && strcmp(grant->user, user) == 0)
        return true;
    grant->user = grant_text(grant, span_of(user));
    return grant->user ? grant_keep(&world->secrets, account, grant, err) : err_no_memory(err);
}

bool credential_user_won(const struct credential_world *world, const struct account *account,
                         const char *user, struct err *err)
{
    struct lock lock = LOCK_NONE;
    bool taken = false;
    char *path = account->auth == ACCOUNT_AUTH_OAUTH ? grant_lock_path(&world->secrets, account) : NULL;

    if (account->auth != ACCOUNT_AUTH_OAUTH)
        return true; /* there was no other */
    bool ok = path ? lock_try(path, &lock, &taken, err) && (!taken || remember(world, account, user, err))
                   : err_no_memory(err);
    lock_done(&lock);
    mem_free(path);
    return ok;
}
