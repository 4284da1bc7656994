/* Sessions one after another: signing in, with as many tokens and names as may be tried; a line that is kept. */
#include "relay/smtp_carrier.h"

#include "base/alloc.h"
#include "base/str.h"
#include "net/loop.h"

#include "base/banned.h"

enum {
    OTHER_WAY_MS = 15 * 1000, /* patience for a connection where there is another way to go */
};

static const struct account *account_of(const struct carrier *c)
{
    return c->t->account;
}

static struct loop *loop_of(const struct carrier *c)
{
    return c->t->credentials.secrets.loop;
}

static bool signs_in_with_token(const struct carrier *c)
{
    return account_of(c)->auth == ACCOUNT_AUTH_TOKEN || account_of(c)->auth == ACCOUNT_AUTH_OAUTH;
}

/* ---- the plan ---- */

static enum smtp_pipelining pipelining_of(const struct account *account)
{
    switch (account_pipeline(account)) {
    case PIPELINE_OFF:
        return SMTP_PIPELINING_OFF;
    case PIPELINE_COMMANDS:
        return SMTP_PIPELINING_COMMANDS;
    case PIPELINE_AUTO:
    case PIPELINE_TRANSACTIONS:
        break;
    }
    return SMTP_PIPELINING_AUTO;
}

static struct session_plan plan_of(const struct carrier *c)
{
    const struct transport_world *world = c->t->world;
    const struct account *account = account_of(c);
    const char *ca_file = c->t->credentials.ca_file;

    return (struct session_plan){
        .host = account->server.name,
        .port = account->server.port,
        .security = account_security(account),
        .hello = world->hello,
        .mechanisms = account->auth != ACCOUNT_AUTH_NONE ? account_mechanisms(account) : 0,
        .sign_in_with = account_credential(account),
        .user = c->users.at[c->run.user],
        .allow_plaintext = account->allow_plaintext,
        .long_initial = account->profile && account->profile->capabilities.long_initial_response,
        .pipelining = pipelining_of(account),
        .ca_file = ca_file ? ca_file : account->ca_file,
        .tls_pin = account->tls_pin,
        .source_address = account->source_address,
        .client_certificate = account->client_certificate,
        .client_key = account->client_key,
        .tickets = world->tickets,
        .proxy = account->proxy,
        .resolver = c->t->credentials.resolver,
        .detours = c->t->credentials.detours,
        .connect_timeout_ms = world->connect_timeout_ms,
        .dial_timeout_ms = world->dial_timeout_ms                        ? world->dial_timeout_ms
                           : c->t->other && !world->connect_timeout_ms ? OTHER_WAY_MS
                                                                        : 0,
        .timeout_ms = transport_time_left(c->t),
        .observer = world->observer,
    };
}

/* ---- endings ---- */

/* The run is over; the next line begins another one. */
static void forget_run(struct carrier *c)
{
    secret_free(GIVE(c->credential));
    c->run = (struct signin_run){ 0 };
    c->renewed = false;
}

void carrier_hang_up(struct carrier *c)
{
    if (c->session)
        session_finish(GIVE(c->session));
    c->up = false;
}

/* The last thing a function does: nothing of it may be left afterwards. */
static void fail(struct carrier *c, const struct evidence *evidence)
{
    struct evidence told = *evidence;

    told.provider = transport_provider(c->t);
    carrier_hang_up(c);
    forget_run(c);
    if (message_stranded(c, &told))
        transport_sent(c->t);
    else
        transport_failed(c->t, &told);
}

/* ---- signing in ---- */

static struct secret *copy_of(const struct secret *secret)
{
    return secret_new(secret_bytes(secret));
}

static void answer_session(struct carrier *c, const struct err *why)
{
    struct secret *copy = why ? NULL : copy_of(c->credential);
    struct err err = { 0 };

    if (!copy && !why)
        err_no_memory(&err);
    if (copy)
        session_credential(c->session, copy);
    else
        session_no_credential(c->session, why ? why : &err);
}

