/* The verbs on a Unix socket: a line with a question, lines with its answer, and so on until the caller hangs up.
 * Who the caller is, the system says; what he may, control/verbs.h.
 */
#ifndef OUTPOST_CONTROL_SOCKET_H
#define OUTPOST_CONTROL_SOCKET_H

#include "control/verbs.h"
#include "net/listen.h"

enum { CONTROL_CALLERS_MAX = 64 };

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
void control_socket_free(struct control_socket *socket); /* callers are cut */
OWNED(control_socket);
/* Is anybody being answered? */
bool control_socket_is_busy(const struct control_socket *socket);

#endif
