/* What is to be done where nobody takes mail or answers questions: one line for whoever reads no more than one. */
#ifndef OUTPOST_CLI_ABSENCE_H
#define OUTPOST_CLI_ABSENCE_H

#include "os/place.h"

/* Pure. `sys` is why the socket led nowhere: ENOENT (never started since the machine was), ECONNREFUSED (stopped, or it
 * failed), another or 0 (it is there, and silent). "" where the place's owner is the user himself. */
const char *absence_words(enum place_scope scope, bool systemd_runs, int sys);

/* The same, of this machine. */
const char *absence_remedy(const struct place *place, int sys);

#endif
