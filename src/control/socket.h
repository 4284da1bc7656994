/* The verbs on a Unix socket: a line with a question, lines with its answer, and so on until the caller hangs up.
 * Who the caller is, the system says; what he may, control/verbs.h.
 */
#ifndef OUTPOST_CONTROL_SOCKET_H
#define OUTPOST_CONTROL_SOCKET_H

#include "control/verbs.h"
#include "net/listen.h"

enum {
    CONTROL_CALLERS_MAX = 64,
    CONTROL_GUESTS_MAX = 32, /* besides */
    CONTROL_GUESTS_OF_A_UID = 4,
    CONTROL_GUEST_MS = 60 * 1000,
};

struct control_socket;

struct control_socket_plan { /* borrowed */
    const struct control *control;
    struct loop *loop;
    const char *path;  /* or... */
    int inherited;     /* ...a descriptor from systemd; 0: none */
    unsigned mode;     /* of the file */
    uint32_t owner;    /* this uid may do all, as root may */
};

MUST_USE bool control_socket_open(const struct control_socket_plan *plan, struct control_socket **ret_socket,
                                  struct err *err);
/* A caller who came by another door, where anybody may come, and what he said already. He is a guest, unless he may do
 * all by himself: few at a time, of each uid fewer, none for long. Takes the stream. */
void control_socket_take(struct control_socket *socket, struct stream *stream, struct span said);
void control_socket_free(struct control_socket *socket); /* callers are cut */
OWNED(control_socket);
/* Is anybody being answered? */
bool control_socket_is_busy(const struct control_socket *socket);

#endif
