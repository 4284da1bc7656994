/* Signing in by OAuth with a person watching, or a program: what `setup` and `account login` do.
 *
 * For people the page and the code are shown on stderr; with --json each step is an event on stdout, a line each:
 * {"event":"device_code","user_code","verification_uri","expires_at"}, {"event":"browser","url"}.
 */
#ifndef OUTPOST_CLI_SIGNING_H
#define OUTPOST_CLI_SIGNING_H

#include "account/oauth_signin.h"
#include "cli/cli.h"

/* The options that say how: for the tables of commands. */
#define SIGNING_OPTIONS                                                                                     \
    { 0, "flow", OPTION_VALUE, "FLOW", "how to sign in: browser, device or client-credentials" },           \
    { 0, "no-browser", OPTION_FLAG, NULL, "start no browser: show the address, take what it leads to" },    \
    { 0, "qr", OPTION_FLAG, NULL, "with a code to type: its page as a QR code, too" },                      \
    { 0, "redirect-uri", OPTION_VALUE, "URI", "where the provider sends the browser, as it was registered" }

struct signing {
    struct cli *cli;
    const struct account *account; /* filled and checked */
    unsigned purposes;             /* 1 << CREDENTIAL_SMTP ... */
};

struct signed_in {
    char address[320]; /* who it was, as the provider says; "" it does not */
    bool same_person, clock_wrong;
    unsigned purposes; /* what tokens came for */
};

/* Is it known how, before anything is asked? ERR_USAGE: a flow that is none, or not this provider's; or nobody is
 * there to sign in and no flow was named. */
MUST_USE bool signing_check(const struct signing *signing, enum oauth_flow *ret_flow, struct err *err);
/* Waits for the person. What came of it is kept under the account's name. */
MUST_USE bool signing_run(const struct signing *signing, struct signed_in *ret_signed_in, struct err *err);

/* The purposes that sending needs: SMTP, and the provider's HTTPS API where it has one; but for an account that is set to
 * go by one of them alone. */
unsigned signing_purposes(const struct account *account);

/* Was HTTPS asked for, and no token came for it? */
bool signing_lacks_https(const struct signing *signing, const struct signed_in *signed_in);

#endif
