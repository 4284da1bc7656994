/* Has a crowd gone? Then what it took of memory can be given back; a few who come and go are none. Pure. */
#ifndef OUTPOST_GATEWAY_CROWD_H
#define OUTPOST_GATEWAY_CROWD_H

#include <stdbool.h>
#include <stddef.h>

enum { CROWD_LEAST = 256 };

struct crowd { /* begins as { 0 } */
    size_t here, most; /* most: since the last one had gone */
};

static inline void crowd_came(struct crowd *crowd)
{
    if (++crowd->here > crowd->most)
        crowd->most = crowd->here;
}

/* When three quarters of it have gone; of what is left that may be said again, while it is one. */
static inline bool crowd_left(struct crowd *crowd)
{
    crowd->here--;
    if (crowd->most < CROWD_LEAST || crowd->here > crowd->most / 4)
        return false;
    crowd->most = crowd->here;
    return true;
}

#endif
