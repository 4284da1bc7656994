#include "account/credential.h"

#include <stdio.h>

#include "base/alloc.h"

#include "base/banned.h"

struct credential_fetch {
    struct secret_fetch *secret;
    credential_fetched *done;
    void *who;
    bool told;
};

static void came(void *data, struct secret *secret, const struct err *err)
{
    struct credential_fetch *fetch = data;
    struct credential_fetch told = *fetch;

    fetch->told = true;
    if (fetch->secret) /* not within credential_fetch(), which frees it then */
        mem_free(fetch);
    told.done(told.who, secret, err);
}

bool credential_fetch(const struct credential_world *world, const struct account *account,
                      enum credential_purpose purpose, const struct secret *refused, uint64_t deadline,
                      credential_fetched *done, void *who, struct credential_fetch **ret_fetch,
                      struct err *err)
{
    struct credential_fetch *fetch = NEW(credential_fetch);

    (void)purpose, (void)refused; /* there is one secret, for all purposes */
    if (!fetch)
        return err_no_memory(err);
    *fetch = (struct credential_fetch){ .done = done, .who = who };
    *ret_fetch = NULL;
    if (!secret_fetch(&world->secrets, account, deadline, came, fetch, &fetch->secret, err)) {
        mem_free(fetch);
        return false;
    }
    if (fetch->told)
        mem_free(fetch);
    else
        *ret_fetch = fetch;
    return true;
}

void credential_fetch_cancel(struct credential_fetch *fetch)
{
    if (!fetch)
        return;
    secret_fetch_cancel(fetch->secret);
    mem_free(fetch);
}

bool credential_users(const struct credential_world *world, const struct account *account,
                      struct credential_users *ret_users, struct err *err)
{
    const char *user = account->username ? account->username : "";

    (void)world;
    if (strlen(user) > CREDENTIAL_USER_MAX)
        return err_found(err, ERR_CONFIG, "config:bad", "account %s: the user name is too long",
                         account->name);
    *ret_users = (struct credential_users){ .count = 1 };
    snprintf(ret_users->at[0], sizeof ret_users->at[0], "%s", user);
    return true;
}

bool credential_user_won(const struct credential_world *world, const struct account *account,
                         const char *user, struct err *err)
{
    (void)world, (void)account, (void)user, (void)err; /* there was no other */
    return true;
}
