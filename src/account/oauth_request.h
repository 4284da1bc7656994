/* What is said to an OAuth server: the address that a person's browser opens, and the forms for its token,
 * device and revocation endpoints (RFC 6749, 7009, 7523, 7636, 8628). Pure: random bytes and time come in,
 * text goes out. All of it holds secrets and is wiped with its buffer.
 */
#ifndef OUTPOST_ACCOUNT_OAUTH_REQUEST_H
#define OUTPOST_ACCOUNT_OAUTH_REQUEST_H

#include "account/oauth_way.h"
#include "base/secret.h"

enum {
    OAUTH_REQUEST_MAX = 96 * 1024, /* a form; a token in it may have 16 KB, and three bytes for one */
    OAUTH_URL_MAX = 4096,          /* the browser's address */
    OAUTH_RANDOM_LEN = 16 + 16 + 32,
};

/* ---- one try to sign in with a browser ---- */

/* What ties the answer to the question: made once, used once. */
struct oauth_attempt {
    char state[23], nonce[23]; /* 128 bits each, as base64url */
    char verifier[44], challenge[44]; /* of PKCE (RFC 7636, 4.1: 256 bits, the shortest there is) */
    char redirect[256];        /* where the browser is sent back to */
};

/* `redirect` is the address as the provider wants it. */
MUST_USE bool oauth_attempt_make(const unsigned char random[OAUTH_RANDOM_LEN], struct span redirect,
                                 struct oauth_attempt *ret_attempt, struct err *err);
void oauth_attempt_done(struct oauth_attempt *attempt); /* wipes */

/* Adds the address to open. `scope` is all that is asked for, identity and all; `hint` an address or NULL. */
MUST_USE bool oauth_request_browser(const struct oauth_way *way, const struct oauth_attempt *attempt,
                                    const char *scope, const char *hint, struct buf *out, struct err *err);

/* Adds what is asked of a person for these purposes (bits: 1 << CREDENTIAL_SMTP ...): scopes, each once,
 * identity first. Where the provider takes one resource in a request, only the first purpose's, unless
 * `together` says that it is only to be agreed to. */
MUST_USE bool oauth_request_scope(const struct oauth_way *way, unsigned purposes, bool together,
                                  struct buf *out, struct err *err);

/* ---- forms ---- */

/* How the application proves itself, besides its id. */
struct oauth_proof {
    const struct secret *secret;    /* its client secret, or NULL */
    const struct secret *assertion; /* a signed token (RFC 7523), or NULL */
};

struct oauth_form {
    struct buf body;
    struct buf authorization; /* "Authorization: Basic ..."; empty: no such header */
};
#define OAUTH_FORM { .body = BUF(OAUTH_REQUEST_MAX), .authorization = BUF(OAUTH_REQUEST_MAX) }
void oauth_form_done(struct oauth_form *form);

MUST_USE bool oauth_request_code(const struct oauth_way *way, const struct oauth_proof *proof,
                                 const struct oauth_attempt *attempt, const struct secret *code,
                                 const char *scope, struct oauth_form *form, struct err *err);
/* A new access token for one purpose. */
MUST_USE bool oauth_request_refresh(const struct oauth_way *way, const struct oauth_proof *proof,
                                    const struct secret *refresh, const char *scope,
                                    struct oauth_form *form, struct err *err);
/* To the device endpoint: a code for a person to type elsewhere; then, again and again, the token. */
MUST_USE bool oauth_request_device(const struct oauth_way *way, const struct oauth_proof *proof,
                                   const char *scope, struct oauth_form *form, struct err *err);
MUST_USE bool oauth_request_device_token(const struct oauth_way *way, const struct oauth_proof *proof,
                                         const struct secret *device_code, struct oauth_form *form,
                                         struct err *err);
MUST_USE bool oauth_request_application(const struct oauth_way *way, const struct oauth_proof *proof,
                                        const char *scope, struct oauth_form *form, struct err *err);
MUST_USE bool oauth_request_revoke(const struct oauth_way *way, const struct oauth_proof *proof,
                                   const struct secret *refresh, struct oauth_form *form, struct err *err);

/* ---- the signed token that a certificate makes ---- */

enum { OAUTH_ASSERTION_RANDOM_LEN = 16, OAUTH_ASSERTION_LIFE_MS = 5 * 60 * 1000 };

struct oauth_assertion {
    const struct crypto_key *key;
    const struct crypto_certificate *certificate; /* named in it by its thumbprint; NULL: not */
    enum crypto_signature rsa;                    /* which of the two, for an RSA key */
    const char *client_id, *audience;             /* the token endpoint */
    uint64_t wall;                                /* ms: good from then for five minutes */
    unsigned char random[OAUTH_ASSERTION_RANDOM_LEN];
};

MUST_USE bool oauth_assertion_make(const struct oauth_assertion *plan, struct secret **ret_assertion,
                                   struct err *err);

#endif
