/* Candidates, tried: first all of them without a credential (is somebody there, is their certificate
 * good, how could one sign in?), several at a time; then, where a sign-in is wanted, the best first, one
 * by one, until one takes it or says it is wrong. So a password is shown to as few servers as can be:
 *
 *   - none that did not answer over verified TLS and offer a mechanism for it (or is this machine)
 *   - none that says clear text
 *   - none whose provider is known to take no password: it fails with the fact profile:no-passwords
 *   - none that needs confirmation, unless confirm() agreed
 *   - none after the first that refused it
 */
#ifndef OUTPOST_DISCOVER_PROVE_H
#define OUTPOST_DISCOVER_PROVE_H

#include "base/secret.h"
#include "discover/candidate.h"
#include "know/evidence.h"
#include "net/dial.h"
#include "smtp/sasl.h"

struct prove;

/* Borrowed until `done` or prove_cancel(); the candidates as long as the proofs, too. */
struct prove_plan {
    const struct candidates *candidates;
    const char *hello;            /* our name in EHLO, as in session_plan */
    const char *ca_file, *tls_pin, *source_address; /* NULL: as usual */
    /* Files to show in the handshake, also while probing, for servers offer EXTERNAL to those that show one;
     * but for a candidate that needs_confirmation, before it has it. Both or NULL. */
    const char *client_certificate, *client_key;
    struct tickets *tickets;      /* of TLS, for the lines of this search and later ones; or NULL */
    struct resolver *resolver;
    struct dial_detours detours;
    uint64_t connect_timeout_ms;  /* for each connection and reply; 0: 10 s */
    bool sign_in;
    enum sasl_credential sign_in_with;
    unsigned mechanisms;          /* allowed ones; 0: SASL_USUAL */
    const char *user;             /* NULL: each candidate's own; with a certificate whom that names */
};

enum proof_state {
    PROOF_UNTRIED,   /* refused as it is, or there was no need any more */
    PROOF_REACHED,   /* there, verified, and offers `mechanisms` */
    PROOF_SIGNED_IN, /* the same, and took the credential by `mechanism` */
    PROOF_FAILED,    /* see the evidence */
};

struct proof {
    enum proof_state state;
    bool unconfirmed;     /* would have been next to sign in at, and nobody agreed */
    unsigned mechanisms;  /* bits of smtp/sasl.h, as offered inside TLS */
    const char *mechanism; /* static; NULL: none was tried */
    struct evidence evidence; /* what the other candidates showed is in it, too */
    const char *found[3];     /* of the evidence */
};

struct proofs {
    size_t count;                      /* as many as candidates, in their order */
    struct proof at[CANDIDATES_MAX];
    const struct candidate *chosen;    /* signed in there; or, without a sign-in, the best that was
                                        * reached; NULL: none */
    const struct candidate *refused;   /* said that the credential is wrong; NULL: none */
};

void proofs_free(struct proofs *proofs);
OWNED(proofs);

struct prove_events {
    /* The result of a probe is there, for a display that moves. May be NULL. */
    void (*probed)(void *who, const struct candidate *candidate, const struct proof *proof);
    /* May a credential go there? Asked where the candidate needs_confirmation. NULL: no. */
    bool (*confirm)(void *who, const struct candidate *candidate);
    /* The password or token of plan.sign_in_with: a copy for the callee, or NULL and why; then nothing more
     * is tried. Asked before the line to the candidate is opened, so it may take a person's time.
     * Needed where `sign_in` is set, but for a certificate. */
    struct secret *(*credential)(void *who, const struct candidate *candidate, struct err *err);
    /* The proofs are the callee's. Called once, never from within prove_start(). */
    void (*done)(void *who, struct proofs *proofs);
};

MUST_USE bool prove_start(struct loop *loop, const struct prove_plan *plan,
                          const struct prove_events *events, void *who, struct prove **ret_prove,
                          struct err *err);
/* `done` is not called any more. NULL is nothing. */
void prove_cancel(struct prove *prove);

#endif
