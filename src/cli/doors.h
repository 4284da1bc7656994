/* The two sockets of a command that is the owner for as long as it takes: mail is taken, questions are answered. */
#ifndef OUTPOST_CLI_DOORS_H
#define OUTPOST_CLI_DOORS_H

#include "cli/owner.h"
#include "control/socket.h"
#include "gateway/local.h"

struct doors {
    struct local_door *submit;
    struct control_socket *control;
};

/* `saw`: struct local_door_plan; may be NULL. On failure what was opened is the caller's to close all the same. */
MUST_USE bool doors_open(struct owner *owner,
                         void (*saw)(void *who, uint32_t uid, const char *account, uint64_t id, const struct err *why),
                         void *who, struct doors *ret_doors, struct err *err);
bool doors_are_busy(const struct doors *doors); /* somebody hands in, or is being answered */
void doors_close(struct doors *doors);          /* who is in the middle is cut */

#endif
