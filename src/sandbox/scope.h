/* What a token may be used for, by the words of its scope as this provider uses them. Pure. The room's
 * own.
 */
#ifndef OUTPOST_SANDBOX_SCOPE_H
#define OUTPOST_SANDBOX_SCOPE_H

#include "know/profile.h"

enum scope_power { SCOPE_SMTP = 1, SCOPE_HTTPS = 2 }; /* bits: to send by SMTP, by the HTTPS API */

unsigned scope_powers(const struct profile *profile, struct span scope);

bool scope_has(struct span scope, const char *word);
/* Is every word of `asked` one of `agreed`? Those that only tell who it is aside. */
bool scope_is_within(struct span asked, struct span agreed);
/* Do its words belong to one server? Words that are no URL belong to none. */
bool scope_is_one_resource(struct span scope);
/* Adds the server that its first URL names, "https://graph.microsoft.com"; nothing where there is none. */
void scope_resource(struct span scope, struct buf *out);

#endif
