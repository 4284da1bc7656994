#include "discover/prove.h"

#include "base/alloc.h"
#include "base/obj.h"
#include "discover/neighbours.h"
#include "net/timer.h"
#include "session/client.h"

#include "base/banned.h"

enum {
    PROVE_MAGIC = 0x70726f76,
    CONNECT_MS = 10 * 1000,
    WHOLE_CONNECTS = 3, /* a trial may take so many times that: to connect, to shake hands, to talk */
    AT_A_TIME = 8,
};

/* A session with one candidate. */
struct trial {
    struct prove *prove;
    const struct candidate *candidate; /* NULL: free */
    struct proof *proof;
    struct session_plan plan;
    struct session *session;
};

struct prove {
    uint32_t magic;
    struct loop *loop;
    struct prove_plan plan;
    struct prove_events events;
    void *who;
    struct proofs *proofs;
    struct trial trials[AT_A_TIME];
    size_t next;          /* the candidate to be probed, or signed in at, next */
    bool signing_in;
    struct secret *secret; /* for the candidate before `next`: got, and not used up yet */
    struct timer *timer;  /* rings for the next step: never from within a session's callback */
};

void proofs_free(struct proofs *proofs)
{
    mem_free(proofs);
}

/* ---- the end ---- */

/* Without the proofs, which may be somebody else's by then. */
static void prove_free(struct prove *prove)
{
    for (size_t i = 0; i < AT_A_TIME; i++)
        session_free(prove->trials[i].session);
    secret_free(prove->secret);
    timer_free(prove->timer);
    OBJ_GONE(prove);
    mem_free(prove);
}

void prove_cancel(struct prove *prove)
{
    if (!prove)
        return;
    proofs_free(prove->proofs);
    prove_free(prove);
}

static void finish(struct prove *prove)
{
    struct proofs *proofs = prove->proofs;
    void (*done)(void *, struct proofs *) = prove->events.done;
    void *who = prove->who;

    for (size_t i = 0; !prove->plan.sign_in && i < proofs->count && !proofs->chosen; i++)
        if (proofs->at[i].state == PROOF_REACHED)
            proofs->chosen = &prove->plan.candidates->at[i];
    proofs_compare(proofs, prove->plan.candidates);
    prove_free(prove);
    done(who, proofs);
}

/* ---- a trial ---- */

static void next_step(struct prove *prove)
{
    timer_set(prove->timer, loop_now(prove->loop));
}

/* Mechanism names live elsewhere than the session: they outlive it. */
static const char *lasting_name(const char *mechanism)
{
    enum sasl_mechanism known;

    return mechanism && sasl_from_name(span_of(mechanism), &known) ? sasl_name(known) : NULL;
}

static void keep_offer(struct trial *trial)
{
    const struct smtp_extensions *extensions = session_extensions(trial->session);
    enum sasl_mechanism known;

    for (unsigned i = 0; i < extensions->mechanism_count; i++)
        if (sasl_from_name(span_of(extensions->mechanisms[i]), &known))
            trial->proof->mechanisms |= SASL_BIT(known);
}

static void end_trial(struct trial *trial, enum proof_state state)
{
    struct prove *prove = trial->prove;
    const struct candidate *candidate = trial->candidate;

    trial->proof->state = state;
    trial->candidate = NULL;
    trial->session = NULL;
    secret_free(prove->secret);
    prove->secret = NULL;
    next_step(prove);
    if (!prove->signing_in && prove->events.probed)
        prove->events.probed(prove->who, candidate, trial->proof);
}

static void on_ready(void *who)
{
    struct trial *trial = who;
    struct session *session = trial->session;
    struct prove *prove = trial->prove;

    keep_offer(trial);
    trial->proof->mechanism = lasting_name(session_mechanism(session));
    if (prove->signing_in)
        prove->proofs->chosen = trial->candidate;
    session_finish(session);
    end_trial(trial, prove->signing_in ? PROOF_SIGNED_IN : PROOF_REACHED);
}

/* Did the server look at the credential and say no? */
static bool is_refusal(const struct evidence *evidence)
{
    return evidence->stage == STAGE_AUTH && evidence->err.reply / 100 == 5;
}

