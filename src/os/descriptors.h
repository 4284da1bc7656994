/* How many files and sockets this process may have open at once.
 */
#ifndef OUTPOST_OS_DESCRIPTORS_H
#define OUTPOST_OS_DESCRIPTORS_H

#include <stddef.h>

/* Raises it as far as the system lets us, to `most` where it may be more; never lowers it. What it is then. Programs
 * that are started inherit it. */
size_t descriptors_raise(size_t most);

#endif
