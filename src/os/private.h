/* A process that will hold passwords: nobody else looks into it, nothing of it is left behind. */
#ifndef OUTPOST_OS_PRIVATE_H
#define OUTPOST_OS_PRIVATE_H

/* No core dumps, no debugger of another's, and what we make is ours alone (umask 077). Called first
 * thing by the programs. What the system refuses is done without.
 *
 * A standard stream that was closed is taken by a file that can't be read or written the way it is
 * meant: else the first file we open would be our input or output, and what is printed would end in it. */
void private_process(void);

#endif
