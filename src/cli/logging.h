/* What a process that stays tells of its work: a line an event, with fields. */
#ifndef OUTPOST_CLI_LOGGING_H
#define OUTPOST_CLI_LOGGING_H

#include "cli/cli.h"
#include "os/log.h"
#include "relay/relay.h"

/* To standard error; as JSON with --json, with conversations under --verbose. */
struct log logging_begin(const struct cli *cli);
void logging_relay(struct log *log, const struct queue *queue, const struct relay_event *event);

#endif
