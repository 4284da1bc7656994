/* A file without a name, written once from front to end and then read: where a message waits. What is
 * no larger than a piece lies in memory, all else in a directory. Written in large pieces; gone when its
 * descriptor is closed.
 */
#ifndef OUTPOST_INTAKE_SPOOL_H
#define OUTPOST_INTAKE_SPOOL_H

#include "base/buf.h"
#include "base/err.h"
#include "os/disk.h"

enum { SPOOL_PIECE = 64 * 1024 };

struct spool {
    const struct disk *disk;
    const char *directory;
    bool large; /* never in memory: whoever it is given to writes on */
    int fd;     /* -1: none, or none yet */
    uint64_t size;
    struct buf piece; /* what is not written yet */
};
#define SPOOL_NONE { .fd = -1 }

/* The directory's name must outlive the spool. */
struct spool spool_begin(const struct disk *disk, const char *directory);
/* ERR_CREATE, or ERR_IO, when it can't be written (disk:full where it is). */
MUST_USE bool spool_add(struct spool *spool, struct span bytes, struct err *err);
/* Writes what is left and goes back to the front; the descriptor is the caller's to close. */
MUST_USE bool spool_give(struct spool *spool, int *ret_fd, struct err *err);
void spool_done(struct spool *spool);

/* Reads on: how much there was, 0 at the end. ERR_INPUT; `what` names the source in the error. */
MUST_USE bool spool_read(const struct disk *disk, int fd, const char *what, char *at, size_t room,
                         size_t *ret_len, struct err *err);

#endif
