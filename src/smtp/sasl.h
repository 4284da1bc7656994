/* Signing in (RFC 4422), both sides, with no line in sight: bytes in, bytes out. Base64, the 334
 * and the "*" that cancels are the caller's (RFC 4954).
 *
 * GNU SASL does what takes cryptography: SCRAM and CRAM-MD5, behind a door (sasl_engine.h). The rest
 * are a few bytes in a row, and are made here, where each of them is wiped. One impurity below the
 * line, written down: GNU SASL draws the nonces of SCRAM and CRAM-MD5 itself.
 *
 * A machine is asked what it needs, given it, and asked again:
 *
 *     client                                    server
 *     SASL_NEED_CREDENTIAL  a password, a token
 *     SASL_NEED_KEY         SCRAM's salted      the password or the key of this user
 *                           password
 *     SASL_NEED_SEND        sasl_..._output() goes to the peer; then sasl_..._sent()
 *     SASL_NEED_PEER        sasl_..._input(): what the peer says next
 *     SASL_NEED_VERDICT                         are these user and password, or token, right?
 *     SASL_DONE             only the peer's     the user is who they say
 *                           final word is open
 *     SASL_FAILED           sasl_..._error()    sasl_..._error()
 *
 * Calling what isn't needed does nothing, but for the input of bytes, which is then a failure:
 * the peer spoke out of turn.
 */
#ifndef OUTPOST_SMTP_SASL_H
#define OUTPOST_SMTP_SASL_H

#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

/* The mechanisms, best first: the order in which one is chosen. */
#define SASL_MECHANISMS(X)                              \
    X(XOAUTH2,            "XOAUTH2")                    \
    X(OAUTHBEARER,        "OAUTHBEARER")                \
    X(EXTERNAL,           "EXTERNAL")                   \
    X(SCRAM_SHA_256_PLUS, "SCRAM-SHA-256-PLUS")         \
    X(SCRAM_SHA_1_PLUS,   "SCRAM-SHA-1-PLUS")           \
    X(SCRAM_SHA_256,      "SCRAM-SHA-256")              \
    X(SCRAM_SHA_1,        "SCRAM-SHA-1")                \
    X(PLAIN,              "PLAIN")                      \
    X(LOGIN,              "LOGIN")                      \
    X(CRAM_MD5,           "CRAM-MD5")

enum sasl_mechanism {
#define X(id, name) SASL_##id,
    SASL_MECHANISMS(X)
#undef X
    SASL_MECHANISM_COUNT
};

/* Several mechanisms: bits of a word. */
#define SASL_BIT(mechanism) (1u << (mechanism))
#define SASL_ALL            (SASL_BIT(SASL_MECHANISM_COUNT) - 1)
/* What is used where nobody named any: CRAM-MD5 only when it is named. */
#define SASL_USUAL (SASL_ALL & ~SASL_BIT(SASL_CRAM_MD5))

const char *sasl_name(enum sasl_mechanism mechanism); /* "SCRAM-SHA-256" */
MUST_USE bool sasl_from_name(struct span name, enum sasl_mechanism *ret_mechanism); /* any case */
unsigned sasl_from_list(struct span words); /* of "PLAIN LOGIN NTLM", less unknown ones */
/* "XOAUTH2, PLAIN": for a message to a person. */
void sasl_list(struct buf *out, unsigned mechanisms);

/* What a sign-in is made with decides what it can do: a token never falls back to a password
 * mechanism, nor the reverse. */
enum sasl_credential { SASL_PASSWORD, SASL_TOKEN, SASL_CERTIFICATE };
unsigned sasl_for_credential(enum sasl_credential credential);

/* The best of what the server offers, what is allowed, and what the credential can do; -PLUS only
 * with a channel binding. False with the fact auth:not-offered (the server offers nothing) or
 * auth:no-common-mechanism. */
MUST_USE bool sasl_choose(unsigned offered, unsigned allowed, enum sasl_credential credential,
                          bool channel_bound, enum sasl_mechanism *ret_mechanism, struct err *err);

/* Does the client speak first? Then its first output may ride on the AUTH line. */
bool sasl_client_first(enum sasl_mechanism mechanism);

/* Limits on what a peer may send in one step, decoded, and on how many steps there are. Base64 of
 * the longest still fits a line of 12,288 octets (RFC 4954, 4). */
enum { SASL_STEP_MAX = 9216, SASL_ROUNDS_MAX = 5 };

enum sasl_need {
    SASL_NEED_CREDENTIAL,
    SASL_NEED_KEY,
    SASL_NEED_SEND,
    SASL_NEED_PEER,
    SASL_NEED_VERDICT,
    SASL_DONE,
    SASL_FAILED,
};

/* SCRAM's salted password: what a cache keeps and a worker computes, as it may take a second. */
enum sasl_hash { SASL_SHA_1, SASL_SHA_256 };
enum {
    SASL_KEY_MAX = 32,
    SASL_SALT_MAX = 1024,
    SASL_ITERATIONS_MIN = 4096,
    SASL_ITERATIONS_MAX = 1000000,
};

