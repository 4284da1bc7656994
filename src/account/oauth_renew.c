#include "account/oauth_renew.h"

#include "account/grant.h"
#include "account/oauth_call.h"
#include "account/oauth_claims.h"
#include "account/oauth_party.h"
#include "account/one_line.h"
#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/timer.h"
#include "os/lock.h"

#include "base/banned.h"

enum {
    RENEW_MAGIC = 0x72656e65,
    STILL_GOOD_MS = 30 * 1000, /* a token with so much left is handed out where no new one is to be had */
};

struct oauth_renew {
    uint32_t magic;
    const struct credential_world *world;
    const struct account *account;
    enum credential_purpose purpose, slot; /* what it is for, and where such a token is kept */
    struct secret *refused;      /* NULL: none was */
    uint64_t deadline;
    struct oauth_way way;        /* as far as account and profile know it */
    struct grant *grant;         /* NULL: none is kept */
    struct secret *seed;         /* a refresh token from outside, where no sign-in is kept */
    bool seed_asked, seed_asked_now;
    struct err seed_why;         /* it could not be had */
    struct lock lock;
    bool interrupted;            /* who held it last did not come to the end */
    struct timer *timer;         /* looks at the lock again */
    struct oauth_party *party;   /* one of these three is under way */
    struct oauth_call *call;
    struct secret_fetch *fetch;
    credential_fetched *done;
    void *who;
    struct oauth_renew **here;   /* within start: set NULL when it was told; then NULL */
};

/* ---- the end ---- */

void oauth_renew_cancel(struct oauth_renew *renew)
{
    if (!renew)
        return;
    oauth_call_cancel(renew->call);
    oauth_party_free(renew->party);
    secret_fetch_cancel(renew->fetch);
    timer_free(renew->timer);
    lock_done(&renew->lock);
    grant_free(renew->grant);
    secret_free(renew->refused);
    secret_free(renew->seed);
    oauth_way_done(&renew->way);
    OBJ_GONE(renew);
    mem_free(renew);
}

static void tell(struct oauth_renew *renew, struct secret *token, const struct err *why)
{
    credential_fetched *done = renew->done;
    void *who = renew->who;

    if (renew->here)
        *renew->here = NULL;
    oauth_renew_cancel(renew);
    done(who, token, why);
}

static void fail(struct oauth_renew *renew, struct err *why)
{
    tell(renew, NULL, why);
}

/* What a refresh token from outside is known by. */
static bool digest_of(const struct secret *seed, struct buf *out, struct err *err)
{
    unsigned char hash[CRYPTO_SHA256_LEN];

    if (!crypto_sha256(secret_bytes(seed), hash, err))
        return false;
    for (size_t i = 0; i < sizeof hash; i++)
        buf_addf(out, "%02x", hash[i]);
    return !out->full || err_no_memory(err);
}

/* ---- what the grant has ---- */

static uint64_t now_of(const struct oauth_renew *renew)
{
    return clock_wall(renew->world->clock);
}

static bool is_refused(const struct oauth_renew *renew)
{
    const struct grant_token *token = &renew->grant->tokens[renew->slot];

    return renew->refused && token->access &&
           str_equal_secret(secret_bytes(renew->refused), secret_bytes(token->access));
}

/* How much life it must have: what the provider wants, and a little for the way; less of a short one. */
static uint64_t least_life(const struct oauth_renew *renew)
{
    const struct grant_token *token = &renew->grant->tokens[renew->slot];
    uint64_t tenth = (token->expires - token->obtained) / 10;

    return renew->way.least_token_life_ms + (tenth < OAUTH_AHEAD_MS ? tenth : OAUTH_AHEAD_MS);
}

static bool has_token(const struct oauth_renew *renew, uint64_t least_ms)
{
    return renew->grant && grant_has(renew->grant, renew->slot, now_of(renew), least_ms) && !is_refused(renew);
}

/* The one that is kept is handed out. */
static void give(struct oauth_renew *renew)
{
    struct secret *token = secret_new(secret_bytes(renew->grant->tokens[renew->slot].access));
    struct err err;

    if (!token) {
        err_no_memory(&err);
        fail(renew, &err);
        return;
    }
    tell(renew, token, NULL);
}

static bool tell_again(const struct oauth_renew *renew, enum err_kind kind, const struct grant_refusal *refusal,
                       const char *words, struct err *err)
{
    err_found(err, kind, refusal->fact ? refusal->fact : "oauth:refused", "account %s: %s", renew->account->name,
              words);
    err_said(err, span_of(refusal->said));
    return false;
}

