/* What systemd hears of the process it started and waits for: that it is ready, reads its configuration again, ends, and
 * is still alive (sd_notify(3)). Where nobody waits, there is nothing to be told, and *ret_supervised is NULL, which
 * all of these take.
 */
#ifndef OUTPOST_CLI_SUPERVISED_H
#define OUTPOST_CLI_SUPERVISED_H

#include "base/err.h"
#include "net/loop.h"

struct supervised;

/* ERR_CONFIG where somebody waits and this installation can't speak to him: he would wait in vain. */
MUST_USE bool supervised_new(struct loop *loop, struct supervised **ret_supervised, struct err *err);
void supervised_free(struct supervised *supervised);

/* Ready, for the first time or after a reload; from now on also a sign of life at half the time that is wanted. */
void supervised_ready(struct supervised *supervised);
void supervised_reloading(struct supervised *supervised);
void supervised_stopping(struct supervised *supervised);

#endif
