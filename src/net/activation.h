/* Sockets that whoever started us had listening already (systemd's socket activation: LISTEN_PID, LISTEN_FDS,
 * LISTEN_FDNAMES). They are taken once, at the top of the program, and handed out by name; a program we start
 * gets none of them.
 */
#ifndef OUTPOST_NET_ACTIVATION_H
#define OUTPOST_NET_ACTIVATION_H

#include "base/err.h"

enum { ACTIVATION_MAX = 64, ACTIVATION_NAME_MAX = 64, ACTIVATION_FIRST = 3 };

struct activation {
    size_t count;
    struct activation_socket {
        int fd; /* 0: handed out, or not for us */
        char name[ACTIVATION_NAME_MAX]; /* FileDescriptorName= of the unit; "" where none was said */
    } sockets[ACTIVATION_MAX];
};

/* What the three variables say to the process `pid`; NULL: not set. Pure. None where they are another's, or make no
 * sense: ERR_CONFIG where a socket would be lost by it. */
MUST_USE bool activation_parse(const char *listen_pid, const char *listen_fds, const char *names, unsigned pid,
                               struct activation *ret_activation, struct err *err);

/* Reads them of our own environment and takes them out of it. What is no listening socket is refused: ERR_CONFIG. */
MUST_USE bool activation_take(struct activation *ret_activation, struct err *err);

/* The next socket of this name, for listen_plan.inherited; it is the caller's from now. 0: there is none (more). */
int activation_next(struct activation *activation, const char *name);
/* Closes what nobody asked for; how many those were. */
size_t activation_close(struct activation *activation);

#endif
