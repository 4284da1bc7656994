#include "net/reach.h"

#include "base/banned.h"

uint64_t reach_pace(struct reach_pace *pace, uint64_t now)
{
    if (now < pace->told)
        return pace->told; /* it will be told with what is to be told then */
    if (now > pace->told + REACH_QUIET_MS)
        pace->quiet = 0;
    uint64_t soon = now + REACH_SETTLE_MS, quiet_over = pace->told + pace->quiet;
    pace->told = quiet_over > soon ? quiet_over : soon;
    pace->quiet = pace->quiet ? pace->quiet * 2 : REACH_SETTLE_MS * 2;
    if (pace->quiet > REACH_QUIET_MS)
        pace->quiet = REACH_QUIET_MS;
    return pace->told;
}