static void credential_came(void *who, struct secret *secret, const struct err *why)
{
    struct carrier *c = who;

    c->fetch = NULL;
    c->fetch_failed = !secret;
    secret_free(c->credential);
    c->credential = secret;
    answer_session(c, secret ? NULL : why);
}

static void want_credential(void *who, const char *mechanism)
{
    struct carrier *c = who;
    uint64_t deadline = transport_credential_deadline(c->t);
    struct err err = { 0 };

    (void)mechanism;
    if (c->credential) { /* of this run */
        answer_session(c, NULL);
        return;
    }
    if (!credential_fetch(&c->t->credentials, account_of(c), CREDENTIAL_SMTP, NULL, deadline,
                          credential_came, c, &c->fetch, &err)) {
        c->fetch_failed = true;
        session_no_credential(c->session, &err);
    }
}

static void go_on(struct carrier *c, enum signin_step step);

/* Another token than the one refused, or the same again where there is no other. */
static void use_fresh(struct carrier *c)
{
    c->fresh_came = false;
    if (!c->fresh) {
        const struct evidence evidence = { .stage = STAGE_TOKEN, .err = c->fresh_why };
        fail(c, &evidence);
        return;
    }
    bool same = str_equal_secret(secret_bytes(c->fresh), secret_bytes(c->credential));
    secret_free(c->credential);
    c->credential = GIVE(c->fresh);
    c->renewed = !same && account_of(c)->auth == ACCOUNT_AUTH_OAUTH;
    if (same)
        go_on(c, signin_run_stale(&c->run, c->users.count));
    else
        carrier_open(c);
}

static void fresh_came(void *who, struct secret *secret, const struct err *why)
{
    struct carrier *c = who;

    c->fetch = NULL;
    c->fresh = secret;
    c->fresh_why = secret ? (struct err){ 0 } : *why;
    c->fresh_came = true;
    if (!c->asking)
        use_fresh(c);
}

static void fetch_fresh(struct carrier *c)
{
    uint64_t deadline = transport_credential_deadline(c->t);
    struct evidence evidence = { .stage = STAGE_TOKEN };

    transport_note(c->t, STAGE_TOKEN, "the token was refused: a fresh one is asked for");
    c->asking = true; /* what comes within the call waits for its end: it may end the transport */
    bool good = credential_fetch(&c->t->credentials, account_of(c), CREDENTIAL_SMTP,
                                 c->credential, deadline, fresh_came, c, &c->fetch, &evidence.err);
    c->asking = false;
    if (!good)
        fail(c, &evidence);
    else if (c->fresh_came)
        use_fresh(c);
}

static void go_on(struct carrier *c, enum signin_step step)
{
    switch (step) {
    case SIGNIN_FRESH_TOKEN:
        fetch_fresh(c);
        return;
    case SIGNIN_NEXT_USER:
        transport_note(c->t, STAGE_AUTH, "signing in as %s", c->users.at[c->run.user]);
        carrier_open(c);
        return;
    case SIGNIN_OVER:
        break;
    }
    const struct evidence refusal = c->refusal;
    fail(c, &refusal);
}

/* It came to an end while a token was still being asked for: that is why, whatever the mail server did meanwhile. */
static void blame_waiting(struct carrier *c)
{
    if (!c->fetch || account_of(c)->auth != ACCOUNT_AUTH_OAUTH)
        return;
    c->refusal.stage = STAGE_TOKEN;
    c->refusal.err = (struct err){ 0 };
    err_found(&c->refusal.err, ERR_NETWORK, "https:unreachable", "the provider's sign-in server gave no token in time");
}

/* It did not run out: it came a moment ago. */
static const char *const just_renewed[] = { "token:renewed", NULL };

