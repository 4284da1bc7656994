/* A process that will hold passwords: nobody else looks into it, nothing of it is left behind. */
#ifndef OUTPOST_OS_PRIVATE_H
#define OUTPOST_OS_PRIVATE_H

#include <sys/resource.h>
#include <sys/types.h>

/* What we were born with. */
struct private_before {
    mode_t umask;
    struct rlimit core;
};

/* No core dumps, no debugger of another's, and what we make is ours alone (umask 077). Called first
 * thing by the programs. What the system refuses is done without.
 *
 * A standard stream that was closed is taken by a file that can't be read or written the way it is
 * meant: else the first file we open would be our input or output, and what is printed would end in it. */
void private_process(struct private_before *ret_before);

/* For a program that is started as the person would start it: between these two, what it inherits is as it
 * was before. Our own memory stays shut. */
void private_lend(const struct private_before *before);
void private_again(void);

#endif