static void on_failed(void *who, const struct evidence *evidence)
{
    struct trial *trial = who;
    const struct profile *profile = trial->candidate->profile;

    trial->proof->evidence = *evidence;
    trial->proof->evidence.mechanism = lasting_name(evidence->mechanism);
    trial->proof->evidence.host = trial->candidate->host;
    trial->proof->evidence.provider = profile ? profile->id : NULL;
    trial->proof->mechanism = trial->proof->evidence.mechanism;
    if (trial->prove->signing_in && is_refusal(evidence))
        trial->prove->proofs->refused = trial->candidate;
    session_free(trial->session);
    end_trial(trial, PROOF_FAILED);
}

/* A server may want it twice, by two mechanisms: each time it gets a copy. */
static void on_credential(void *who, const char *mechanism)
{
    struct trial *trial = who;
    struct secret *copy = secret_new(secret_bytes(trial->prove->secret));
    struct err err;
    (void)mechanism;

    err_no_memory(&err);
    if (copy)
        session_credential(trial->session, copy);
    else
        session_no_credential(trial->session, &err);
}

static const struct session_events trial_events = {
    .credential = on_credential,
    .ready = on_ready,
    .failed = on_failed,
};

static const char *user_of(const struct prove_plan *plan, const struct candidate *candidate)
{
    if (plan->user || plan->sign_in_with == SASL_CERTIFICATE)
        return plan->user;
    return candidate->username;
}

static void begin_trial(struct trial *trial, size_t at)
{
    struct prove *prove = trial->prove;
    const struct prove_plan *plan = &prove->plan;
    const struct candidate *candidate = &plan->candidates->at[at];
    const struct profile *profile = candidate->profile;
    /* It tells who we are: not where a person must agree first. */
    bool certified = prove->signing_in || !candidate->needs_confirmation;
    uint64_t patience = plan->connect_timeout_ms ? plan->connect_timeout_ms : CONNECT_MS;
    struct evidence evidence = { .stage = STAGE_LOCAL, .port = candidate->port,
                                 .security = security_word(candidate->security) };

    trial->candidate = candidate;
    trial->proof = &prove->proofs->at[at];
    trial->plan = (struct session_plan){
        .host = candidate->host,
        .port = candidate->port,
        .security = candidate->security,
        .hello = plan->hello,
        .mechanisms = plan->mechanisms ? plan->mechanisms : SASL_USUAL,
        .sign_in_with = plan->sign_in_with,
        .user = user_of(plan, candidate),
        .probe = !prove->signing_in,
        .long_initial = profile && profile->capabilities.long_initial_response,
        .ca_file = plan->ca_file,
        .tls_pin = plan->tls_pin,
        .client_certificate = certified ? plan->client_certificate : NULL,
        .client_key = certified ? plan->client_key : NULL,
        .tickets = plan->tickets,
        .source_address = plan->source_address,
        .resolver = plan->resolver,
        .detours = plan->detours,
        .connect_timeout_ms = patience,
        .timeout_ms = WHOLE_CONNECTS * patience,
    };
    if (!session_open(prove->loop, &trial->plan, &trial_events, trial, &trial->session, &evidence.err))
        on_failed(trial, &evidence);
}

/* ---- the steps ---- */

static struct trial *free_trial(struct prove *prove, size_t *ret_busy)
{
    struct trial *found = NULL;

    *ret_busy = 0;
    for (size_t i = 0; i < AT_A_TIME; i++) {
        if (prove->trials[i].candidate)
            ++*ret_busy;
        else
            found = &prove->trials[i];
    }
    return found;
}

/* False: all have been probed. */
static bool probe_some(struct prove *prove)
{
    const struct candidates *candidates = prove->plan.candidates;
    struct trial *trial;
    size_t busy;

    while ((trial = free_trial(prove, &busy)) && prove->next < candidates->count) {
        size_t at = prove->next++;
        if (!candidates->at[at].refused)
            begin_trial(trial, at);
    }
    return busy > 0 || prove->next < candidates->count;
}

static struct evidence evidence_of(const struct candidate *candidate, enum stage stage)
{
    return (struct evidence){
        .stage = stage,
        .provider = candidate->profile ? candidate->profile->id : NULL,
        .host = candidate->host,
        .port = candidate->port,
        .security = security_word(candidate->security),
    };
}

