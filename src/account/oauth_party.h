/* The two sides of a question to an OAuth server, made ready: where it is asked (the way, with what the issuer
 * publishes where no profile knows it), and what the application proves itself with (its secret, or a token
 * that its certificate has just signed).
 */
#ifndef OUTPOST_ACCOUNT_OAUTH_PARTY_H
#define OUTPOST_ACCOUNT_OAUTH_PARTY_H

#include "account/credential.h"
#include "account/grant.h"
#include "account/oauth_request.h"

struct oauth_party;

/* `why` is NULL where it is ready. Facts: oauth:client-id-missing, oauth:no-metadata, oauth:other-issuer,
 * https:unreachable, secret:unreadable, secret:locked, clock:wrong. */
typedef void oauth_party_ready(void *who, const struct err *why);

/* With a grant, that one's endpoints are taken and nothing is asked of the issuer; it is borrowed for the
 * call alone. `done` is called once, never from within this; the party is the caller's to free, then or
 * before. */
MUST_USE bool oauth_party_new(const struct credential_world *world, const struct account *account,
                              const struct grant *grant_or_null, uint64_t deadline,
                              oauth_party_ready *done, void *who, struct oauth_party **ret_party,
                              struct err *err);
void oauth_party_free(struct oauth_party *party);
OWNED(oauth_party);

/* Of one that is ready. */
const struct oauth_way *oauth_party_way(const struct oauth_party *party);
struct oauth_proof oauth_party_proof(const struct oauth_party *party);
/* Stars out what the application proves itself with, should the server have said it back. NULL is nothing. */
void oauth_party_hide(const struct oauth_party *party, struct err *err);
uint64_t oauth_party_proof_expires(const struct oauth_party *party); /* of the certificate, ms; 0: none */

#endif
