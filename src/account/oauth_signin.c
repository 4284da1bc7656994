#include "account/oauth_signin_int.h"

#include "account/oauth_claims.h"
#include "account/oauth_renew.h"
#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/timer.h"

#include "base/banned.h"

static const struct {
    const char *word;
    unsigned grant; /* of oauth_grant */
    bool (*begin)(struct oauth_signin *signin, struct err *err);
} flows[] = {
    [OAUTH_FLOW_BROWSER] = { "browser", GRANT_CODE, oauth_browser_begin },
    [OAUTH_FLOW_DEVICE] = { "device", GRANT_DEVICE, oauth_device_begin },
    [OAUTH_FLOW_APPLICATION] = { "client-credentials", GRANT_CLIENT, oauth_application_begin },
};

const char *oauth_flow_word(enum oauth_flow flow)
{
    return flows[flow].word;
}

bool oauth_flow_from_word(struct span word, enum oauth_flow *ret_flow)
{
    for (size_t i = 0; i < COUNT(flows); i++)
        if (span_is(word, flows[i].word)) {
            *ret_flow = (enum oauth_flow)i;
            return true;
        }
    return false;
}

unsigned oauth_flows(const struct account *account)
{
    HELD(oauth_way) way = { .client_id = NULL };
    unsigned has = 0;

    if (!oauth_way_of(account, &way, NULL))
        return 0;
    for (size_t i = 0; i < COUNT(flows); i++)
        has |= way.grants & flows[i].grant ? 1u << i : 0;
    return has;
}

/* ---- the end ---- */

void oauth_signin_cancel(struct oauth_signin *signin)
{
    if (!signin)
        return;
    oauth_browser_end(signin);
    credential_fetch_cancel(signin->more);
    oauth_call_cancel(signin->call);
    oauth_party_free(signin->party);
    timer_free(signin->timer);
    oauth_attempt_done(&signin->attempt);
    secret_free(signin->code);
    oauth_device_done(&signin->device);
    grant_free(signin->grant);
    lock_done(&signin->lock);
    buf_done(&signin->url);
    OBJ_GONE(signin);
    mem_free(signin);
}

void oauth_signin_fail(struct oauth_signin *signin, struct err *why)
{
    void (*done)(void *who, const struct oauth_signed_in *result, const struct err *why) = signin->events.done;
    void *who = signin->who;

    oauth_party_hide(signin->party, why);
    secret_hide_err(why, signin->code);
    secret_hide_err(why, signin->device.code);
    err_in(why, "account %s: signing in", signin->plan.account->name);
    oauth_signin_cancel(signin);
    done(who, NULL, why);
}

static void fails_now(struct oauth_signin *signin)
{
    struct err why = signin->why;

    oauth_signin_fail(signin, &why);
}

void oauth_signin_fail_soon(struct oauth_signin *signin, const struct err *why)
{
    signin->why = *why;
    oauth_signin_wake(signin, oauth_signin_now(signin), fails_now);
}

/* ---- time ---- */

uint64_t oauth_signin_now(const struct oauth_signin *signin)
{
    return loop_now(signin->plan.world->secrets.loop);
}

static void rang(void *who)
{
    struct oauth_signin *signin = OBJ(oauth_signin, SIGNIN_MAGIC, who);

    signin->rang(signin);
}

void oauth_signin_wake(struct oauth_signin *signin, uint64_t when, void (*rings)(struct oauth_signin *signin))
{
    signin->rang = rings;
    timer_set(signin->timer, when);
}

/* ---- what was given is kept ---- */

static void tell(struct oauth_signin *signin)
{
    const struct account *account = signin->plan.account;
    const struct grant *grant = signin->grant;
    struct oauth_signed_in result = {
        .grant = grant,
        .same_person = grant->user_count == 0,
        .clock_wrong = signin->clock_wrong,
        .purposes = signin->had,
    };
    HELD(buf) address = BUF(GRANT_USER_MAX);

    for (size_t i = 0; i < grant->user_count; i++) {
        struct span user = span_of(grant->users[i]);
        result.same_person |= span_is_word(user, account->address) ||
                              (account->username && span_is_word(user, account->username));
    }
    if (grant->user_count)
        buf_add(&address, grant->users[0]);
    result.address = address.len ? buf_text(&address) : NULL;
    OWN(grant) kept = GIVE(signin->grant);
    void (*done)(void *who, const struct oauth_signed_in *result, const struct err *why) = signin->events.done;
    void *who = signin->who;
    oauth_signin_cancel(signin);
    done(who, &result, NULL);
}