/* Is this a place for the credential at all? If it is reached and offers no way to sign in, that is its failure. */
static bool is_fit(const struct prove *prove, size_t at)
{
    const struct prove_plan *plan = &prove->plan;
    const struct candidate *candidate = &plan->candidates->at[at];
    struct proof *proof = &prove->proofs->at[at];
    unsigned allowed = plan->mechanisms ? plan->mechanisms : SASL_USUAL;
    enum sasl_mechanism best;
    struct err err = { 0 };

    if (proof->state != PROOF_REACHED)
        return false;
    if (sasl_choose(proof->mechanisms, allowed, plan->sign_in_with, true, &best, &err))
        return true;
    proof->state = PROOF_FAILED;
    proof->evidence = evidence_of(candidate, STAGE_AUTH);
    proof->evidence.err = err;
    err_in(&proof->evidence.err, "%s:%u", candidate->host, candidate->port);
    return false;
}

/* A password where the provider is known to take none: that needs no trying. */
static bool is_hopeless(const struct prove *prove, size_t at)
{
    const struct candidate *candidate = &prove->plan.candidates->at[at];
    struct proof *proof = &prove->proofs->at[at];

    if (prove->plan.sign_in_with != SASL_PASSWORD || !candidate->profile ||
        candidate->profile->password != PASSWORD_OFF)
        return false;
    proof->state = PROOF_FAILED;
    proof->evidence = evidence_of(candidate, STAGE_AUTH);
    err_found(&proof->evidence.err, ERR_SIGNIN, "profile:no-passwords", "%s takes no passwords",
              candidate->profile->name);
    return true;
}

static bool is_agreed(struct prove *prove, size_t at)
{
    const struct candidate *candidate = &prove->plan.candidates->at[at];

    if (!candidate->needs_confirmation ||
        (prove->events.confirm && prove->events.confirm(prove->who, candidate)))
        return true;
    prove->proofs->at[at].unconfirmed = true;
    return false;
}

/* Got before the line is opened: a person may take longer to type than a server waits. */
static bool get_credential(struct prove *prove, size_t at)
{
    const struct prove_plan *plan = &prove->plan;
    const struct candidate *candidate = &plan->candidates->at[at];
    struct proof *proof = &prove->proofs->at[at];
    struct err err = { 0 };

    prove->secret = prove->events.credential(prove->who, candidate, &err);
    if (prove->secret)
        return true;
    proof->state = PROOF_FAILED;
    proof->evidence = evidence_of(candidate, STAGE_LOCAL);
    proof->evidence.err = err;
    return false;
}

/* False: it is decided. Between the credential and the line the loop turns once, and looks at the clock. */
static bool sign_in_next(struct prove *prove)
{
    size_t busy;
    struct trial *trial = free_trial(prove, &busy);

    if (busy)
        return true;
    if (prove->proofs->chosen || prove->proofs->refused)
        return false;
    if (prove->secret) {
        begin_trial(trial, prove->next - 1);
        return true;
    }
    while (prove->next < prove->proofs->count) {
        size_t at = prove->next++;
        if (!is_fit(prove, at) || is_hopeless(prove, at) || !is_agreed(prove, at))
            continue;
        if (prove->plan.sign_in_with == SASL_CERTIFICATE) {
            begin_trial(trial, at);
            return true;
        }
        if (!get_credential(prove, at))
            return false;
        next_step(prove);
        return true;
    }
    return false;
}

static void rang(void *who)
{
    struct prove *prove = OBJ(prove, PROVE_MAGIC, who);

    if (!prove->signing_in) {
        if (probe_some(prove))
            return;
        prove->signing_in = prove->plan.sign_in;
        prove->next = 0;
    }
    if (!prove->signing_in || !sign_in_next(prove))
        finish(prove);
}

bool prove_start(struct loop *loop, const struct prove_plan *plan, const struct prove_events *events,
                 void *who, struct prove **ret_prove, struct err *err)
{
    struct prove *prove = NEW(prove);

    if (!prove)
        return err_no_memory(err);
    prove->magic = PROVE_MAGIC;
    prove->loop = loop;
    prove->plan = *plan;
    prove->events = *events;
    prove->who = who;
    for (size_t i = 0; i < AT_A_TIME; i++)
        prove->trials[i].prove = prove;
    prove->timer = timer_new(loop, rang, prove);
    prove->proofs = NEW(proofs);
    if (!prove->timer || !prove->proofs) {
        prove_cancel(prove);
        return err_no_memory(err);
    }
    prove->proofs->count = plan->candidates->count;
    next_step(prove);
    if (ret_prove)
        *ret_prove = prove;
    return true;
}
