/* The way out of an account that has just signed in, opened and closed again: a server that took the sign-in is the
 * proof.
 */
#ifndef OUTPOST_CLI_OPENING_H
#define OUTPOST_CLI_OPENING_H

#include "cli/signing.h"
#include "know/evidence.h"

/* *ret_way is "smtp", "graph" or "gmail". Where SMTP is shut for the mailbox, and a provider that has people agree to one
 * thing at a time was not asked for HTTPS yet, the person is asked once more. */
MUST_USE bool opening_prove(const struct signing *signing, struct signed_in *signed_in, const char **ret_way,
                            struct evidence *ret_failure);

#endif