/* What the new sign-in says nothing of, and is the same person's with the same application. */
static bool carry_over(struct oauth_signin *signin, struct err *err)
{
    const struct secret_world *secrets = &signin->plan.world->secrets;
    struct grant *new = signin->grant;
    OWN(grant) old = NULL;

    if (!grant_read(secrets, signin->plan.account, &old, NULL) || old->application != new->application ||
        !grant_check(old, signin->plan.account, oauth_party_way(signin->party), NULL))
        return true;
    if (old->user_count && new->user_count && strcmp(old->users[0], new->users[0]) != 0)
        return true;
    for (size_t i = 0; i < CREDENTIAL_PURPOSES; i++)
        if (!new->tokens[i].access && old->tokens[i].access) {
            new->tokens[i] = old->tokens[i];
            new->tokens[i].refusal = (struct grant_refusal){ 0 };
            old->tokens[i].access = NULL;
        }
    if (!new->refresh)
        new->refresh = GIVE(old->refresh);
    new->user = old->user ? grant_text(new, span_of(old->user)) : NULL;
    return new->user || !old->user || err_no_memory(err);
}

static void came_more(void *who, struct secret *token, const struct err *why);

/* The other purposes, each by a renewal of its own: what was not agreed to shows now. */
static void ask_more(struct oauth_signin *signin)
{
    const struct oauth_way *way = oauth_party_way(signin->party);
    struct err err;

    for (unsigned i = 0; i < CREDENTIAL_PURPOSES; i++) {
        enum credential_purpose purpose = (enum credential_purpose)i;
        if (!(signin->purposes & 1u << i))
            continue;
        signin->purposes &= ~(1u << i);
        if (oauth_way_slot(way, signin->grant->application, purpose) ==
            oauth_way_slot(way, signin->grant->application, signin->first)) {
            signin->had |= 1u << i;
            continue;
        }
        signin->asking = purpose;
        if (credential_fetch(signin->plan.world, signin->plan.account, purpose, NULL, signin->plan.deadline,
                             came_more, signin, &signin->more, &err))
            return;
    }
    tell(signin);
}

static void came_more(void *who, struct secret *token, const struct err *why)
{
    struct oauth_signin *signin = OBJ(oauth_signin, SIGNIN_MAGIC, who);
    struct grant *grant = NULL;

    (void)why; /* it stands in the grant */
    signin->more = NULL;
    signin->had |= token ? 1u << signin->asking : 0;
    secret_free(token);
    if (grant_read(&signin->plan.world->secrets, signin->plan.account, &grant, NULL)) {
        grant_free(signin->grant);
        signin->grant = grant;
    }
    ask_more(signin);
}

static void keep(struct oauth_signin *signin)
{
    const struct secret_world *secrets = &signin->plan.world->secrets;
    struct err err = { 0 };
    bool taken = false;
    char *path = grant_lock_path(secrets, signin->plan.account);
    bool ok = path ? lock_try(path, &signin->lock, &taken, &err) : err_no_memory(&err);

    mem_free(path);
    if (ok && !taken) { /* a renewal of the old sign-in; it won't take long */
        oauth_signin_wake(signin, oauth_signin_now(signin) + OAUTH_LOCK_TRY_MS, keep);
        return;
    }
    if (!ok || !carry_over(signin, &err) || !grant_keep(secrets, signin->plan.account, signin->grant, &err)) {
        oauth_signin_fail(signin, &err);
        return;
    }
    lock_mark(&signin->lock, false);
    lock_done(&signin->lock);
    ask_more(signin);
}

/* Who it was. A token that is not for us ends the sign-in; one that can't be read says nothing. */
static bool look_at_claims(struct oauth_signin *signin, const struct secret *id_token, struct err *err)
{
    const struct oauth_way *way = oauth_party_way(signin->party);
    OWN(json_tree) claims = NULL;
    struct err why = { 0 };

    if (!id_token || !oauth_claims_read(id_token, &claims, NULL))
        return true;
    if (!oauth_claims_check(way, json_root(claims), signin->nonce, clock_wall(signin->plan.world->clock), &why)) {
        if (strcmp(why.fact, "clock:wrong") != 0) {
            *err = why;
            return false;
        }
        signin->clock_wrong = true; /* but it came over verified TLS just now */
    }
    return oauth_claims_users(way, json_root(claims), signin->grant) || err_no_memory(err);
}

