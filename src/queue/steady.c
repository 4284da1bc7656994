#include "queue/steady.h"

#include "base/banned.h"

struct steady steady_begin(uint64_t forward, uint64_t wall, uint64_t saved, int64_t saved_ahead)
{
    /* Where the wall's clock says we are, unless that is before where we were: it was set back, or has not
     * been set yet since the machine started. */
    uint64_t now = saved ? wall - (uint64_t)saved_ahead : wall;

    if (saved && (int64_t)(now - saved) < 0)
        now = saved;
    return (struct steady){ now - forward };
}