size_t sasl_key_len(enum sasl_hash hash); /* 20, 32 */

struct sasl_salting {
    enum sasl_hash hash;
    uint32_t iterations;
    struct span salt; /* the salt itself, not base64 */
};

/* Computes it: Hi() of RFC 5802 with the password prepared by RFC 4013. Pure, slow, and good on any
 * thread. NULL: no memory, or a password that can't be prepared. */
MUST_USE struct secret *sasl_salt(const struct sasl_salting *how, struct span password);

/* -- the client -- */

struct sasl_client;

struct sasl_client_plan {
    enum sasl_mechanism mechanism;
    struct span username;        /* copied; empty for EXTERNAL alone: who the certificate says */
    struct span host;            /* OAUTHBEARER tells them to the server; may be empty */
    uint16_t port;
    struct span channel_binding; /* -PLUS: the bytes of tls-exporter (RFC 9266); copied */
};

/* Refuses (ERR_DATA) a user name that the mechanism can't carry. */
MUST_USE bool sasl_client_new(const struct sasl_client_plan *plan, struct sasl_client **ret_client,
                              struct err *err);
void sasl_client_free(struct sasl_client *client);
OWNED(sasl_client);

enum sasl_need sasl_client_need(const struct sasl_client *client);

/* A password or an access token; copied into what is sent and not kept. An empty one fails with the
 * fact auth:empty-password. In SASL_NEED_KEY too: then it is salted here and now. */
void sasl_client_credential(struct sasl_client *client, const struct secret *credential);

/* In SASL_NEED_KEY: what is to be computed (the salt is good until the next call)... */
struct sasl_salting sasl_client_salting(const struct sasl_client *client);
/* ...and the result, of sasl_key_len() bytes. */
void sasl_client_key(struct sasl_client *client, const struct secret *key);

struct span sasl_client_output(const struct sasl_client *client); /* may well be empty */
void sasl_client_sent(struct sasl_client *client);
void sasl_client_input(struct sasl_client *client, struct span challenge);

/* The server said 235. False (fact auth:server-signature) where the mechanism proves the server
 * to us and it has not: then this is not our server. */
MUST_USE bool sasl_client_accepted(const struct sasl_client *client, struct err *err);

const struct err *sasl_client_error(const struct sasl_client *client); /* of SASL_FAILED */

/* What a server that refused a token said in its challenge (RFC 7628, 3.2.2); the refusal itself is
 * the reply that follows. Empty when it said nothing. Foreign text. */
struct sasl_bearer_error {
    struct span status, scope, schemes;
};
struct sasl_bearer_error sasl_client_bearer_error(const struct sasl_client *client);

/* -- the server -- */

struct sasl_server;

/* What can be served: all but EXTERNAL, whose proof lies in the TLS handshake. */
#define SASL_SERVED (SASL_ALL & ~SASL_BIT(SASL_EXTERNAL))

struct sasl_server_plan {
    enum sasl_mechanism mechanism;
    struct span channel_binding; /* -PLUS, as above; copied */
    bool error_challenge;        /* tell of a refused token in a challenge (RFC 7628, 3.2.2) */
};

MUST_USE bool sasl_server_new(const struct sasl_server_plan *plan, struct sasl_server **ret_server,
                              struct err *err);
void sasl_server_free(struct sasl_server *server);
OWNED(sasl_server);

enum sasl_need sasl_server_need(const struct sasl_server *server);

/* The client's first response, when the AUTH line brought one (LOGIN takes one for the user
 * name, while it needs to send), or the next. */
void sasl_server_input(struct sasl_server *server, struct span response);
struct span sasl_server_output(const struct sasl_server *server); /* a challenge; may be empty */
void sasl_server_sent(struct sasl_server *server);

/* Who signs in, as they say; from SASL_NEED_VERDICT or SASL_NEED_KEY on. Foreign text, UTF-8. */
struct span sasl_server_user(const struct sasl_server *server);
/* In SASL_NEED_VERDICT: the password or the token, as its mechanism says. */
struct span sasl_server_proof(const struct sasl_server *server);
/* Right or wrong? After a wrong token the error challenge may come before SASL_FAILED. */
void sasl_server_verdict(struct sasl_server *server, bool right);

/* In SASL_NEED_KEY: the user's password. NULL: there is no such user; the exchange then takes the
 * same course and fails at its end. */
void sasl_server_password(struct sasl_server *server, const struct secret *password);

/* Or, for SCRAM, what is stored in the password's place (RFC 5802, 3). Raw bytes. */
struct sasl_stored_key {
    uint32_t iterations;
    struct span salt, stored_key, server_key;
};
void sasl_server_stored_key(struct sasl_server *server, const struct sasl_stored_key *key);

const struct err *sasl_server_error(const struct sasl_server *server); /* of SASL_FAILED */

#endif
