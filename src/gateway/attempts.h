/* Sign-ins that failed, and how long the next one has to wait. Pure: told the time, seeded once.
 *
 * Who guesses passwords is slowed down, by the address the guesses come from and by the user they are for. But
 * nobody is locked out of his own house by a stranger: where a user signed in rightly from an address within a month,
 * only what failed in his name at that address counts, and what strangers do in his name delays him by half a
 * minute at most. Users that are not there are counted like those who are.
 *
 * A few failures are free. Then the wait doubles with each, from a second on; an hour without one forgets them.
 * While one waits no password is compared, and nothing counted. Addresses are counted by IPv6's /64. Memory is
 * fixed: the address that was quiet the longest gives way.
 */
#ifndef OUTPOST_GATEWAY_ATTEMPTS_H
#define OUTPOST_GATEWAY_ATTEMPTS_H

#include "net/host.h"

enum {
    ATTEMPTS_FREE = 3,                    /* failures before the first wait */
    ATTEMPTS_FIRST_MS = 1000,
    ATTEMPTS_ADDRESS_MS = 15 * 60 * 1000, /* the longest wait for what an address did... */
    ATTEMPTS_USER_MS = 30 * 1000,         /* ...for what strangers did in a user's name... */
    ATTEMPTS_KNOWN_MS = 60 * 1000,        /* ...and where the user is known */
    ATTEMPTS_FORGET_MS = 60 * 60 * 1000,
};

struct attempts;

/* NULL: no memory. The seed keeps anybody from choosing names that are counted together. */
MUST_USE struct attempts *attempts_new(uint64_t seed);
void attempts_free(struct attempts *attempts);
OWNED(attempts);

/* How many milliseconds this user has to wait at this address; 0: the password is to be compared. A Unix socket
 * has the address { 0 }. */
uint64_t attempts_wait(const struct attempts *attempts, struct ip from, struct span user, uint64_t now);
/* It was compared, and was wrong; or right. */
void attempts_failed(struct attempts *attempts, struct ip from, struct span user, uint64_t now);
void attempts_succeeded(struct attempts *attempts, struct ip from, struct span user, uint64_t now);

#endif
