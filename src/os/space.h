/* How much room a disk has left. */
#ifndef OUTPOST_OS_SPACE_H
#define OUTPOST_OS_SPACE_H

#include <stdint.h>

#include "base/err.h"

struct space {
    uint64_t bytes, bytes_free; /* free: for us, not for root alone */
    uint64_t files, files_free; /* 0 of 0 where the file system does not count them */
};

/* Of the file system that a path lies on. */
MUST_USE bool space_of(const char *path, struct space *ret_space, struct err *err);

/* Is less than so many percent free, of bytes or of files? */
bool space_is_short(const struct space *space, unsigned percent);

#endif
