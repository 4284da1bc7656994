/* A message as it stands in a mailbox file (mbox, RFC 4155). Pure. */
#ifndef OUTPOST_MAIL_MBOX_H
#define OUTPOST_MAIL_MBOX_H

#include <stdint.h>

#include "base/buf.h"

/* Adds an entry: its first line with the sender (an address, "" is "MAILER-DAEMON") and the time in UTC; the
 * message with LF for CRLF, a ">" before every line that begins with "From " or with ">"s and that; an empty
 * line. A message that ends in the middle of a line gets its end. */
void mbox_add(struct buf *out, const char *sender, uint64_t seconds, struct span message);

#endif
