/* A message as an HTTPS interface gets it: may it go that way, and its bytes as the request's body.
 *
 * The interface sends to whom To, Cc and Bcc name. So each of these must be a recipient of this attempt;
 * else somebody would get the message twice, or though nobody wanted it. Recipients whom the header does
 * not name go into a Bcc of their own, in front. The sender is the account whatever the envelope says: one
 * that is another's, or nobody's, is refused. Wishes for delivery reports (DSN) have no place there and are
 * dropped. What is larger than the interface takes, or has more recipients, is refused, never split.
 */
#ifndef OUTPOST_RELAY_HTTPS_MESSAGE_H
#define OUTPOST_RELAY_HTTPS_MESSAGE_H

#include "relay/https_api.h"
#include "relay/transport.h"

struct https_message {
    const struct https_api *api;
    const struct transport_message *message;
    struct buf front; /* what stands before the message: Bcc, or nothing */
    uint64_t mime;    /* octets of the message, the front included */
    uint64_t size;    /* of the request's body */
};

/* Reads the header. Refusals are ERR_DATA or ERR_LIMIT with https:recipients, sender:foreign,
 * recipients:too-many or size:too-big. `message` is borrowed. */
MUST_USE bool https_message_begin(const struct https_api *api, const struct account *account,
                                  const struct transport_message *message, struct https_message *ret,
                                  struct err *err);
/* Bytes of the request's body, from any place on. */
MUST_USE bool https_message_read(const struct https_message *m, uint64_t at, char *into, size_t room,
                                 size_t *ret_len, struct err *err);
void https_message_done(struct https_message *m);

/* The pure heart of it: for a header block, adds the Bcc field that is wanted to *bcc. */
MUST_USE bool https_header_fits(const struct https_api *api, const struct account *account,
                                const struct transport_message *message, struct span header,
                                struct buf *bcc, struct err *err);

#endif
