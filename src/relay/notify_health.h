/* What the health of an account gives a person to know, ahead of time or too late. Pure. */
#ifndef OUTPOST_RELAY_NOTIFY_HEALTH_H
#define OUTPOST_RELAY_NOTIFY_HEALTH_H

#include "account/health.h"
#include "relay/notify.h"

enum { NOTIFY_HEALTH_TEXT_MAX = 1024 };

struct notify_health { /* the notice and the texts it points at: not to be moved */
    struct notice notice;
    char about[32], subject[256], text[NOTIFY_HEALTH_TEXT_MAX];
};

/* "signin-ends": within the time that health warns of, once for each end; "signin-lost": a person must sign in.
 * False: there is nothing to tell. The account is borrowed. */
bool notify_health(const struct account *account, const struct health_report *report,
                   struct notify_health *ret_health);

#endif
