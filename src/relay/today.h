/* How much of its day an account has used. Pure. */
#ifndef OUTPOST_RELAY_TODAY_H
#define OUTPOST_RELAY_TODAY_H

#include "account/account.h"
#include "queue/limit.h"

struct relay_today {
    uint64_t sent, limit;   /* messages or recipients, whichever is limited; limit 0: none is */
    bool counts_recipients;
    uint64_t until;         /* the day is used up, or the provider takes no more, until then, of the queue's time; 0: neither */
};

/* What the account is allowed, in the words of queue/limit.h. */
struct limit_allowed relay_allowed(const struct account *account);

void relay_today(struct limit *limit, const struct limit_allowed *allowed, uint64_t now, struct relay_today *ret_today);

#endif
