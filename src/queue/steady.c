#include "queue/steady.h"

#include <stdbool.h>

#include "base/banned.h"

/* 2020: a clock on the wall that shows less has not been set since the machine has power. */
static const uint64_t believable = 1577836800000;

/* It was set in the moments before the end, and nobody had written that down: how far it moved tells nothing. */
static bool was_set_since(uint64_t wall, uint64_t saved, int64_t saved_ahead)
{
    return saved + (uint64_t)saved_ahead < believable && wall >= believable;
}

struct steady steady_begin(uint64_t forward, uint64_t wall, uint64_t saved, int64_t saved_ahead)
{
    /* Where the wall's clock says we are, unless that is before where we were: it was set back, or has not
     * been set yet since the machine started. */
    uint64_t now = saved ? wall - (uint64_t)saved_ahead : wall;

    if (saved && ((int64_t)(now - saved) < 0 || was_set_since(wall, saved, saved_ahead)))
        now = saved;
    return (struct steady){ now - forward };
}
