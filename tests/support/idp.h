/* An OAuth server for tests, over TLS on the test's own loop: keeps one sign-in, rotates its refresh token or
 * does not, and misbehaves as it is told to. Everything is at https://id.test (detour to `port`):
 *
 *     /auth /token /device /revoke    /.well-known/openid-configuration
 */
#ifndef OUTPOST_TESTS_IDP_H
#define OUTPOST_TESTS_IDP_H

#include "account/credential.h"
#include "net/serve.h"
#include "support/identity.h"

#define IDP_ISSUER "https://id.test"

enum idp_rotation {
    IDP_KEEPS,      /* one refresh token for ever */
    IDP_ROTATES,    /* a new one each time; the one before still works (Microsoft's way) */
    IDP_STRICT,     /* a new one each time; who shows an old one has lost the sign-in (RFC 9700, 4.14) */
};

struct idp {
    struct loop *loop;
    struct serve *serve;
    struct identity identity;
    struct tls_context *tls;
    struct resolver *resolver;
    struct dial_detour detour;
    uint16_t port;

    /* how it behaves */
    enum idp_rotation rotation;
    uint64_t life;             /* seconds of an access token */
    unsigned status;           /* not 0: the token endpoint answers this, with `body` ... */
    const char *body;
    const char *header;        /* ... and this header line; NULL: none */
    bool silent;               /* requests for tokens are taken and not answered */
    const char *scope;         /* told in the answer; NULL: not told */
    const char *id_claims;     /* of the id_token, JSON; NULL: none is given */
    unsigned pending;          /* device: so many times "not yet" */
    bool slow;                 /* ... and then once "slow down" */
    const char *declined;      /* ... and then this error; NULL: a token */
    uint64_t interval;         /* seconds; told to a device */
    bool no_basic;             /* a secret comes in the form */

    /* how it is */
    unsigned tokens, refreshes, devices, revocations, metadata; /* requests so far */
    unsigned serial;           /* of the refresh token that is good: "R<serial>"; access: "A<serial>-<n>" */
    bool dead;                 /* the sign-in is over */
    char code[64], challenge[64], redirect[256]; /* of the browser that was sent here */
    struct buf seen;           /* the last form for a token */
    char authorization[256];   /* its header of that name, or "" */
    struct serve_request *kept; /* the one that is not answered */
};

void idp_start(struct idp *idp, struct loop *loop);
void idp_stop(struct idp *idp); /* then the loop may be freed */

/* What the browser does at `url`: agrees, and is sent to *ret_back. */
void idp_agree(struct idp *idp, const char *url, struct buf *ret_back);

/* A world for credentials, whose HTTPS ends here. */
struct credential_world idp_world(struct idp *idp, const struct secret_world *secrets, const struct clock *clock);

#endif
