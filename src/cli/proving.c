#include "cli/proving.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/input.h"
#include "cli/print.h"
#include "net/loop.h"

#include "base/banned.h"

struct waiting {
    struct proving *proving;
    struct proofs *proofs;
    bool done;
};

/* An app password is shown in groups of letters, with blanks between that are none of it. */
static struct secret *without_blanks(const struct secret *secret)
{
    HELD(buf) kept = BUF(SECRET_MAX);
    struct span bytes = secret_bytes(secret);

    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i] != ' ')
            buf_add_char(&kept, bytes.at[i]);
    return kept.len ? secret_take(&kept) : NULL;
}

static bool ask(struct proving *p, const struct candidate *candidate, struct err *err)
{
    const struct profile *profile = candidate->profile;
    bool app = profile && profile->password == PASSWORD_APP;
    HELD(buf) question = BUF(600);

    if (app)
        note(p->cli, "%s takes an app password only, one made for this%s%s.", profile->name,
             profile->app_password_page ? ": " : "",
             profile->app_password_page ? profile->app_password_page : "");
    buf_addf(&question, "%s for %s at %s: ",
             p->sign_in_with == SASL_TOKEN ? "Access token"
             : app                         ? "App password"
                                           : "Password",
             p->address, candidate->host);
    if (!input_secret(p->cli, buf_text(&question), &p->secret, err))
        return false;
    struct secret *bare = app ? without_blanks(p->secret) : NULL;
    if (bare) {
        secret_free(p->secret);
        p->secret = bare;
    }
    return true;
}

static struct secret *credential(void *who, const struct candidate *candidate, struct err *err)
{
    struct waiting *w = who;
    struct secret *copy;

    if (!w->proving->secret && !ask(w->proving, candidate, err))
        return NULL;
    copy = secret_new(secret_bytes(w->proving->secret));
    if (!copy)
        err_no_memory(err);
    return copy;
}

/* DNS or a third party alone names this host: a person must agree (RFC 6186, 6). */
static bool confirm(void *who, const struct candidate *candidate)
{
    struct waiting *w = who;
    HELD(buf) question = BUF(600);

    buf_addf(&question, "%s is named by %s only. Send the password there?", candidate->host,
             candidate_source_words(candidate->source));
    return input_yes(w->proving->cli, buf_text(&question));
}

static void probed(void *who, const struct candidate *candidate, const struct proof *proof)
{
    struct waiting *w = who;

    if (w->proving->cli->verbose)
        note(w->proving->cli, "* %s:%u: %s", candidate->host, candidate->port,
             proof->state == PROOF_FAILED ? proof->evidence.err.text : "reached");
}

static void done(void *who, struct proofs *proofs)
{
    struct waiting *w = who;

    w->proofs = proofs;
    w->done = true;
}

bool proving_run(struct proving *proving, const struct candidates *candidates,
                 struct proofs **ret_proofs, struct err *err)
{
    static const struct prove_events events = { probed, confirm, credential, done };
    const struct network *network = cli_network(proving->cli, err);
    struct waiting w = { .proving = proving };
    struct prove *prove = NULL;

    if (!network)
        return false;
    const struct prove_plan plan = {
        .candidates = candidates,
        .hello = cli_hello(proving->cli),
        .ca_file = network->ca_file,
        .client_certificate = arguments_text(&proving->cli->args, "client-certificate"),
        .client_key = arguments_text(&proving->cli->args, "client-key"),
        .tickets = network->tickets,
        .resolver = network->resolver,
        .detours = network->detours,
        .connect_timeout_ms = proving->patience_ms ? proving->patience_ms : network->connect_timeout_ms,
        .sign_in = proving->sign_in,
        .sign_in_with = proving->sign_in_with,
        .user = proving->user,
    };
    if (!prove_start(network->loop, &plan, &events, &w, &prove, err))
        return false;
    loop_run_until(network->loop, &w.done);
    *ret_proofs = w.proofs;
    return w.proofs || err_set(err, ERR_INTERNAL, "proving the settings came to no end");
}

/* The table has host and port in columns of their own. */
static const char *without_host(const struct evidence *evidence)
{
    HELD(buf) prefix = BUF(300);

    buf_addf(&prefix, "%s:%u: ", evidence->host ? evidence->host : "", evidence->port);
    bool has = span_starts(span_of(evidence->err.text), buf_text(&prefix));
    return evidence->err.text + (has ? prefix.len : 0);
}

void proving_verdict(const struct proof *proof, char out[PROVING_VERDICT_MAX])
{
    const struct err *err = &proof->evidence.err;

    switch (proof->state) {
    case PROOF_UNTRIED:
        snprintf(out, PROVING_VERDICT_MAX, "not tried");
        break;
    case PROOF_REACHED:
        snprintf(out, PROVING_VERDICT_MAX, "%s",
                 proof->unconfirmed ? "there, but nobody confirmed it" : "there");
        break;
    case PROOF_SIGNED_IN:
        snprintf(out, PROVING_VERDICT_MAX, "works: signed in by %s", proof->mechanism);
        break;
    case PROOF_FAILED:
        snprintf(out, PROVING_VERDICT_MAX, "%.150s%s%.80s", without_host(&proof->evidence),
                 err->said[0] ? ": " : "", err->said);
        break;
    }
}

/* It was reached, and speaks otherwise than it was spoken to: what it says in its own way tells more. */
static bool is_misspoken(const struct evidence *evidence)
{
    static const char *const facts[] = { "tls:plaintext", "tls:timeout", "greeting:timeout" };

    for (size_t i = 0; evidence->err.fact && i < COUNT(facts); i++)
        if (strcmp(evidence->err.fact, facts[i]) == 0)
            return true;
    return false;
}

/* Where nobody said how a port speaks it was asked both ways. */
static const struct proof *spoken_to(const struct proofs *proofs, const struct proof *first)
{
    const struct evidence *evidence = &first->evidence;

    for (size_t i = 0; i < proofs->count && is_misspoken(evidence); i++) {
        const struct evidence *other = &proofs->at[i].evidence;
        bool same = proofs->at[i].state == PROOF_FAILED && other->port == evidence->port && evidence->host && other->host &&
                    strcmp(other->host, evidence->host) == 0;
        if (same && other->stage > STAGE_CONNECT && !is_misspoken(other))
            return &proofs->at[i];
    }
    return first;
}

bool proving_failure(const struct proofs *proofs, struct evidence *ret_evidence)
{
    const struct proof *first = NULL, *refusal = NULL, *unconfirmed = NULL;

    for (size_t i = 0; i < proofs->count; i++) {
        const struct proof *proof = &proofs->at[i];
        bool failed = proof->state == PROOF_FAILED;
        if (failed && !first)
            first = proof;
        if (failed && proof->evidence.stage == STAGE_AUTH && (!refusal || (proof->evidence.err.reply && !refusal->evidence.err.reply)))
            refusal = proof;
        if (proof->unconfirmed && !unconfirmed)
            unconfirmed = proof;
    }
    if (!refusal && unconfirmed) {
        *ret_evidence = (struct evidence){ .stage = STAGE_LOCAL };
        err_set(&ret_evidence->err, ERR_USAGE,
                "a server was found that only DNS or a third party names; if it is the right one, "
                "say so: --server HOST:PORT");
        return true;
    }
    if (!first)
        return false;
    *ret_evidence = refusal ? refusal->evidence : spoken_to(proofs, first)->evidence;
    return true;
}
