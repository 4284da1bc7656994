/* A process that will hold passwords: nobody else looks into it, nothing of it is left behind. */
#ifndef OUTPOST_OS_PRIVATE_H
#define OUTPOST_OS_PRIVATE_H

/* No core dumps, no debugger of another's, and what we make is ours alone (umask 077). Called first
 * thing by the programs. What the system refuses is done without. */
void private_process(void);

#endif