/* Is it noted that nothing is to be had? A time too far ahead is none: the clock was wrong, or is. */
static bool may_ask(const struct oauth_renew *renew, struct err *err)
{
    const struct grant *grant = renew->grant;
    uint64_t now = now_of(renew);

    if (grant->tokens[renew->slot].refusal.at && !renew->seed)
        return tell_again(renew, ERR_SIGNIN, &grant->tokens[renew->slot].refusal,
                          "its sign-in has ended; nothing is asked again before a new one", err);
    if (grant->not_before > now && grant->not_before - now <= OAUTH_RETRY_AFTER_MOST_MS)
        return tell_again(renew, ERR_LATER, &grant->later, "the sign-in server said: not now", err);
    return true;
}

static bool has_seed(const struct oauth_renew *renew)
{
    return !secret_is_ours(renew->account, SECRET_SIGN_IN);
}

/* May the application sign in though nobody ever asked it to? */
static bool is_application(const struct oauth_renew *renew)
{
    return renew->grant ? renew->grant->application : renew->account->certificate && !has_seed(renew);
}

enum look { LOOK_GIVE, LOOK_ASK, LOOK_SEED, LOOK_FAIL };

static enum look look(struct oauth_renew *renew, struct err *err)
{
    grant_free(renew->grant);
    renew->grant = NULL;
    if (!grant_read(&renew->world->secrets, renew->account, &renew->grant, err)) {
        bool none = err->fact && strcmp(err->fact, "oauth:no-sign-in") == 0;
        if (none && has_seed(renew) && !renew->seed_asked)
            return LOOK_SEED;
        return none && (renew->seed || is_application(renew)) ? LOOK_ASK : LOOK_FAIL;
    }
    if (!grant_check(renew->grant, renew->account, &renew->way, err))
        return LOOK_FAIL;
    renew->slot = oauth_way_slot(&renew->way, renew->grant->application, renew->purpose);
    if (has_token(renew, least_life(renew)))
        return LOOK_GIVE;
    if (may_ask(renew, err))
        return LOOK_ASK;
    if (has_token(renew, STILL_GOOD_MS))
        return LOOK_GIVE;
    return has_seed(renew) && !renew->seed_asked && err->kind == ERR_SIGNIN ? LOOK_SEED : LOOK_FAIL;
}

/* ---- the answer ---- */

/* What is noted and can't be is noted another time. */
static void keep_note(struct oauth_renew *renew)
{
    bool kept = grant_keep(&renew->world->secrets, renew->account, renew->grant, NULL);

    (void)kept;
}

static void not_now(struct oauth_renew *renew, uint64_t retry_after, struct err *why)
{
    uint64_t now = now_of(renew);
    const char *said = grant_text(renew->grant, span_of(why->said));

    if (!said)
        return;
    renew->grant->later = (struct grant_refusal){ now, why->fact, said };
    renew->grant->not_before = now + (retry_after ? retry_after : OAUTH_BACKOFF_MS);
    keep_note(renew);
}

static void signed_out(struct oauth_renew *renew, struct err *why)
{
    if (renew->interrupted)
        err_in(why, "an earlier renewal was cut off before its answer was on the disk");
    if (grant_refused(renew->grant, renew->slot, why, now_of(renew), NULL))
        keep_note(renew);
}

static void refuse(struct oauth_renew *renew, enum oauth_outcome outcome, uint64_t retry_after,
                   struct err *why)
{
    if (outcome == OAUTH_NOT_NOW && why->kind == ERR_LATER)
        not_now(renew, retry_after, why);
    if (outcome == OAUTH_SIGNED_OUT)
        signed_out(renew, why);
    if (outcome != OAUTH_SIGNED_OUT && has_token(renew, STILL_GOOD_MS)) {
        give(renew);
        return;
    }
    err_in(why, "account %s: a new access token", renew->account->name);
    fail(renew, why);
}

static const char *scope_of(const struct oauth_renew *renew)
{
    const char *const *scopes = is_application(renew) ? renew->way.app_scopes : renew->way.scopes;

    return scopes[renew->purpose];
}

/* Was this agreed to? Where one token serves all, what SMTP asks for is good for the rest, too. */
static bool is_granted(const struct oauth_renew *renew, const char *granted, struct err *err)
{
    return oauth_scope_granted(scope_of(renew), granted, err) ||
           (!renew->way.one_resource && oauth_scope_granted(renew->way.scopes[CREDENTIAL_SMTP], granted, NULL));
}

/* Whose it is, for who must say why it was refused. Nothing is decided by it, and so it may be lost. */
static void note_name(struct oauth_renew *renew, const struct oauth_tokens *tokens)
{
    const struct account *account = renew->account;
    OWN(json_tree) claims = NULL;

    if (!tokens->id_token || !oauth_claims_read(tokens->id_token, &claims, NULL))
        return;
    struct span name = oauth_claims_address(json_root(claims), account->username ? account->username : account->address);
    if (name.len && name.len <= GRANT_USER_MAX)
        renew->grant->named = grant_text(renew->grant, name);
}

