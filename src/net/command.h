/* A command line of the configuration, as a vector. Pure. */
#ifndef OUTPOST_NET_COMMAND_H
#define OUTPOST_NET_COMMAND_H

#include "base/buf.h"
#include "base/err.h"

enum { COMMAND_WORDS_MAX = 64, COMMAND_TEXT_MAX = 8 * 1024 };

struct command {
    const char *argv[COMMAND_WORDS_MAX + 1]; /* into `text`; ends with NULL */
    struct buf text;
};

/* Words are parted by blanks; '...' and "..." hold words together, and a backslash, but not within
 * '...', takes the next byte as it is. No variable, no pattern, no other sign means anything. Where
 * the line begins with '|', the vector is: sh -c REST. Fails with ERR_CONFIG where there is no
 * word, a quote is not closed, or a NUL in it. */
MUST_USE bool command_parse(struct span line, struct command *ret_command, struct err *err);
void command_done(struct command *command);

#endif
