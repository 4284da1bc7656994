/* Lines for an observer, cut out of what goes and comes, with whatever is secret starred out. */
#ifndef OUTPOST_SESSION_OBSERVE_H
#define OUTPOST_SESSION_OBSERVE_H

#include "session/observer.h"

/* Commands as they leave. While signing in only the verb and the mechanism show; a body is not shown. */
void observe_output(const struct session_observer *observer, enum stage stage, struct span bytes,
                    uint64_t now);
/* Replies as they came, cut anywhere: a line is shown in the pieces it came in. A challenge is starred
 * out. */
void observe_input(const struct session_observer *observer, enum stage stage, struct span bytes,
                   uint64_t now);
void observe_note(const struct session_observer *observer, enum stage stage, uint64_t now,
                  const char *format, ...) PRINTF_LIKE(4, 5);

#endif
