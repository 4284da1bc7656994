/* The flows of account/oauth_signin.h: one file each. Each ends in oauth_signin_given() with tokens for the
 * first purpose, or in oauth_signin_fail().
 */
#ifndef OUTPOST_ACCOUNT_OAUTH_SIGNIN_INT_H
#define OUTPOST_ACCOUNT_OAUTH_SIGNIN_INT_H

#include "account/oauth_call.h"
#include "account/oauth_party.h"
#include "account/oauth_redirect.h"
#include "account/oauth_signin.h"
#include "os/lock.h"

struct child;
struct json_value;
struct serve;
struct timer;

enum { SIGNIN_MAGIC = 0x7369676e };

/* Where the browser is sent back to: http://HOST[:PORT]/PATH of this machine. */
struct oauth_landing {
    char host[64];   /* as the Host header names it, with the port beside it: "localhost", "127.0.0.1" */
    char path[192];
    uint16_t port;   /* 0: any that is free */
};

struct oauth_signin {
    uint32_t magic;
    struct oauth_signin_plan plan;
    struct oauth_signin_events events;
    void *who;
    unsigned purposes;                /* bits; what is still to be had */
    enum credential_purpose first;
    struct oauth_party *party;
    struct oauth_call *call;          /* one of these is under way */
    struct timer *timer;              /* the flow's own */
    void (*rang)(struct oauth_signin *signin);

    /* browser */
    struct oauth_attempt attempt;
    struct oauth_landing landing;
    struct secret *code;              /* what it brought back */
    struct serve *serve;              /* NULL: nothing is listened for */
    struct child *child;              /* starts the browser */
    bool waiting;                     /* the answer may come, here or pasted */
    bool alone;                       /* only the first purpose is asked for: the provider would not have more */
    struct buf url;
    uint64_t gives_up;                /* loop_now(), for the pasted answer */

    /* device */
    struct oauth_device device;
    uint64_t interval_ms, ends;       /* loop_now() */

    /* the end */
    struct grant *grant;
    struct lock lock;
    struct credential_fetch *more;    /* a token for another purpose */
    enum credential_purpose asking;   /* which */
    unsigned had;                     /* bits: what tokens came for */
    const char *nonce;                /* of the attempt; NULL: none was sent */
    bool clock_wrong;
    struct err why;
};

/* Begin, once the party is ready. False: fail() is not called, the caller does. */
MUST_USE bool oauth_browser_begin(struct oauth_signin *signin, struct err *err);
MUST_USE bool oauth_device_begin(struct oauth_signin *signin, struct err *err);
MUST_USE bool oauth_application_begin(struct oauth_signin *signin, struct err *err);
/* Whatever of it is under way: listening, a browser being started. */
void oauth_browser_end(struct oauth_signin *signin);

/* The form goes to the token endpoint; `done` gets the signin as `who`. `once`: it shows what is good once. */
MUST_USE bool oauth_signin_ask(struct oauth_signin *signin, struct oauth_form *form, bool once,
                               oauth_called *done, struct err *err);
/* What a token endpoint answered in the end: tokens, or why not. */
void oauth_signin_answered(struct oauth_signin *signin, const struct oauth_reply *reply, const struct err *why);
void oauth_signin_given(struct oauth_signin *signin, struct oauth_tokens *tokens);
/* Tells, and frees. */
void oauth_signin_fail(struct oauth_signin *signin, struct err *why);
/* The same, at the loop's next turn. */
void oauth_signin_fail_soon(struct oauth_signin *signin, const struct err *why);

uint64_t oauth_signin_now(const struct oauth_signin *signin); /* loop_now() */
/* Calls `rang` then; a later call takes the place of this one. */
void oauth_signin_wake(struct oauth_signin *signin, uint64_t when, void (*rang)(struct oauth_signin *signin));

/* ---- pure ---- */

/* "http://localhost:8080/x" -> where to listen. `{port}` stands for any port. False: nothing of this machine's,
 * or no http; such an answer can only be pasted. */
MUST_USE bool oauth_landing_of(struct span redirect, struct oauth_landing *ret_landing);
/* The addresses of the claims, as users to try, into the grant. False: no memory. */
MUST_USE bool oauth_claims_users(const struct oauth_way *way, const struct json_value *claims, struct grant *grant);

#endif
