/* The module outpost-systemd.so. */
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#include "os/systemd.h"

#include "base/banned.h"

static bool journal_is_here(void)
{
    return access("/run/systemd/journal/socket", W_OK) == 0;
}

static bool journal(const struct iovec *fields, int count)
{
    return sd_journal_sendv(fields, count) >= 0;
}

static bool notify(const char *state)
{
    return sd_notify(0, state) > 0;
}

static uint64_t watchdog(void)
{
    uint64_t microseconds = 0;

    return sd_watchdog_enabled(0, &microseconds) > 0 ? microseconds : 0;
}

static uint64_t now(void)
{
    struct timespec is;

    if (clock_gettime(CLOCK_MONOTONIC, &is) != 0)
        return 0;
    return (uint64_t)is.tv_sec * 1000000 + (uint64_t)is.tv_nsec / 1000;
}

__attribute__((visibility("default"))) extern const struct systemd_face outpost_systemd;
const struct systemd_face outpost_systemd = { journal_is_here, journal, notify, watchdog, now };
