/* What the daemon that runs has to do with what a command wrote: it takes over another configuration. Of [listen] and
 * [user] it tells what it refused. Where none runs, there is nothing to tell.
 */
#ifndef OUTPOST_CLI_IN_FORCE_H
#define OUTPOST_CLI_IN_FORCE_H

#include "base/json.h"
#include "cli/cli.h"

/* The daemon reads its configuration again; where it keeps its old one, that is said. False: none runs. */
bool in_force_now(struct cli *cli);

/* The last refusals of a "listener" or a "user": shown to people... */
void refusals_show(struct cli *cli, const char *kind, const char *name);
/* ...or as a member of an open JSON object: "refusals": [{"time", "peer", "user", "stage", "cause", "text", "reply"}],
 * the latest first; null where none runs. */
void refusals_member(struct cli *cli, struct json *json, const char *kind, const char *name);

#endif
