/* [queue] and [route NAME]: how long mail waits, and by which accounts it may go. */
#ifndef OUTPOST_RELAY_SETTINGS_H
#define OUTPOST_RELAY_SETTINGS_H

#include "account/config.h"

enum { QUEUE_UNKNOWN_RETRY = 1, QUEUE_UNKNOWN_HOLD };
enum { QUEUE_SETTINGS = 4, ROUTE_SETTINGS = 2, ROUTE_ACCOUNTS_MAX = 8 };

struct queue_settings { /* [queue] */
    uint64_t give_up_after; /* ms */
    unsigned unknown;       /* QUEUE_UNKNOWN_... */
    uint64_t keep_history;  /* ms */
    char *reserve;          /* "5%": of the disk, that stays free */
    struct setting_origin origins[QUEUE_SETTINGS];
};

/* What makes a route's next account be used: bits. */
enum route_advance { ROUTE_ON_CONNECT = 1, ROUTE_ON_AUTH = 2, ROUTE_ON_QUOTA = 4, ROUTE_ON_REFUSED = 8 };

struct route_settings { /* [route NAME]; may stand wherever an account's name does */
    const char *name;
    struct setting_list accounts; /* the first is the usual one */
    struct setting_list advance;
    struct setting_origin origins[ROUTE_SETTINGS];
};

extern const struct config_part queue_part, route_part;

unsigned route_advances(const struct route_settings *route); /* of enum route_advance */
unsigned queue_reserve_percent(const struct queue_settings *queue);

#endif
