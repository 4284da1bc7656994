/* What transports need of the world, for this command: its network, its secrets, its options. */
#ifndef OUTPOST_CLI_TRANSPORTS_H
#define OUTPOST_CLI_TRANSPORTS_H

#include "cli/world.h"
#include "relay/transport.h"

/* With --verbose what is said shows on stderr. */
struct session_observer cli_observer(struct cli *cli);

/* With --verbose the conversations show on stderr. */
MUST_USE bool cli_transport_world(struct cli *cli, struct transport_world *ret_world, struct err *err);

/* The same without a place for secrets: for who only looks at servers. Nothing is made on the disk. */
MUST_USE bool cli_bare_world(struct cli *cli, struct transport_world *ret_world, struct err *err);

#endif
