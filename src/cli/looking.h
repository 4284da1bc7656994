/* A command did not get through to an account's server. What that is shows around it - its other ports, other providers,
 * names, the clock -, so the doctor is asked (doctor/doctor.h), without signing in: `send` and `setup` say then what it would.
 *
 *     struct looking *looking = looking_around(cli, account, &evidence);
 *     failure_tell(cli, &evidence);
 *     looking_free(looking);
 *
 * Takes twelve seconds at most, and nothing where the failure leaves nothing to look for.
 */
#ifndef OUTPOST_CLI_LOOKING_H
#define OUTPOST_CLI_LOOKING_H

#include "account/account.h"
#include "cli/cli.h"
#include "know/evidence.h"

struct looking;

/* The same while the loop goes on: `looked` is told once, never from within, what is known then; good until looking_free(), also
 * from within that. NULL: there is nothing to look for, and it is not told. `account` is borrowed until then. */
MUST_USE struct looking *looking_start(struct cli *cli, const struct account *account, const struct evidence *why,
                                       void (*looked)(void *of, const struct evidence *evidence), void *of);
/* Where the doctor found something, `evidence` is that, and points into the looking; what was said first stays, if the second
 * try came as far. NULL: nothing was looked at. Runs the loop. */
MUST_USE struct looking *looking_around(struct cli *cli, const struct account *account, struct evidence *evidence);
void looking_free(struct looking *looking);

#endif