static bool keep(struct oauth_renew *renew, struct oauth_tokens *tokens, struct err *err)
{
    struct err withheld = { 0 };
    bool granted = is_granted(renew, tokens->scope, &withheld);
    note_name(renew, tokens);
    grant_take(renew->grant, renew->slot, tokens, now_of(renew));
    renew->grant->proof_expires = oauth_party_proof_expires(renew->party);
    if (!granted && !grant_refused(renew->grant, renew->slot, &withheld, now_of(renew), err))
        return false;
    if (!grant_keep(&renew->world->secrets, renew->account, renew->grant, err))
        return false;
    if (!granted)
        *err = withheld;
    return granted;
}

static void answered(void *who, const struct oauth_reply *reply, uint64_t retry_after, const struct err *why)
{
    struct oauth_renew *renew = OBJ(oauth_renew, RENEW_MAGIC, who);
    HELD(oauth_tokens) tokens = { 0 };
    struct err err = { 0 };

    renew->call = NULL;
    if (!reply) {
        err = *why;
        if (err.kind != ERR_UNKNOWN) /* it was not obeyed, and so nothing was cut off */
            lock_mark(&renew->lock, false);
        else
            err.kind = ERR_LATER;
        refuse(renew, OAUTH_STRANGE, 0, &err);
        return;
    }
    enum oauth_outcome outcome = oauth_answer_tokens(oauth_party_way(renew->party), *reply, &tokens, &err);
    if (outcome != OAUTH_GIVEN) {
        lock_mark(&renew->lock, false);
        oauth_party_hide(renew->party, &err);
        secret_hide_err(&err, renew->grant->refresh);
        refuse(renew, outcome, retry_after, &err);
        return;
    }
    if (!keep(renew, &tokens, &err)) {
        err_in(&err, "account %s: a new access token", renew->account->name);
        fail(renew, &err);
        return;
    }
    lock_mark(&renew->lock, false);
    give(renew);
}

/* ---- the question ---- */

static bool put_seed(struct oauth_renew *renew, struct err *err)
{
    struct grant *grant = renew->grant;
    HELD(buf) digest = BUF(2 * CRYPTO_SHA256_LEN);

    if (!renew->seed)
        return true;
    if (!digest_of(renew->seed, &digest, err))
        return false;
    secret_free(grant->refresh);
    grant->refresh = secret_new(secret_bytes(renew->seed));
    grant->seed = grant_text(grant, buf_span(&digest));
    return (grant->refresh && grant->seed) || err_no_memory(err);
}

/* The first grant of an application, or of a refresh token from outside. */
static bool begin_grant(struct oauth_renew *renew, struct err *err)
{
    bool application = is_application(renew);

    if (!grant_new(renew->account, oauth_party_way(renew->party), &renew->grant, err))
        return false;
    renew->grant->application = application;
    renew->slot = oauth_way_slot(&renew->way, application, renew->purpose);
    renew->grant->signed_in = now_of(renew);
    return true;
}

static bool write_form(const struct oauth_renew *renew, struct oauth_form *form, struct err *err)
{
    const struct oauth_way *way = oauth_party_way(renew->party);
    struct oauth_proof proof = oauth_party_proof(renew->party);

    if (renew->grant->application)
        return oauth_way_check_application(way, err) &&
               oauth_request_application(way, &proof, scope_of(renew), form, err);
    if (!renew->grant->refresh)
        return err_found(err, ERR_SIGNIN, "oauth:no-sign-in", "the provider gave nothing to renew its sign-in with");
    return oauth_request_refresh(way, &proof, renew->grant->refresh, scope_of(renew), form, err);
}

/* Once it is on its way it has its own patience: who gives up in the middle may lose the sign-in. */
static bool ask(struct oauth_renew *renew, struct err *err)
{
    HELD(oauth_form) form = OAUTH_FORM;

    if ((!renew->grant && !begin_grant(renew, err)) || !put_seed(renew, err) || !write_form(renew, &form, err))
        return false;
    lock_mark(&renew->lock, !renew->grant->application);
    return oauth_call_post(renew->world, renew->account, oauth_party_way(renew->party)->token, &form,
                           renew->way.strict, UINT64_MAX, answered, renew, &renew->call, err);
}

static void is_ready(void *who, const struct err *why)
{
    struct oauth_renew *renew = OBJ(oauth_renew, RENEW_MAGIC, who);
    struct err err = { 0 };

    if (why)
        err = *why;
    if (why || !ask(renew, &err))
        refuse(renew, OAUTH_STRANGE, 0, &err);
}

/* ---- the way to it ---- */

static bool go_on(struct oauth_renew *renew, struct err *err);

