#include "cli/absence.h"

#include <errno.h>
#include <unistd.h>

#include "base/banned.h"

#define SYSTEMD_RUNS "/run/systemd/system" /* sd_booted(3) */

const char *absence_words(enum place_scope scope, bool systemd_runs, int sys)
{
    if (scope != PLACE_SYSTEM)
        return "";
    if (sys == ENOENT || (sys == ECONNREFUSED && !systemd_runs))
        return "; root starts it: outpost service enable";
    if (!systemd_runs)
        return "";
    return sys == ECONNREFUSED ? "; root starts it: systemctl start outpost"
                               : "; root sees why: systemctl status outpost";
}

const char *absence_remedy(const struct place *place, int sys)
{
    return absence_words(place->scope, access(SYSTEMD_RUNS, F_OK) == 0, sys);
}
