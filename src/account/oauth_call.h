/* One question to an OAuth server and its answer, over HTTPS (net/fetch.h): to its own host alone, and to
 * one address of the public net or not, as the account's owner configured it.
 */
#ifndef OUTPOST_ACCOUNT_OAUTH_CALL_H
#define OUTPOST_ACCOUNT_OAUTH_CALL_H

#include "account/credential.h"
#include "account/oauth_answer.h"
#include "account/oauth_request.h"

struct oauth_call;

enum { OAUTH_CALL_PATIENCE_MS = 30 * 1000, OAUTH_RETRY_AFTER_MOST_MS = 60 * 60 * 1000 };

/* A reply of any status, good until this returns; or NULL and why. What the line did wrong is ERR_LATER
 * with https:unreachable - nothing is known of the sign-in then -, or ERR_UNKNOWN with the same fact where the
 * question left once and may have been obeyed; but for a certificate (cert:...), which somebody has to
 * look at. `retry_after_ms`: 0 where the server names no time. */
typedef void oauth_called(void *who, const struct oauth_reply *reply, uint64_t retry_after_ms,
                          const struct err *err);

/* The form's content is taken. `once`: it is not asked again by itself (net/fetch.h), for it changes what is
 * good over there. `done` is called once, never from within this. */
MUST_USE bool oauth_call_post(const struct credential_world *world, const struct account *account,
                              const char *url, struct oauth_form *form, bool once, uint64_t deadline,
                              oauth_called *done, void *who, struct oauth_call **ret_call, struct err *err);
MUST_USE bool oauth_call_get(const struct credential_world *world, const struct account *account,
                             const char *url, uint64_t deadline, oauth_called *done, void *who,
                             struct oauth_call **ret_call, struct err *err);
void oauth_call_cancel(struct oauth_call *call); /* `done` is not called; NULL is nothing */

/* "120", "2.128": milliseconds, at most OAUTH_RETRY_AFTER_MOST_MS; 0: it is no number of seconds. Pure. */
uint64_t oauth_retry_after(struct span value);

#endif
