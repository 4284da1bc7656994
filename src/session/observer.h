/* Each step of a session as it happens: for -v, the log, the doctor, the page. Whoever drives a session
 * may listen; nothing depends on it. Secrets are starred out before anybody sees a line.
 */
#ifndef OUTPOST_SESSION_OBSERVER_H
#define OUTPOST_SESSION_OBSERVER_H

#include <stdint.h>

#include "base/span.h"
#include "know/evidence.h"
#include "net/tls.h"

enum session_sight {
    SESSION_NOTES, /* what goes on beside the conversation: dialling, the handshake */
    SESSION_SAYS,  /* a line of ours, without its line end */
    SESSION_HEARS, /* a line of the server's; foreign text, not yet made safe to show */
};

struct session_observer {
    /* `text` is good during the call; `now` is the loop's. The session must not be freed here. */
    void (*saw)(void *who, enum session_sight sight, enum stage stage, struct span text, uint64_t now);
    void *who;
    /* A handshake is over, well or not: what the peer showed. May be NULL; good during the call. */
    void (*shook)(void *who, const struct tls_description *shown, uint64_t now);
};

#endif
