/* The gateway of a daemon (gateway/gateway.h), opened with what is configured, and told of. */
#ifndef OUTPOST_CLI_LISTENING_H
#define OUTPOST_CLI_LISTENING_H

#include "cli/daemon.h"

/* Every listener listens, or waits for its address (gateway_open()); it is told when it has it. */
MUST_USE bool listening_open(struct daemon *daemon, struct err *err);
/* A line for each listener: where it is, or why it is not; and a warning for what is weak about it, or not obeyed. */
void listening_tell(struct daemon *daemon);

#endif
