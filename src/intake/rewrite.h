/* The header of a message on its way in: what it says of recipients, and what becomes of it.
 */
#ifndef OUTPOST_INTAKE_REWRITE_H
#define OUTPOST_INTAKE_REWRITE_H

#include "intake/intake.h"
#include "intake/sender.h"

/* Adds the recipients that the header names (To, Cc, Bcc; or the Resent- ones alone) to the envelope. */
MUST_USE bool rewrite_take_recipients(struct span header, const char *hostname, unsigned notify,
                                      struct envelope *envelope, struct err *err);

/* Adds the header that goes out, with the empty line behind it: see intake.h for the rules. Sets
 * envelope->smtputf8 where an address in it needs that. `message_id` gets the one that the message has,
 * or has now. */
MUST_USE bool rewrite_header(const struct intake_order *order, struct span header,
                             const struct sender *sender, struct envelope *envelope, struct buf *out,
                             struct buf *message_id, struct err *err);

#endif
