/* Keys that the kernel keeps in memory for a user, until the machine is switched off (keyrings(7)). A door,
 * as the disk is one, so that a test can stand its own in its place.
 */
#ifndef OUTPOST_OS_KERNEL_KEYS_H
#define OUTPOST_OS_KERNEL_KEYS_H

#include <stddef.h>
#include <sys/types.h>

struct kernel_keys {
    /* The key of type "user" that has this name in the user's keyring (@u): how long it is, and as much of
     * it as there is room for. -1 and errno: ENOKEY where there is none. */
    ssize_t (*read)(const struct kernel_keys *, const char *name, void *at, size_t room);
};

extern const struct kernel_keys kernel_keys_system;

#endif
