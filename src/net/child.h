/* Another program: a vector and never a shell line, nothing on its standard input or what it is told there, no
 * descriptor of ours but its own output and error, a limit on what it may say and on how long it may take.
 *
 * For a password command, so what it prints is treated as a secret: wiped wherever it was kept.
 */
#ifndef OUTPOST_NET_CHILD_H
#define OUTPOST_NET_CHILD_H

#include "base/buf.h"
#include "base/err.h"

struct loop;
struct child;

enum {
    CHILD_OUTPUT_MAX = 64 * 1024,
    CHILD_ERROR_MAX = 4 * 1024, /* what it complains is kept so far; the rest is read and dropped */
};

/* Called once, on the loop, when the program has ended and its output was read to the end. `err` is
 * NULL when it ended with status 0; then `output` holds all it wrote, for the callee to take
 * (secret_take) or to leave, and to be wiped. Otherwise `output` is NULL and `err` tells: could not
 * be started, ended with status N (its complaint is err->said), killed by a signal, took too long,
 * said too much. */
typedef void child_done(void *data, struct buf *output, const struct err *err);

/* `argv` ends with NULL; its first is looked for in PATH. The environment is ours. `deadline` is in
 * the loop's milliseconds; a program that passes it is killed. On failure nothing runs and `done` is
 * not called. */
MUST_USE bool child_run(struct loop *loop, const char *const *argv, uint64_t deadline,
                        child_done *done, void *data, struct child **ret_child, struct err *err);
/* The same for a configured command line; how it is read, `| ...` for the shell too: net/command.h. */
MUST_USE bool child_run_command(struct loop *loop, struct span command, uint64_t deadline,
                                child_done *done, void *data, struct child **ret_child,
                                struct err *err);
/* And with something to read and to know. A program that reads none of it is none the worse for it. */
struct child_told {
    struct span input;            /* on its standard input; copied */
    const char *const *variables; /* over our environment: "NAME=value", NULL ends; NULL: none */
};
MUST_USE bool child_tell(struct loop *loop, const char *const *argv, const struct child_told *told,
                         uint64_t deadline, child_done *done, void *data, struct child **ret_child,
                         struct err *err);
MUST_USE bool child_tell_command(struct loop *loop, struct span command, const struct child_told *told,
                                 uint64_t deadline, child_done *done, void *data,
                                 struct child **ret_child, struct err *err);
/* Kills it; `done` is not called. NULL is nothing. */
void child_cancel(struct child *child);

#endif
