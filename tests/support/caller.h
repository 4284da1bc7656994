/* A client for tests of servers on the test's own loop: a socket that says anything at all, and TLS over it where
 * wished. Nothing here sleeps: it turns the loop and looks again.
 *
 *     call(&caller, loop, port);
 *     await_words(&caller, "220 ");
 *     say(&caller, "EHLO me\r\n");
 *     await(&caller, caller.ended);
 *     hang_up(&caller);
 */
#ifndef OUTPOST_TESTS_CALLER_H
#define OUTPOST_TESTS_CALLER_H

#include "support/check.h"

#include <stdbool.h>

#include "base/buf.h"
#include "net/tls.h"
#include "support/identity.h"

struct loop;

enum { CALLER_PATIENCE = 3000 }; /* turns of the loop, of some milliseconds each where nothing comes */

struct caller {
    struct loop *loop;
    void (*turn)(void *who); /* what else is to be turned; NULL: nothing */
    void *who;
    int fd; /* -1: hung up */
    struct tls *tls;
    struct buf heard;
    bool ended; /* by the other side */
};

void call(struct caller *caller, struct loop *loop, uint16_t port);
void call_from(struct caller *caller, struct loop *loop, const char *from, uint16_t port); /* 127.x.y.z */
void call_unix(struct caller *caller, struct loop *loop, const char *path);
void hang_up(struct caller *caller);

void say(struct caller *caller, const char *text);
void say_bytes(struct caller *caller, struct span bytes); /* beneath TLS, if there is any */
/* The handshake, to its end; whoever `context` trusts. */
void begin_tls(struct caller *caller, struct tls_context *context, const char *name);

/* One look: what came, and what is due on the loop. */
void caller_turn(struct caller *caller);

#define await(caller, condition)                                                              \
    do {                                                                                      \
        unsigned turns_ = 0;                                                                  \
        for (; !(condition) && turns_ < CALLER_PATIENCE; turns_++)                            \
            caller_turn(caller);                                                              \
        if (turns_ == CALLER_PATIENCE)                                                        \
            fail_msg("never so: %s; heard \"%s\"", #condition, buf_text(&(caller)->heard));   \
    } while (0)
#define await_words(caller, words) await((caller), strstr(buf_text(&(caller)->heard), (words)))

/* What was heard is forgotten, and this is said; then these words are awaited. */
void ask(struct caller *caller, const char *text, const char *words);

#endif
