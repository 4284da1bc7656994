/* What every command gets: its arguments, and how to talk to whoever called.
 *
 * Only this room reads arguments, prints and exits. A command returns its exit status; what went
 * wrong it tells through fail() (cli/print.h), so that every failure has its cause, its way out and
 * its status in one form.
 */
#ifndef OUTPOST_CLI_CLI_H
#define OUTPOST_CLI_CLI_H

#include "cli/options.h"
#include "os/private.h"

struct cli {
    struct arguments args;
    /* Of a command that reads its words itself; args are those in front of its name then. */
    char **words, **front;
    int word_count, front_count;
    bool json, quiet, verbose;
    bool terminal; /* stdout is a terminal that can be drawn on */
    bool color;    /* and bold text is welcome */
    bool draws_on_stderr; /* stderr is such a terminal */
    bool may_ask;  /* a person is there to answer */
    struct private_before before; /* for a program that is run for the person */
    struct cli_world *world; /* what cli/world.h has made so far; NULL: nothing yet */
};

/* The commands, a row each in cli/commands.c; help and dispatch read the same table. */
extern const struct command *const commands[];
extern const size_t command_count;

/* The command that the first words name; *ret_used tells how many they are (0 to 2). NULL: none. */
const struct command *command_find(size_t count, const char *const *words, size_t *ret_used);

#endif
