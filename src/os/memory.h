/* What the allocator keeps for itself. A system whose allocator takes no advice (os/memory_none.c) does as it likes. */
#ifndef OUTPOST_OS_MEMORY_H
#define OUTPOST_OS_MEMORY_H

/* Threads share so many heaps; the last call counts. For the beginning of a program, or of a daemon. */
void memory_heaps(int most);
/* Free memory goes back to the system: after a crowd, not after each of it. It takes milliseconds. */
void memory_give_back(void);

#endif
