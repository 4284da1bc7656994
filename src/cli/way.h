/* The way out of an account (its `transport`), for people and scripts. */
#ifndef OUTPOST_CLI_WAY_H
#define OUTPOST_CLI_WAY_H

#include "account/secret.h"
#include "base/json.h"
#include "cli/cli.h"

/* A line such as "# way out: graph, since 2026-11-22T10:00:00Z, for SMTP is shut (auth_smtp_disabled_mailbox)";
 * nothing where it is SMTP anyway. */
void way_show(const struct cli *cli, const struct account *account, const struct secret_world *world);
/* "transport":{"setting","uses","since","because"}; the last two are null where nothing was found out. */
void way_json(struct json *json, const struct account *account, const struct secret_world *world);

/* What was found out counts no longer: the account was set up or signs in anew, or goes. */
MUST_USE bool way_forget(const struct secret_world *world, const struct account *account, struct err *err);

#endif
