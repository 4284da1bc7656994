/* A disk that ends the process before its nth call, as `kill -9` would. For a child that a test forks:
 *
 *     if (fork() == 0) {
 *         struct killer killer;
 *         killer_init(&killer, n);
 *         ... with &killer.disk ...
 *         _exit(0);                            it was not killed: there are fewer calls
 *     }
 */
#ifndef OUTPOST_TESTS_KILLER_H
#define OUTPOST_TESTS_KILLER_H

#include "os/disk.h"

enum { KILLER_STATUS = 9 }; /* how the process ends then */

struct killer {
    struct disk disk;
    unsigned until;
};

void killer_init(struct killer *killer, unsigned nth);

#endif
