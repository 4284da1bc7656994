/* The world that secrets need: plain data, borrowed. */
#ifndef OUTPOST_ACCOUNT_SECRET_WORLD_H
#define OUTPOST_ACCOUNT_SECRET_WORLD_H

#include <stdbool.h>

#include "os/disk.h"
#include "os/kernel_keys.h"
#include "os/random.h"

struct loop;
struct secret;

/* A secret that is already here, for an account that is kept nowhere. */
struct secret_in_hand {
    const char *account; /* its name; NULL: there is none */
    const struct secret *secret;
};

struct secret_world {
    const char *state; /* the state directory: place->state */
    const struct disk *disk;
    const struct dice *dice;
    const struct kernel_keys *kernel; /* NULL: not asked */
    const char *credentials;          /* systemd's: $CREDENTIALS_DIRECTORY; NULL: none */
    struct loop *loop; /* for what takes its time, a command or a keyring; NULL where none is asked */
    struct secret_in_hand in_hand; /* it goes before all places */
    bool may_ask;      /* may a keyring ask the person at the screen to unlock it? */
};

#endif
