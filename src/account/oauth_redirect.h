/* What the browser brings back: the query of a redirect (RFC 6749, 4.1.2), or the address as a person pasted
 * it. Pure: it comes from whoever can reach a port of this machine.
 */
#ifndef OUTPOST_ACCOUNT_OAUTH_REDIRECT_H
#define OUTPOST_ACCOUNT_OAUTH_REDIRECT_H

#include "account/oauth_request.h"

enum { OAUTH_REDIRECT_MAX = 8 * 1024 };

enum oauth_redirect {
    OAUTH_REDIRECT_FOREIGN, /* no answer to this attempt: refused, and the true one is waited for */
    OAUTH_REDIRECT_CODE,    /* the code to be redeemed */
    OAUTH_REDIRECT_REFUSED, /* the answer is no; or it is another issuer's than the one we asked */
};

/* `err` is told for the last. The state is compared in constant time; `iss` where it is given, and it must
 * be where the issuer says that it gives it (RFC 9207). */
enum oauth_redirect oauth_redirect_read(const struct oauth_way *way, const struct oauth_attempt *attempt,
                                        struct span query, struct secret **ret_code, struct err *err);

/* The query in what was pasted: a whole address, or what stands behind its '?'. Blanks and a fragment
 * aside. ERR_USAGE where there is none. */
MUST_USE bool oauth_redirect_pasted(struct span text, struct span *ret_query, struct err *err);

#endif
