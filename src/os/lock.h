/* A lock that holds over processes, and goes with the one that holds it, however it ends: an open file
 * description lock (fcntl(2)) on a file of its own. It never waits; whoever wants it tries again.
 *
 * The file has room for one mark, for work that must not be cut off: it is set when that begins, and whoever
 * takes the lock and finds it standing knows that his predecessor did not come to the end.
 */
#ifndef OUTPOST_OS_LOCK_H
#define OUTPOST_OS_LOCK_H

#include "base/err.h"
#include "base/own.h"

struct lock {
    int fd; /* -1: not held */
};
#define LOCK_NONE { -1 }

/* The file is made if need be, its owner's alone; its directory is there. *ret_taken is false where another
 * holds it, in this process or any. */
MUST_USE bool lock_try(const char *path, struct lock *ret_lock, bool *ret_taken, struct err *err);
static inline bool lock_held(const struct lock *lock)
{
    return lock->fd >= 0;
}
void lock_done(struct lock *lock); /* lets go; the mark stays as it is */

bool lock_marked(const struct lock *lock);
void lock_mark(const struct lock *lock, bool on); /* what can't be written is done without */

#endif
