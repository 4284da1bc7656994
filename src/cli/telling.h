/* Telling a person by [notify], for commands: relay/notify.h with its end awaited. */
#ifndef OUTPOST_CLI_TELLING_H
#define OUTPOST_CLI_TELLING_H

#include "cli/cli.h"
#include "relay/notify.h"

struct telling {
    size_t told, failed; /* ways that were gone now, and how many failed */
    struct err err;      /* of the first that failed */
};

/* `notices` is all that `source` has to tell now (relay/notify.h). Each way that fails is named on stderr, unless
 * --quiet. No way in the configuration: nothing is done. False where it could not even begin. */
MUST_USE bool telling_run(struct cli *cli, const char *source, const struct notice *notices, size_t count,
                          struct telling *ret_telling, struct err *err);

/* What the forecasts of all accounts give to tell (relay/notify_health.h), by the source "health": announced
 * once, ahead of time, and once when it is too late. */
MUST_USE bool telling_health(struct cli *cli, struct telling *ret_telling, struct err *err);

#endif
