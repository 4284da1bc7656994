/* Who sends a message, looked at before anything is decided: the account is chosen by it. */
#ifndef OUTPOST_INTAKE_PEEK_H
#define OUTPOST_INTAKE_PEEK_H

#include "base/buf.h"
#include "base/err.h"

/* Adds the first address of From in the message's header; nothing where there is none that can be read. Reads from
 * the front, leaves the place where it was. */
MUST_USE bool peek_sender(int fd, struct buf *out, struct err *err);

/* Adds the bare address of "My Name <me@example.org>". What can't be read is left for intake to refuse. */
void peek_bare_address(const char *from, struct buf *out);

#endif
