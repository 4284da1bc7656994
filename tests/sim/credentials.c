/* The password, in place of account/credential.c: had at once, or after a while. */
#include <stdio.h>
#include <stdlib.h>

#include "account/credential.h"
#include "base/alloc.h"
#include "clockwork.h"
#include "net/timer.h"

struct credential_fetch {
    struct timer *timer;
    credential_fetched *done;
    void *who;
};

static void rang(void *of)
{
    struct credential_fetch *fetch = of;
    credential_fetched *done = fetch->done;
    void *who = fetch->who;

    credential_fetch_cancel(fetch);
    done(who, secret_new(SPAN("right-one")), NULL);
}

bool credential_fetch(const struct credential_world *world, const struct account *account,
                      enum credential_purpose purpose, const struct secret *refused, uint64_t deadline,
                      credential_fetched *done, void *who, struct credential_fetch **ret_fetch, struct err *err)
{
    struct loop *loop = world->secrets.loop;

    (void)account, (void)purpose, (void)refused, (void)deadline;
    *ret_fetch = NULL;
    if (sim_chance(50)) {
        done(who, secret_new(SPAN("right-one")), NULL);
        return true;
    }
    struct credential_fetch *fetch = NEW(credential_fetch);
    if (!fetch || !(fetch->timer = timer_new(loop, rang, fetch)))
        return err_no_memory(err);
    fetch->done = done;
    fetch->who = who;
    timer_set(fetch->timer, loop_now(loop) + sim_below(2 * SECOND));
    *ret_fetch = fetch;
    return true;
}

void credential_fetch_cancel(struct credential_fetch *fetch)
{
    if (!fetch)
        return;
    timer_free(fetch->timer);
    mem_free(fetch);
}

bool credential_users(const struct credential_world *world, const struct account *account,
                      struct credential_users *ret_users, struct err *err)
{
    (void)world, (void)err;
    *ret_users = (struct credential_users){ .count = 1 };
    snprintf(ret_users->at[0], sizeof ret_users->at[0], "%s", account->address);
    return true;
}

bool credential_user_won(const struct credential_world *world, const struct account *account, const char *user,
                         struct err *err)
{
    (void)world, (void)account, (void)user, (void)err;
    return true;
}