static const char *const *scopes_of(const struct oauth_signin *signin)
{
    const struct oauth_way *way = oauth_party_way(signin->party);

    return signin->plan.flow == OAUTH_FLOW_APPLICATION ? way->app_scopes : way->scopes;
}

static bool make_grant(struct oauth_signin *signin, struct oauth_tokens *tokens, struct err *err)
{
    const struct oauth_way *way = oauth_party_way(signin->party);
    bool application = signin->plan.flow == OAUTH_FLOW_APPLICATION;
    uint64_t wall = clock_wall(signin->plan.world->clock);

    if (!oauth_scope_granted(scopes_of(signin)[signin->first], tokens->scope, err) ||
        !grant_new(signin->plan.account, way, &signin->grant, err) ||
        !look_at_claims(signin, tokens->id_token, err))
        return false;
    signin->grant->application = application;
    signin->grant->signed_in = wall;
    signin->grant->proof_expires = oauth_party_proof_expires(signin->party);
    grant_take(signin->grant, oauth_way_slot(way, application, signin->first), tokens, wall);
    return true;
}

void oauth_signin_given(struct oauth_signin *signin, struct oauth_tokens *tokens)
{
    struct err err = { 0 };

    if (!make_grant(signin, tokens, &err)) {
        oauth_signin_fail(signin, &err);
        return;
    }
    signin->had = 1u << signin->first;
    signin->purposes &= ~signin->had;
    keep(signin);
}

void oauth_signin_answered(struct oauth_signin *signin, const struct oauth_reply *reply, const struct err *why)
{
    HELD(oauth_tokens) tokens = { 0 };
    struct err err = { 0 };

    if (!reply)
        err = *why;
    else if (oauth_answer_tokens(oauth_party_way(signin->party), *reply, &tokens, &err) == OAUTH_GIVEN) {
        oauth_signin_given(signin, &tokens);
        return;
    }
    oauth_signin_fail(signin, &err);
}

/* ---- the beginning ---- */

bool oauth_signin_ask(struct oauth_signin *signin, struct oauth_form *form, bool once, oauth_called *done,
                      struct err *err)
{
    return oauth_call_post(signin->plan.world, signin->plan.account, oauth_party_way(signin->party)->token, form,
                           once, signin->plan.deadline, done, signin, &signin->call, err);
}

static void is_ready(void *who, const struct err *why)
{
    struct oauth_signin *signin = OBJ(oauth_signin, SIGNIN_MAGIC, who);
    struct err err = { 0 };

    if (why)
        err = *why;
    /* What will be given must find room: asked for before anybody is. */
    if (why || !grant_reserve(&signin->plan.world->secrets, signin->plan.account, &err) ||
        !flows[signin->plan.flow].begin(signin, &err))
        oauth_signin_fail(signin, &err);
}

static enum credential_purpose first_of(unsigned purposes)
{
    unsigned i = 0;

    while (!(purposes & 1u << i))
        i++;
    return (enum credential_purpose)i;
}

bool oauth_signin_start(const struct oauth_signin_plan *plan, const struct oauth_signin_events *events, void *who,
                        struct oauth_signin **ret_signin, struct err *err)
{
    struct oauth_signin *signin = NEW(oauth_signin);
    unsigned all = (1u << CREDENTIAL_PURPOSES) - 1, purposes = plan->purposes & all;

    if (!signin)
        return err_no_memory(err);
    *signin = (struct oauth_signin){
        .magic = SIGNIN_MAGIC, .plan = *plan, .events = *events, .who = who, .lock = LOCK_NONE,
        .purposes = purposes ? purposes : 1u << CREDENTIAL_SMTP, .url = BUF(OAUTH_URL_MAX),
    };
    signin->first = first_of(signin->purposes);
    if (!(signin->timer = timer_new(plan->world->secrets.loop, rang, signin)))
        err_no_memory(err);
    if (!signin->timer || !oauth_party_new(plan->world, plan->account, NULL, plan->deadline, is_ready, signin,
                                           &signin->party, err)) {
        oauth_signin_cancel(signin);
        return false;
    }
    *ret_signin = signin;
    return true;
}
