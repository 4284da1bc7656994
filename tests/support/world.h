/* Everything outside, made up: clock, random bytes, disk, the kernel's keys and memory, of which the nth thing that can
 * fail does. So every path that is taken only when something goes wrong is taken once:
 *
 *     for (unsigned n = 1;; n++) {
 *         struct world world;
 *         world_begin(&world, n);
 *         bool ok = thing(&world.disk, &world.dice, &err);
 *         bool failed = world_end(&world);             memory can't fail any more
 *         ... ok, or failed and told; nothing left behind
 *         if (!failed)
 *             break;
 *     }
 *
 * The disk's calls are done for real (in a directory of the test's own), but for the one that fails.
 */
#ifndef OUTPOST_TESTS_WORLD_H
#define OUTPOST_TESTS_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "os/clock.h"
#include "os/disk.h"
#include "os/kernel_keys.h"
#include "os/random.h"

struct world {
    struct clock clock;
    struct dice dice;
    struct disk disk;
    struct kernel_keys kernel;

    const char *kernel_key; /* what every name holds; NULL: there is none (ENOKEY) */
    uint64_t now, wall; /* what the clock says */
    unsigned char next; /* the next random byte: they count up */
    int sys;            /* errno of the disk when it fails; ENOSPC unless changed */
    bool short_moves;   /* a read or write moves one byte, and every second one is interrupted */

    unsigned until;     /* things that can fail until the one that does; 0: none */
    bool failed;        /* did it come to that? */
    unsigned moves;     /* short ones so far */
    char calls[64];     /* the disk's calls that went well, a letter each: open, read, write, sync, truncate, Link,
                           reName, unlinK, mkDir, memory; what is beyond is not kept */
    int open_files;     /* opened and not closed */
    size_t alive;       /* blocks of memory when it began */
};

/* A world in order: the clock stands, nothing fails. */
void world_init(struct world *world);

/* The same, in which the nth thing fails, memory included. One such world at a time. */
void world_begin(struct world *world, unsigned nth);
/* Did something fail? From now on nothing does. */
bool world_end(struct world *world);
/* Blocks of memory and open files that were made since the beginning and are still there. */
size_t world_leaks(const struct world *world);

#endif
