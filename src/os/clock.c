#include "os/clock.h"

#include <time.h>

#include "base/banned.h"

static uint64_t read_clock(clockid_t which)
{
    struct timespec ts = { 0 };

    clock_gettime(which, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t system_now(const struct clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_BOOTTIME); /* goes on while the machine sleeps: what was due then is due now */
}

static uint64_t system_wall(const struct clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_REALTIME);
}

const struct clock clock_system = { system_now, system_wall };

int clock_zone_minutes(uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm here;

    if (!localtime_r(&seconds, &here))
        return 0;
    return (int)(here.tm_gmtoff / 60);
}
