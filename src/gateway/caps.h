/* How much is too much at once: connections in all and from one address, messages and recipients a minute from
 * one sender, octets on their way in. Pure: told the time. Beyond a cap the answer is 421, or 452, at once.
 *
 * This machine's own programs may have as many connections as there are; the rest of the caps are wide enough
 * for whoever has something to send, and narrow enough that one who has run wild leaves room for others.
 */
#ifndef OUTPOST_GATEWAY_CAPS_H
#define OUTPOST_GATEWAY_CAPS_H

#include "net/host.h"

struct caps_limits {
    size_t connections, connections_per_address; /* the latter not for loopback and Unix sockets */
    uint64_t messages_per_minute, recipients_per_minute; /* of one sender */
    uint64_t octets; /* of messages that are being received, in all sessions together */
};

struct caps;

/* NULL: no memory. */
MUST_USE struct caps *caps_new(const struct caps_limits *limits, uint64_t seed);
void caps_free(struct caps *caps);
OWNED(caps);

enum caps_verdict { CAPS_IN, CAPS_TOO_MANY, CAPS_TOO_MANY_FROM_THERE };

/* One more connection from there; caps_leave() when it is over, of one that came in. A Unix socket has the
 * address { 0 }. Out of memory it is too many. */
enum caps_verdict caps_enter(struct caps *caps, struct ip from);
void caps_leave(struct caps *caps, struct ip from);
size_t caps_connections(const struct caps *caps);

/* A message, or a recipient, of this sender (a user's name, or an address). False: too many this minute, and
 * nothing was counted. What is not used up is kept, up to a minute's worth. */
bool caps_message(struct caps *caps, struct span sender, uint64_t now);
bool caps_recipient(struct caps *caps, struct span sender, uint64_t now);

/* So many more octets are in memory, or fewer. False: too many; then nothing was counted. */
bool caps_hold(struct caps *caps, size_t octets);
void caps_release(struct caps *caps, size_t octets);

#endif
