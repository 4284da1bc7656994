/* The last of what was refused, so that whoever stands before a device that does not send finds out why without
 * reading a log. Of each listener, and of each user.
 */
#ifndef OUTPOST_GATEWAY_REFUSALS_H
#define OUTPOST_GATEWAY_REFUSALS_H

#include <stdint.h>

#include "base/buf.h"
#include "know/evidence.h"

enum { REFUSALS_KEPT = 20, REFUSAL_PEER_MAX = 64, REFUSAL_USER_MAX = 64, REFUSAL_TEXT_MAX = 160, REFUSAL_CAUSE_MAX = 60 };

struct refusal {
    uint64_t wall;     /* milliseconds since 1970 */
    enum stage stage;
    char cause[REFUSAL_CAUSE_MAX + 1]; /* of know/cause.h; "" none */
    uint16_t reply;    /* 0: none was said */
    char peer[REFUSAL_PEER_MAX];     /* "192.0.2.1:52044" */
    char user[REFUSAL_USER_MAX + 1]; /* safe to show; "" nobody was named */
    char text[REFUSAL_TEXT_MAX + 1]; /* safe to show */
};

struct refusals { /* begins as { 0 } */
    struct refusal at[REFUSALS_KEPT];
    size_t count, next;
};

void refusals_add(struct refusals *refusals, const struct refusal *refusal);
/* The latest is 0; NULL behind the last. */
const struct refusal *refusals_at(const struct refusals *refusals, size_t at);

/* Copies what fits, made safe to show. */
void refusal_text(char *into, size_t room, struct span foreign);

#endif
