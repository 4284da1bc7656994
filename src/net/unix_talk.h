/* A conversation over a Unix socket without a loop, for a program that does one thing after another and is to be
 * small: each call waits, and for no longer than it is told. Nothing but libc.
 *
 *     unix_talk_open("/run/outpost/submit", &talk, err)
 *     unix_talk_say(talk, bytes, until, err) && unix_talk_heard(talk, until, err)
 *     unix_talk_listen(talk, room, sizeof room, until, &len, err)
 *     close(talk)
 *
 * Moments are clock_now()'s milliseconds. Errors: ERR_LATER where nobody is there, or not in time.
 */
#ifndef OUTPOST_NET_UNIX_TALK_H
#define OUTPOST_NET_UNIX_TALK_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

/* err.sys tells why nobody answers: ENOENT and ECONNREFUSED where nobody listens, EAGAIN where too many wait. */
MUST_USE bool unix_talk_open(const char *path, int *ret_talk, struct err *err);

/* All of it has left. The peer may have hung up (err.sys EPIPE) and may have said why. */
MUST_USE bool unix_talk_say(int talk, struct span bytes, uint64_t until, struct err *err);
/* The peer's program has read all that was said, or says something itself: it is alive, and at work. False where it
 * has hung up. */
MUST_USE bool unix_talk_heard(int talk, uint64_t until, struct err *err);
/* What it says; *ret_len 0: it has hung up. */
MUST_USE bool unix_talk_listen(int talk, char *into, size_t room, uint64_t until, size_t *ret_len, struct err *err);

#endif
