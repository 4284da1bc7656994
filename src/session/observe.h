/* Lines for an observer, cut out of what goes and comes, with whatever is secret starred out. */
#ifndef OUTPOST_SESSION_OBSERVE_H
#define OUTPOST_SESSION_OBSERVE_H

#include "base/secret.h"
#include "session/observer.h"

/* Commands as they leave. While signing in only the verb and the mechanism show; a body is not shown. */
void observe_output(const struct session_observer *observer, enum stage stage, struct span bytes,
                    uint64_t now);
/* Replies line by line, however they were cut: what is not a whole line yet waits in *waiting (a buf of
 * OBSERVE_LINE_MAX), and a longer one is shown in pieces. A challenge is starred out, and so is the secret
 * that the server was given, if any (base/secret.h). */
enum { OBSERVE_LINE_MAX = 16 * 1024 }; /* a challenge may be as long as 12 KB (RFC 4954, 4) */
void observe_input(const struct session_observer *observer, struct buf *waiting, enum stage stage,
                   struct span bytes, const struct secret *hidden, uint64_t now);
/* The line is over: what waits will not become a whole one. */
void observe_end(const struct session_observer *observer, struct buf *waiting, enum stage stage,
                 const struct secret *hidden, uint64_t now);
void observe_note(const struct session_observer *observer, enum stage stage, uint64_t now,
                  const char *format, ...) PRINTF_LIKE(4, 5);

#endif
