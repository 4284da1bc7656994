/* A password or a token is one line. A command that prints more - a warning, an answer in JSON, what else a password
 * manager keeps - would have all of it sent as the password, and refused: so it is told here what came, and from where.
 */
#ifndef OUTPOST_ACCOUNT_ONE_LINE_H
#define OUTPOST_ACCOUNT_ONE_LINE_H

#include "account/account.h"
#include "base/secret.h"

/* Is that the account's `secret`, and nothing besides? ERR_SIGNIN secret:no-token, or secret:unreadable of a password; the
 * text counts, and quotes nothing of it. */
MUST_USE bool one_line(const struct account *account, const struct secret *secret, struct err *err);

#endif
