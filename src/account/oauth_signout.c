/* Out again: the provider is told where it can be (RFC 7009), and the grant is forgotten. */
#include "account/oauth_call.h"
#include "account/oauth_party.h"
#include "account/oauth_renew.h"
#include "account/oauth_signin.h"
#include "base/alloc.h"
#include "base/obj.h"
#include "net/loop.h"
#include "net/timer.h"
#include "os/lock.h"

#include "base/banned.h"

enum { SIGNOUT_MAGIC = 0x736f7574 };

struct oauth_signout {
    uint32_t magic;
    const struct credential_world *world;
    const struct account *account;
    uint64_t deadline;
    struct grant *grant;
    struct oauth_party *party;
    struct oauth_call *call;
    struct timer *timer; /* looks at the lock again; the end, too, is told from it */
    struct lock lock;
    bool told;
    oauth_signed_out *done;
    void *who;
};

void oauth_signout_cancel(struct oauth_signout *signout)
{
    if (!signout)
        return;
    oauth_call_cancel(signout->call);
    oauth_party_free(signout->party);
    timer_free(signout->timer);
    lock_done(&signout->lock);
    grant_free(signout->grant);
    OBJ_GONE(signout);
    mem_free(signout);
}

static void tell(struct oauth_signout *signout, const struct err *err)
{
    oauth_signed_out *done = signout->done;
    void *who = signout->who;
    bool told = signout->told;

    oauth_signout_cancel(signout);
    done(who, told, err);
}

/* With the lock, so that no renewal under way puts it back. Is there no folder, there is nothing in it. */
static void rang(void *who)
{
    struct oauth_signout *signout = OBJ(oauth_signout, SIGNOUT_MAGIC, who);
    const struct secret_world *secrets = &signout->world->secrets;
    uint64_t now = loop_now(secrets->loop);
    struct err err = { 0 };
    bool taken = true;
    char *path = grant_lock_path(secrets, signout->account);

    if (!path) {
        err_no_memory(&err);
        tell(signout, &err);
        return;
    }
    bool ok = !signout->grant || lock_try(path, &signout->lock, &taken, &err);
    mem_free(path);
    if (ok && !taken && now < signout->deadline) {
        timer_set(signout->timer, now + OAUTH_LOCK_TRY_MS);
        return;
    }
    bool gone = ok && grant_forget(secrets, signout->account, &err);
    tell(signout, gone ? NULL : &err);
}

static void forget(struct oauth_signout *signout)
{
    timer_set(signout->timer, loop_now(signout->world->secrets.loop));
}

static void answered(void *who, const struct oauth_reply *reply, uint64_t retry_after, const struct err *why)
{
    struct oauth_signout *signout = OBJ(oauth_signout, SIGNOUT_MAGIC, who);
    struct err err;

    (void)retry_after, (void)why;
    signout->call = NULL;
    signout->told = reply && oauth_answer_revoked(oauth_party_way(signout->party), *reply, &err) == OAUTH_GIVEN;
    forget(signout);
}

static void is_ready(void *who, const struct err *why)
{
    struct oauth_signout *signout = OBJ(oauth_signout, SIGNOUT_MAGIC, who);
    struct oauth_proof proof = oauth_party_proof(signout->party);
    const struct oauth_way *way = oauth_party_way(signout->party);
    HELD(oauth_form) form = OAUTH_FORM;

    if (why || !oauth_request_revoke(way, &proof, signout->grant->refresh, &form, NULL) ||
        !oauth_call_post(signout->world, signout->account, way->revoke, &form, false, signout->deadline, answered,
                         signout, &signout->call, NULL))
        forget(signout);
}

bool oauth_signout_start(const struct credential_world *world, const struct account *account, uint64_t deadline,
                         oauth_signed_out *done, void *who, struct oauth_signout **ret_signout, struct err *err)
{
    struct oauth_signout *signout = NEW(oauth_signout);

    if (!signout)
        return err_no_memory(err);
    *signout = (struct oauth_signout){ .magic = SIGNOUT_MAGIC, .world = world, .account = account,
                                       .deadline = deadline, .lock = LOCK_NONE, .done = done, .who = who };
    if (!(signout->timer = timer_new(world->secrets.loop, rang, signout))) {
        oauth_signout_cancel(signout);
        return err_no_memory(err);
    }
    bool knows = grant_read(&world->secrets, account, &signout->grant, NULL) && signout->grant->refresh &&
                 signout->grant->revoke_url;
    if (!knows || !oauth_party_new(world, account, signout->grant, deadline, is_ready, signout, &signout->party, NULL))
        forget(signout);
    *ret_signout = signout;
    return true;
}
