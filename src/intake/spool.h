/* A file without a name, written once from front to end and then read: where a message waits that is
 * too large for memory. Written in large pieces; gone when its descriptor is closed.
 */
#ifndef OUTPOST_INTAKE_SPOOL_H
#define OUTPOST_INTAKE_SPOOL_H

#include "base/buf.h"
#include "base/err.h"
#include "os/disk.h"

enum { SPOOL_PIECE = 64 * 1024 };

struct spool {
    const struct disk *disk;
    int fd; /* -1: none */
    uint64_t size;
    struct buf piece; /* what is not written yet */
};
#define SPOOL_NONE { .fd = -1 }

MUST_USE bool spool_open(const struct disk *disk, const char *directory, struct spool *ret_spool,
                         struct err *err);
/* ERR_IO (disk:full where it is) when it can't be written. */
MUST_USE bool spool_add(struct spool *spool, struct span bytes, struct err *err);
/* Writes what is left and goes back to the front; the descriptor is the caller's to close. */
MUST_USE bool spool_give(struct spool *spool, int *ret_fd, struct err *err);
void spool_done(struct spool *spool);

/* Reads on: how much there was, 0 at the end. ERR_INPUT; `what` names the source in the error. */
MUST_USE bool spool_read(const struct disk *disk, int fd, const char *what, char *at, size_t room,
                         size_t *ret_len, struct err *err);

#endif
