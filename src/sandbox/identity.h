/* Who has agreed to what, and which texts stand for it: what an identity provider remembers. Pure: told the
 * time, handed random bytes. The room's own.
 *
 *     asked for (a page) --agree--> code --redeem--> right --issue--> access token, refresh token
 *     device --decide--> device code --redeem--> right
 *     refresh token --redeem--> right                       an application: right, with no person
 *
 * A right is what a grant type has proved; identity_issue() makes tokens of it. Whoever comes with a code
 * for the second time, or with a refresh token whose successor was made (unless old ones stay valid), ends
 * the whole consent (RFC 6749, 4.1.2; RFC 9700, 4.14.2).
 *
 * Room for so many of each; then the oldest make room. Texts longer than their room are refused.
 */
#ifndef OUTPOST_SANDBOX_IDENTITY_H
#define OUTPOST_SANDBOX_IDENTITY_H

#include <stdint.h>

#include "base/own.h"
#include "base/span.h"

enum {
    IDENTITY_ASKED_MAX = 64,
    IDENTITY_DEVICES_MAX = 64,
    IDENTITY_CONSENTS_MAX = 256,
    IDENTITY_REFRESHES_MAX = 512,
    IDENTITY_ACCESSES_MAX = 512,

    IDENTITY_NAME = 256,   /* a client's id, a redirect address, a nonce, with its NUL */
    IDENTITY_SCOPE = 1024,
    IDENTITY_STATE = 1024,
    IDENTITY_TEXT = 48,    /* of ours: two letters and 32 random bytes as base64url */
    IDENTITY_HASH = 32,
    IDENTITY_RANDOM = 64,
};

#define IDENTITY_NOBODY SIZE_MAX /* an application, which signs in by itself */

struct identity;

struct identity_rules {
    uint64_t code_life_ms, device_life_ms, device_interval_ms, access_life_ms;
    uint64_t refresh_life_ms; /* after its last use; 0: for ever */
    bool rotates, old_stays_valid;
};

struct identity_moment { /* one event: when, and bytes that nobody can guess, used for one thing only */
    uint64_t now;        /* milliseconds since 1970 */
    unsigned char random[IDENTITY_RANDOM];
};

MUST_USE struct identity *identity_new(const struct identity_rules *rules); /* NULL: no memory */
void identity_free(struct identity *identity);
OWNED(identity);

/* ---- a person at a page ---- */

struct identity_asked {
    char client[IDENTITY_NAME], redirect[IDENTITY_NAME], nonce[IDENTITY_NAME], challenge[IDENTITY_NAME];
    char scope[IDENTITY_SCOPE], state[IDENTITY_STATE];
    bool lasting; /* a refresh token is wanted */
};

/* Fills a field; false where it has no room. */
MUST_USE bool identity_put(char *into, size_t room, struct span text);

/* The text that stands for it in the page's form. */
const char *identity_ask(struct identity *identity, const struct identity_asked *asked,
                         const struct identity_moment *moment);
/* What was asked there; NULL: nothing, too long ago, or answered already. */
const struct identity_asked *identity_asked(const struct identity *identity, struct span text, uint64_t now);
/* The person agrees: the code for the redirect, or NULL. */
const char *identity_agree(struct identity *identity, struct span text, size_t user,
                           const struct identity_moment *moment);
void identity_decline(struct identity *identity, struct span text, uint64_t now);

/* ---- a person elsewhere, with a code to type ---- */

struct identity_device {
    char code[IDENTITY_TEXT], user_code[12]; /* "BCDF-GHJK" */
    char client[IDENTITY_NAME], scope[IDENTITY_SCOPE];
    uint64_t expires;
};

const struct identity_device *identity_device(struct identity *identity, struct span client,
                                              struct span scope, const struct identity_moment *moment);
/* By what the person typed: case, blanks and dashes aside. NULL: none waits under this code. */
const struct identity_device *identity_device_typed(const struct identity *identity, struct span user_code,
                                                    uint64_t now);
/* False: none waits under this code. */
bool identity_device_decide(struct identity *identity, struct span user_code, size_t user, bool yes,
                            uint64_t now);

/* What was agreed to for this client, one consent after another; *at begins at 0. NULL: that was all. */
const char *identity_agreed(const struct identity *identity, struct span client, size_t *at);

/* ---- redeeming ---- */

enum identity_answer {
    IDENTITY_YES,
    IDENTITY_UNKNOWN, /* no such text, another client's, or another redirect address's */
    IDENTITY_EXPIRED,
    IDENTITY_USED,    /* for the second time */
    IDENTITY_REVOKED, /* the consent has ended */
    IDENTITY_UNPROVEN, /* PKCE: the verifier does not fit */
    IDENTITY_UNAGREED, /* more than was agreed to */
    IDENTITY_PENDING,
    IDENTITY_TOO_SOON,
    IDENTITY_DECLINED,
};

struct identity_right {
    uint64_t consent; /* 0: an application's */
    size_t user;      /* or IDENTITY_NOBODY */
    char client[IDENTITY_NAME], scope[IDENTITY_SCOPE], nonce[IDENTITY_NAME];
    bool lasting;
    size_t refresh; /* the refresh token that was redeemed, plus 1; 0: none was */
};

/* `challenge` is made of the verifier that came; empty: none came. */
enum identity_answer identity_redeem_code(struct identity *identity, struct span code, struct span client,
                                          struct span redirect, struct span challenge, uint64_t now,
                                          struct identity_right *ret_right);
enum identity_answer identity_redeem_device(struct identity *identity, struct span code, struct span client,
                                            uint64_t now, struct identity_right *ret_right);
/* `scope` empty: as before. */
enum identity_answer identity_redeem_refresh(struct identity *identity, struct span text, struct span client,
                                             struct span scope, uint64_t now,
                                             struct identity_right *ret_right);
enum identity_answer identity_application(struct span client, struct span scope,
                                          struct identity_right *ret_right);

/* ---- tokens ---- */

struct identity_access {
    char id[IDENTITY_TEXT];
    unsigned char hash[IDENTITY_HASH]; /* of its text, which others make: see identity_seal() */
    uint64_t consent;
    size_t user;
    char client[IDENTITY_NAME], scope[IDENTITY_SCOPE];
    uint64_t made, expires;
};

struct identity_issued {
    struct identity_access *access;
    const char *refresh; /* NULL: no new one */
};

/* For a right just redeemed, with a part of its scope. */
void identity_issue(struct identity *identity, const struct identity_right *right, struct span scope,
                    const struct identity_moment *moment, struct identity_issued *ret_issued);
/* The access token's text has this hash. */
void identity_seal(struct identity_access *access, const unsigned char hash[IDENTITY_HASH]);

/* The token with this hash, expired or not; NULL: none, or its consent has ended. */
const struct identity_access *identity_access(const struct identity *identity,
                                              const unsigned char hash[IDENTITY_HASH]);

/* Ends a refresh token's consent; false: there is none such. */
bool identity_revoke_refresh(struct identity *identity, struct span text);
/* The access token alone. */
bool identity_revoke_access(struct identity *identity, const unsigned char hash[IDENTITY_HASH]);

#endif