static bool with_seed(struct oauth_renew *renew, struct err *err)
{
    if (renew->seed_why.kind == ERR_NONE)
        return go_on(renew, err);
    *err = renew->seed_why;
    return false;
}

/* Other than the one that was tried in vain? */
static bool is_new_seed(const struct oauth_renew *renew, const struct secret *seed)
{
    HELD(buf) digest = BUF(2 * CRYPTO_SHA256_LEN);

    return !renew->grant || !renew->grant->seed || !digest_of(seed, &digest, NULL) ||
           !span_is(buf_span(&digest), renew->grant->seed);
}

static void took_seed(void *who, struct secret *seed, const struct err *why)
{
    struct oauth_renew *renew = OBJ(oauth_renew, RENEW_MAGIC, who);
    struct err err = { 0 };

    if (seed && !one_line(renew->account, seed, &renew->seed_why))
        secret_free(GIVE(seed));
    if (seed && is_new_seed(renew, seed))
        renew->seed = GIVE(seed);
    secret_free(seed);
    if (why)
        renew->seed_why = *why;
    if (renew->seed_asked_now)
        return;
    renew->fetch = NULL;
    if (!with_seed(renew, &err))
        fail(renew, &err);
}

/* The answer may come at once: then it waits for us. */
static bool take_seed(struct oauth_renew *renew, struct err *err)
{
    renew->seed_asked = renew->seed_asked_now = true;
    bool ok = secret_source_read(&renew->world->secrets, renew->account, SECRET_SIGN_IN, renew->deadline,
                                 took_seed, renew, &renew->fetch, err);
    renew->seed_asked_now = false;
    return ok && (renew->fetch || with_seed(renew, err));
}

static bool try_lock(struct oauth_renew *renew, struct err *err)
{
    char *path = grant_lock_path(&renew->world->secrets, renew->account);
    bool taken = false;
    bool ok = path ? lock_try(path, &renew->lock, &taken, err) : err_no_memory(err);

    mem_free(path);
    if (ok && taken)
        renew->interrupted = lock_marked(&renew->lock);
    return ok;
}

/* Another renews. */
static bool wait_for_it(struct oauth_renew *renew, struct err *err)
{
    uint64_t now = loop_now(renew->world->secrets.loop);

    if (now >= renew->deadline)
        return err_found(err, ERR_LATER, "oauth:busy", "account %s: another process renews its sign-in, and takes long",
                         renew->account->name);
    timer_set(renew->timer, now + OAUTH_LOCK_TRY_MS);
    return true;
}

static void rang(void *who)
{
    struct oauth_renew *renew = OBJ(oauth_renew, RENEW_MAGIC, who);
    struct err err = { 0 };

    if (!go_on(renew, &err))
        fail(renew, &err);
}

/* With the lock: what the grant says now is what holds. Without it: is there something to be had already? */
static bool go_on(struct oauth_renew *renew, struct err *err)
{
    switch (look(renew, err)) {
    case LOOK_GIVE:
        give(renew);
        return true;
    case LOOK_SEED:
        return take_seed(renew, err);
    case LOOK_FAIL:
        return false;
    case LOOK_ASK:
        break;
    }
    if (lock_held(&renew->lock))
        return oauth_party_new(renew->world, renew->account, renew->grant, UINT64_MAX, is_ready, renew,
                               &renew->party, err);
    if (!grant_reserve(&renew->world->secrets, renew->account, err) || !try_lock(renew, err))
        return false;
    return lock_held(&renew->lock) ? go_on(renew, err) : wait_for_it(renew, err);
}

/* ---- the beginning ---- */

static bool begin(struct oauth_renew *renew, const struct secret *refused, struct err *err)
{
    if (refused && !(renew->refused = secret_new(secret_bytes(refused))))
        return err_no_memory(err);
    if (!(renew->timer = timer_new(renew->world->secrets.loop, rang, renew)))
        return err_no_memory(err);
    return oauth_way_of(renew->account, &renew->way, err);
}

bool oauth_renew_start(const struct credential_world *world, const struct account *account,
                       enum credential_purpose purpose, const struct secret *refused, uint64_t deadline,
                       credential_fetched *done, void *who, struct oauth_renew **ret_renew, struct err *err)
{
    struct oauth_renew *renew = NEW(oauth_renew);

    if (!renew)
        return err_no_memory(err);
    *renew = (struct oauth_renew){
        .magic = RENEW_MAGIC, .world = world, .account = account, .purpose = purpose, .deadline = deadline,
        .lock = LOCK_NONE, .done = done, .who = who, .here = ret_renew,
    };
    *ret_renew = renew;
    if (!begin(renew, refused, err) || !go_on(renew, err)) {
        oauth_renew_cancel(renew);
        return false;
    }
    if (*ret_renew)
        renew->here = NULL;
    return true;
}
