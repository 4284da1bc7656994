/* Who signed in: the claims of an id_token (RFC 7519, 7.2). Its signature is not looked at, for it came
 * from the token endpoint over verified TLS (OpenID Connect Core, 3.1.3.7, 6). Pure: foreign bytes.
 */
#ifndef OUTPOST_ACCOUNT_OAUTH_CLAIMS_H
#define OUTPOST_ACCOUNT_OAUTH_CLAIMS_H

#include "account/oauth_way.h"
#include "base/json_read.h"
#include "base/secret.h"

enum { OAUTH_CLAIMS_MAX = 12 * 1024, OAUTH_CLOCK_SKEW_MS = 10 * 60 * 1000 };

/* The claims, as JSON. ERR_PROTOCOL oauth:malformed where it is no such token. */
MUST_USE bool oauth_claims_read(const struct secret *id_token, struct json_tree **ret_claims, struct err *err);

/* Are they for us? `nonce` of the attempt, or NULL where none was sent; `wall` in milliseconds. ERR_SIGNIN
 * oauth:other-issuer: another issuer's, application's or question's. ERR_SIGNIN clock:wrong: made more than
 * ten minutes from now, or expired as it came: by this machine's clock - whoever asked over verified TLS
 * may go on. */
MUST_USE bool oauth_claims_check(const struct oauth_way *way, const struct json_value *claims,
                                 const char *nonce_or_null, uint64_t wall, struct err *err);

/* Is the address the user's? A user name without a domain is its local part. */
bool oauth_is_address_of(struct span address, const char *user);

/* The address of whom they name: the user's, where one of them is that; else the surest; empty: they name nobody by an
 * address. Borrowed. */
struct span oauth_claims_address(const struct json_value *claims, const char *user);

#endif