/* No session came to be. Where that was over a token, there may be another, or another name. */
static void not_opened(struct carrier *c, const struct evidence *evidence)
{
    unsigned tries = session_tries(c->session);
    enum signin_step step = SIGNIN_OVER;

    session_free(GIVE(c->session));
    c->refusal = *evidence;
    c->refusal.provider = transport_provider(c->t);
    if (c->fetch_failed && account_of(c)->auth == ACCOUNT_AUTH_OAUTH)
        c->refusal.stage = STAGE_TOKEN;
    blame_waiting(c);
    if (c->renewed && c->refusal.stage == STAGE_AUTH)
        c->refusal.found = just_renewed;
    if (signs_in_with_token(c) && c->credential && c->refusal.stage == STAGE_AUTH)
        step = signin_run_refused(&c->run, &c->refusal, transport_cause(c->t, &c->refusal), tries,
                                  c->users.count);
    go_on(c, step);
}

/* Which name was let in is worth knowing the next time, but no reason not to send. */
static void remember_user(struct carrier *c)
{
    const char *user = c->users.at[c->run.user];
    struct err err = { 0 };

    if (c->users.count > 1 &&
        !credential_user_won(&c->t->credentials, account_of(c), user, &err))
        transport_note(c->t, STAGE_LOCAL, "%s can't be remembered: %s", user, err.text);
}

/* ---- the session's events ---- */

static void ready(void *who)
{
    struct carrier *c = who;

    c->up = true;
    c->ready_at = loop_now(loop_of(c));
    remember_user(c);
    forget_run(c);
    if (c->t->sending)
        message_begin(c);
    else
        transport_ready(c->t);
}

static void progressed(void *who, uint64_t sent, uint64_t size)
{
    struct carrier *c = who;

    if (c->t->events.progress)
        c->t->events.progress(c->t->who, sent, size);
}

static void sent(void *who)
{
    message_sent(who);
}

/* Between two messages it is nobody's failure: the next one finds the line cold. */
static void failed(void *who, const struct evidence *evidence)
{
    struct carrier *c = who;

    if (c->up) {
        session_free(GIVE(c->session));
        c->up = false;
    } else {
        not_opened(c, evidence);
    }
}

/* ---- the kind ---- */

/* The names are asked for at the beginning of a run: which one is the first may have changed. */
static bool start_session(struct carrier *c, struct err *err)
{
    static const struct session_events events = { .credential = want_credential, .ready = ready, .progress = progressed,
                                                  .sent = sent, .failed = failed };

    if (c->run.tries == 0 &&
        !credential_users(&c->t->credentials, account_of(c), &c->users, err))
        return false;
    c->plan = plan_of(c);
    c->up = c->warm = c->fetch_failed = false;
    c->carried = 0;
    return session_open(loop_of(c), &c->plan, &events, c, &c->session, err);
}

/* This may be within a call: a failure is told later. */
void carrier_open(struct carrier *c)
{
    struct evidence why = { .stage = STAGE_LOCAL, .provider = transport_provider(c->t) };

    if (start_session(c, &why.err))
        return;
    forget_run(c);
    if (message_stranded(c, &why))
        transport_sent_soon(c->t);
    else
        transport_fail_soon(c->t, why.stage, &why.err);
}

static bool smtp_open(struct transport *t, struct err *err)
{
    struct carrier *c = NEW(carrier);

    if (!c)
        return err_no_memory(err);
    t->own = c;
    c->t = t;
    return start_session(c, err);
}

static void smtp_send(struct transport *t)
{
    struct carrier *c = t->own;

    c->warm = c->session && (c->carried || loop_now(loop_of(c)) != c->ready_at);
    if (c->session)
        message_begin(c);
    else
        carrier_open(c);
}

static void smtp_close(struct transport *t)
{
    struct carrier *c = t->own;

    credential_fetch_cancel(c->fetch);
    if (c->session && c->up && !t->sending)
        session_finish(GIVE(c->session));
    session_free(c->session);
    secret_free(c->credential);
    secret_free(c->fresh);
    message_done(c);
    mem_free(c);
}

const struct transport_kind transport_smtp = { "smtp", NULL, smtp_open, smtp_send, smtp_close };
