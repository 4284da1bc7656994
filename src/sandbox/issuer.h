/* The provider's web side, as far as it is words: which address is asked for, and what is answered. Pure: a
 * request comes in as plain data, with the moment; a reply goes out. The room's own.
 *
 * Addresses are the profile's, whatever host or path it has them at, with any tenant it knows; each is also
 * answered at localhost, for programs that don't follow the detours, and then every address that is told is
 * localhost's, too. Besides there are the sandbox's own:
 *
 *     GET  /sandbox              what the command tells when it is ready
 *     POST /sandbox/approve      user_code, user (the first), choice (allow or deny): a device code
 *     POST /sandbox/scenario     name, on (yes or no)
 *     POST /sandbox/clock        advance: seconds that are over at once
 *     POST /sandbox/introspect   token (RFC 7662): so that other servers can check what is issued here
 *     GET  /sandbox/keys         the keys that sign (RFC 7517)
 *     GET, POST /device          the page where a person types a device's code
 */
#ifndef OUTPOST_SANDBOX_ISSUER_H
#define OUTPOST_SANDBOX_ISSUER_H

#include "base/crypto.h"
#include "base/json.h"
#include "net/serve.h"
#include "sandbox/identity.h"
#include "sandbox/refusal.h"
#include "sandbox/sandbox.h"
#include "sandbox/scenario.h"

enum { ISSUER_NAME_MAX = 300, ISSUER_ROUTES_MAX = 24, ISSUER_HOSTS_MAX = 12 };

struct issuer;

/* A request that found its place. */
struct visit {
    const struct serve_request *request;
    const struct identity_moment *moment;
    struct span tenant; /* of the path; or the profile's own, or none */
    bool local;         /* asked of localhost */
};

/* An address of the profile's: https://HOST FRONT [tenant BACK]. */
struct route {
    struct span host, front, back;
    bool has_tenant;
    unsigned methods; /* bits of 1 << SERVE_GET ... */
    void (*answer)(struct issuer *issuer, const struct visit *visit, struct reply *reply);
};

struct issuer {
    const struct profile *profile;
    const struct sandbox_user *users;
    size_t user_count;
    struct identity *identity;
    uint64_t access_life_ms, device_interval_ms;
    unsigned scenarios; /* bits */
    const struct crypto_key *key; /* signs; P-256 */
    uint16_t port;                /* of https://localhost:PORT */
    uint64_t ahead_ms;            /* how far its clock was moved */
    struct span about;            /* for GET /sandbox */
    struct route routes[ISSUER_ROUTES_MAX];
    size_t route_count;
};

/* Fills in rules and routes; users, key, port and scenarios are there. False: no memory. */
MUST_USE bool issuer_begin(struct issuer *issuer);
void issuer_done(struct issuer *issuer);

/* The hosts that its addresses have, each once. Spans of the profile's text. */
size_t issuer_hosts(const struct profile *profile, struct span ret_hosts[ISSUER_HOSTS_MAX]);

/* Adds an address of the profile's as it is at localhost, with the tenant that it has by default. */
void issuer_add_local_url(const struct issuer *issuer, const char *url, struct buf *out);
/* Adds "web", "oauth", "api" as sandbox_tell() has them. */
void issuer_tell(const struct issuer *issuer, struct json *json);

/* 404, 405 and 421 included. */
void issuer_answer(struct issuer *issuer, const struct serve_request *request,
                   const struct identity_moment *moment, struct reply *reply);
/* Which Hosts are ours: 421 else. For other endpoints behind the same port. */
bool issuer_knows_host(const struct issuer *issuer, const struct serve_request *request, bool *ret_local);

/* ---- users and tokens: what SMTP and the HTTPS API ask ---- */

/* The name by which the user's account goes, which may not be the mailbox's. */
void issuer_name(const struct issuer *issuer, size_t user, struct buf *out);
/* Whose name is it, the account's or the mailbox's? IDENTITY_NOBODY: nobody's. */
size_t issuer_find_user(const struct issuer *issuer, struct span name);

enum token_verdict { TOKEN_GOOD, TOKEN_UNKNOWN, TOKEN_EXPIRED, TOKEN_ENDS_SOON, TOKEN_POWERLESS };

/* Is it good for this power (scope.h)? Whose it is: IDENTITY_NOBODY for an application's, which may be
 * anybody. A user's fixed token is good for all. */
enum token_verdict issuer_check_token(const struct issuer *issuer, struct span token, unsigned power,
                                      uint64_t now, size_t *ret_user);

#endif
