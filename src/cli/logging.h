/* What a process that stays tells of its work: a line an event, with fields. */
#ifndef OUTPOST_CLI_LOGGING_H
#define OUTPOST_CLI_LOGGING_H

#include "account/config.h"
#include "cli/cli.h"
#include "os/log.h"
#include "relay/relay.h"

enum { LOGGING_STDERR = 1, LOGGING_JOURNAL, LOGGING_SYSLOG };
enum { LOGGING_SETTINGS = 2 };

struct logging_settings { /* [log] */
    unsigned to;     /* LOGGING_...; 0: the journal where it reads our standard error, else that */
    unsigned format; /* of enum log_format, plus 1 */
    struct setting_origin origins[LOGGING_SETTINGS];
};
extern const struct config_part log_part;

/* As [log] says; as JSON with --json, with conversations under --verbose. Where it can't go where it should, that is
 * its first line, on standard error, as is the rest; likewise while the configuration can't be read. */
struct log logging_begin(struct cli *cli);
void logging_relay(struct log *log, const struct queue *queue, const struct relay_event *event);

#endif
