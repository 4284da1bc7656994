/* Is this machine a container: a process tree with a network of its own, whose "localhost" is nobody else's? */
#ifndef OUTPOST_OS_CONTAINER_H
#define OUTPOST_OS_CONTAINER_H

#include <stdbool.h>

/* As container managers tell those who are within: by a variable (systemd's, podman's, LXC's), or by a file. */
bool container_is_here(void);

#endif
