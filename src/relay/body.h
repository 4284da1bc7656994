/* A message's body for a session that reads it from front to end: as it is, or made fit for a server that
 * takes no 8-bit text (mail/convert.h), as it streams by.
 */
#ifndef OUTPOST_RELAY_BODY_H
#define OUTPOST_RELAY_BODY_H

#include "base/buf.h"
#include "relay/transport.h"
#include "session/client.h"

struct body {
    const struct transport_body *source;
    uint64_t at;             /* how much of the source was read */
    bool lowers;
    struct convert *convert; /* NULL: as it is, or nothing was read yet */
    struct buf ready;        /* converted, and not yet handed on */
    bool ended;
};

/* From the front. *source is borrowed. */
void body_begin(struct body *body, const struct transport_body *source);
/* Wants it converted from here on, and says how many octets that makes. Reads it whole. ERR_DATA: it can't
 * be changed (it is signed). */
MUST_USE bool body_lower(struct body *body, uint64_t *ret_size, struct err *err);
/* At the front again, in the same form. */
void body_rewind(struct body *body);
/* For session_send(); the body is borrowed until that is over. */
struct session_body body_for_session(struct body *body);
void body_done(struct body *body);

#endif
