/* Signing in by OAuth: a person agrees in a browser, here or on another device, or the application proves
 * itself; what comes of it is kept as the account's grant (account/grant.h) before `done` is told.
 *
 *     struct oauth_signin_plan plan = { .world = &world, .account = account, .flow = OAUTH_FLOW_BROWSER,
 *                                       .purposes = 1 << CREDENTIAL_SMTP, .open_browser = true };
 *     if (!oauth_signin_start(&plan, &events, me, &signin, err))
 *         return false;
 *     ... loop_run_until(loop, &me->done);
 *
 * Each event is told from the loop, never from within oauth_signin_start(). Foreign text in them (a user code,
 * a page) is as it came: escape it when it is shown. The code and the state are in none of them but the
 * browser's address.
 */
#ifndef OUTPOST_ACCOUNT_OAUTH_SIGNIN_H
#define OUTPOST_ACCOUNT_OAUTH_SIGNIN_H

#include "account/credential.h"
#include "account/grant.h"

enum oauth_flow {
    OAUTH_FLOW_BROWSER,     /* authorization code, PKCE, back to a port of this machine (RFC 8252) */
    OAUTH_FLOW_DEVICE,      /* a code to type on another device (RFC 8628) */
    OAUTH_FLOW_APPLICATION, /* client credentials: nobody is asked */
};
const char *oauth_flow_word(enum oauth_flow flow); /* "browser", "device", "client-credentials" */
MUST_USE bool oauth_flow_from_word(struct span word, enum oauth_flow *ret_flow);

/* Which flows this account's provider has, as bits (1 << OAUTH_FLOW_BROWSER ...), as far as its profile
 * tells; 0 where it has no OAuth. */
unsigned oauth_flows(const struct account *account);

enum {
    OAUTH_BROWSER_PATIENCE_MS = 5 * 60 * 1000, /* how long the port is open */
    OAUTH_PASTE_PATIENCE_MS = 10 * 60 * 1000,  /* how long a pasted address is taken */
};

struct oauth_signin_plan { /* borrowed until `done` was told or the sign-in was cancelled */
    const struct credential_world *world;
    const struct account *account; /* filled and checked */
    enum oauth_flow flow;
    unsigned purposes;        /* 1 << CREDENTIAL_SMTP, ...: what is to be agreed to; 0: SMTP */
    bool open_browser;        /* with $BROWSER or xdg-open; else the address is only told */
    const char *redirect_uri; /* instead of the provider's: a registration with one of its own. Where it is
                                 no http:// address of this machine, the answer can only be pasted. NULL: none */
    uint64_t deadline;        /* the loop's; UINT64_MAX: as long as the flow's own patience */
};

struct oauth_signin_browser {
    const char *url;
    bool opened;    /* a browser was started with it */
    bool listening; /* the browser's answer is waited for here; else it must be pasted */
};

struct oauth_signin_device {
    const char *user_code, *page;
    const char *page_complete; /* with the code in it, for a QR code; NULL: none */
    uint64_t expires_at;       /* by the wall clock, ms */
};

struct oauth_signed_in {
    const struct grant *grant; /* what was kept; good until `done` returns */
    const char *address;       /* who signed in, by the id_token; NULL: it does not say */
    bool same_person;          /* is that the account's address or user name? true where it does not say */
    bool clock_wrong;          /* this machine's clock is more than ten minutes off */
    unsigned purposes;         /* what tokens came for, of those asked for */
};

struct oauth_signin_events { /* none may be NULL */
    void (*browser)(void *who, const struct oauth_signin_browser *browser);
    void (*device)(void *who, const struct oauth_signin_device *device);
    /* Once; `why` is NULL or `result` is. Facts: oauth:..., https:unreachable, disk:full ... */
    void (*done)(void *who, const struct oauth_signed_in *result, const struct err *why);
};

struct oauth_signin;

MUST_USE bool oauth_signin_start(const struct oauth_signin_plan *plan,
                                 const struct oauth_signin_events *events, void *who,
                                 struct oauth_signin **ret_signin, struct err *err);

/* The address that the browser ended at, pasted by a person: taken while a browser's answer is waited for,
 * whether or not one is listened for. False: it is not the answer to this sign-in; it may be tried again.
 * `done` is not told from within. */
MUST_USE bool oauth_signin_pasted(struct oauth_signin *signin, struct span text, struct err *err);

/* Nothing is told any more, nothing is kept. NULL is nothing. */
void oauth_signin_cancel(struct oauth_signin *signin);

/* ---- and out again ---- */

struct oauth_signout;

/* Forgets the account's grant, and tells the provider so where it has a way for it (RFC 7009). `done` is
 * told once, never from within this: `told` says whether the provider was told and agreed; the grant is
 * forgotten in any case, but for `err`: then it could not be taken away. */
typedef void oauth_signed_out(void *who, bool told, const struct err *err);
MUST_USE bool oauth_signout_start(const struct credential_world *world, const struct account *account,
                                  uint64_t deadline, oauth_signed_out *done, void *who,
                                  struct oauth_signout **ret_signout, struct err *err);
void oauth_signout_cancel(struct oauth_signout *signout);

#endif
