/* The module outpost-systemd.so (os/systemd_libsystemd.c): what systemd's library does for us, and for nobody who was
 * not started by systemd and logs elsewhere.
 */
#ifndef OUTPOST_OS_SYSTEMD_H
#define OUTPOST_OS_SYSTEMD_H

#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"

#define SYSTEMD_MODULE "outpost-systemd.so"
#define SYSTEMD_SYMBOL "outpost_systemd"

struct systemd_face {
    /* Can an entry be handed in? (Where it can't, the library drops it, and says that all went well.) */
    bool (*journal_is_here)(void);
    /* Fields "NAME=value" of one entry; false: the journal did not take it. */
    bool (*journal)(const struct iovec *fields, int count);
    /* "READY=1\n..." to whoever started us: $NOTIFY_SOCKET. False: nobody is there, or it failed. */
    bool (*notify)(const char *state);
    /* How often systemd wants to hear WATCHDOG=1, in microseconds; 0: not at all. */
    uint64_t (*watchdog)(void);
    /* Its clock, in microseconds: MONOTONIC_USEC. */
    uint64_t (*now)(void);
};

#endif
