/* Another configuration while the work goes on (SIGHUP, and the verb "reload"): doors that stay are not closed, and
 * nobody who is served is cut off. The gateway has the new one at once; mail leaves by it as soon as what is under way
 * is done. What was read before is kept until nobody uses it.
 */
#ifndef OUTPOST_CLI_RENEWAL_H
#define OUTPOST_CLI_RENEWAL_H

#include "cli/daemon.h"

/* `failed` is told where mail can't leave any more. */
MUST_USE bool renewal_new(struct daemon *daemon, void (*failed)(void *who, const struct err *err), void *who,
                          struct renewal **ret_renewal, struct err *err);
/* False: it is not good, or a listener can't be opened; all stays as it was. */
MUST_USE bool renewal_begin(struct renewal *renewal, struct err *err);
/* What has not happened yet will not. */
void renewal_stop(struct renewal *renewal);
/* The last of all that used a configuration. NULL is nothing. */
void renewal_free(struct renewal *renewal);

#endif
