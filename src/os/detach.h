/* A program that goes on when we have ended, and has nothing of ours but an end of a pipe: no terminal, no session, no
 * descriptor that would keep whoever called us waiting.
 */
#ifndef OUTPOST_OS_DETACH_H
#define OUTPOST_OS_DETACH_H

#include "base/err.h"

/* `argv` ends with NULL, its first is the program's path. What it writes to its standard output is read from
 * *ret_said; its input and its error output are /dev/null. The environment is ours. ERR_INTERNAL where it can't be
 * started; whether it is any good as a program, the pipe tells: it ends. */
MUST_USE bool detach(const char *const *argv, int *ret_said, struct err *err);

#endif
