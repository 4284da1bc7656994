/* The door for programs of this machine: a Unix socket where they hand in whole messages (gateway/submission.h).
 * Anybody on the machine may; who it is, the system says. 0 means on disk.
 *
 * Who begins with a brace has a question instead of a message: he is handed on, to whoever answers those.
 *
 * The account is the one named, else the one of the sender: of the envelope, or of From. Local names follow the
 * aliases, and a uid other than root's has as many messages an hour as [local] says.
 */
#ifndef OUTPOST_GATEWAY_LOCAL_H
#define OUTPOST_GATEWAY_LOCAL_H

#include "account/config.h"
#include "net/listen.h"
#include "os/clock.h"
#include "os/random.h"
#include "queue/queue.h"

struct local_door;

struct local_door_plan { /* borrowed, with all it points at */
    struct loop *loop;
    struct queue_port *port;
    const struct config *config;  /* with intake's local_part */
    const struct disk *disk;
    const struct dice *dice;
    const struct clock *clock;
    const char *directory;        /* for messages on their way in: files without a name */
    const char *hostname;
    const char *path;
    unsigned mode;                /* of the socket's file */
    int inherited;                /* a descriptor from systemd in place of path; 0: none */
    /* A message was accepted, or refused with `why`, for the log. May be NULL. */
    void (*saw)(void *who, uint32_t uid, const char *account, uint64_t id, const struct err *why);
    /* Takes the stream of one who asks, and what he said already. NULL: nobody is answered here. */
    void (*asks)(void *who, struct stream *stream, struct span said);
    void *who;
};

/* At once; whoever is one too many is hung up on, and tries again. A caller that is silent for five minutes is dropped. */
enum { LOCAL_CALLERS_MAX = 200, LOCAL_CALLERS_OF_ONE = 50 /* of a uid other than root's and our own */ };

MUST_USE bool local_door_open(const struct local_door_plan *plan, struct local_door **ret_door, struct err *err);
/* Another configuration, from now on; the old one is borrowed as long as the door is busy. */
void local_door_use(struct local_door *door, const struct config *config, const char *hostname);
void local_door_free(struct local_door *door); /* what is half handed in is dropped */
OWNED(local_door);
bool local_door_is_busy(const struct local_door *door);

#endif
