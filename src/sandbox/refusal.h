/* How a provider says no: at its OAuth endpoints (RFC 6749, 5.2) and at its HTTPS API, each in its own words.
 * Pure. The room's own.
 */
#ifndef OUTPOST_SANDBOX_REFUSAL_H
#define OUTPOST_SANDBOX_REFUSAL_H

#include "know/profile.h"
#include "sandbox/identity.h"
#include "sandbox/reply.h"

enum refusal {
    REFUSAL_REQUEST, /* something is missing, twice, or too long */
    REFUSAL_GRANT_TYPE,
    REFUSAL_RESPONSE_TYPE,
    REFUSAL_CLIENT,
    REFUSAL_SECRET,
    REFUSAL_ASSERTION,
    REFUSAL_REDIRECT,
    REFUSAL_TENANT,
    REFUSAL_TENANT_OF_MANY, /* an application needs one of its own */
    REFUSAL_PKCE,
    REFUSAL_SCOPE,
    REFUSAL_TWO_RESOURCES,
    REFUSAL_UNAGREED,
    REFUSAL_CODE,
    REFUSAL_CODE_USED,
    REFUSAL_SIGNED_OUT,
    REFUSAL_POLICY,
    REFUSAL_PENDING,
    REFUSAL_TOO_SOON,
    REFUSAL_DECLINED,
    REFUSAL_DEVICE_EXPIRED,
    REFUSAL_DEVICE_CODE,
    REFUSAL_BUSY,
    REFUSALS,
};

/* The error's word: RFC 6749's, or the profile's own. */
const char *refusal_word(const struct profile *profile, enum refusal refusal);
void refusal_words(const struct profile *profile, enum refusal refusal, struct buf *out);
/* The answer, whole. */
void refusal_reply(const struct profile *profile, enum refusal refusal,
                   const struct identity_moment *moment, struct reply *reply);

enum api_refusal {
    API_NO_TOKEN,
    API_BAD_TOKEN, /* unknown, expired, or for another server */
    API_PERMISSION,
    API_REQUEST,
    API_BASE64,
    API_TOO_LARGE,
    API_RECIPIENTS,
    API_SENDER,
    API_USER, /* another's mailbox */
    API_THROTTLED,
    API_DAILY,
    API_SUSPENDED,
    API_MAILBOX,
    API_DISK,
    API_REFUSALS,
};

void api_refusal_reply(const struct profile *profile, enum api_refusal refusal,
                       const struct identity_moment *moment, struct reply *reply);

#endif
