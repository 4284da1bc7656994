/* Commands and their options are rows; help, completion and the manual page are their shadow.
 *
 * A row says everything there is to know of an option, so that one reader serves all commands and
 * no command parses anything by itself. Reading is pure: argv in, arguments out.
 */
#ifndef OUTPOST_CLI_OPTIONS_H
#define OUTPOST_CLI_OPTIONS_H

#include "base/err.h"

enum option_kind {
    OPTION_FLAG,   /* takes no value */
    OPTION_VALUE,  /* takes one; the last one given counts */
    OPTION_MANY,   /* takes one, may be repeated, all count */
    OPTION_NUMBER, /* takes a whole number */
};

struct option {
    char letter;      /* "-s"; 0: has none */
    const char *name; /* "subject", without the dashes; one with '-' reads as given */
    enum option_kind kind;
    const char *value; /* what help calls its value: "FILE"; NULL for a flag */
    const char *help;
};

struct cli;

struct command {
    const char *name;  /* "send", or two words: "account show" */
    const char *takes; /* "[RCPT...]"; "" takes nothing */
    const char *does;  /* one line, lower case, no full stop */
    const char *more;  /* paragraphs for --help; NULL: none */
    const struct option *options;
    size_t option_count;
    size_t operands_least, operands_most;
    bool reads_words; /* what stands behind its name is its own to read: cli->words */
    bool is_outcome; /* its status tells what was done, even where nobody could be told */
    int (*run)(struct cli *cli); /* returns the exit status */
};

/* Options that every command takes. */
extern const struct option everyday_options[];
extern const size_t everyday_option_count;

/* The row of this name, the command's own or an everyday one; NULL: there is none. */
const struct option *option_find(const struct command *command, struct span name);

/* How many words at the front are everyday options with their values: "outpost --json send ...". */
size_t options_in_front(int argc, char **argv);

struct arguments {
    const struct command *command;
    const char **operands; /* point into argv */
    size_t operand_count;
    size_t after_dashes; /* the first operand that stood behind "--"; operand_count: none did */
    struct given {
        const struct option *option;
        const char *value; /* NULL for a flag */
    } *given; /* in the order of the command line */
    size_t given_count;
};

/* Reads what stands after the command's name. Options and operands may mix; "--" ends the options;
 * "-" is an operand; values attach as "--to=x", "--to x", "-sx", "-s x"; letters cluster ("-vq").
 * Errors are ERR_USAGE and name the nearest option. `ret` points into argv. */
MUST_USE bool arguments_read(const struct command *command, int argc, char **argv,
                             struct arguments *ret, struct err *err);
void arguments_done(struct arguments *arguments);

/* Of the option with this name (it must be in the command's or the everyday table): */
bool arguments_has(const struct arguments *arguments, const char *name);
const char *arguments_text(const struct arguments *arguments, const char *name); /* NULL: not given */
/* The same of an everyday option alone, where the command has one of its own by that name. */
const char *arguments_everyday(const struct arguments *arguments, const char *name);
/* The number, or `otherwise`; arguments_read() has checked that it is one. */
uint64_t arguments_number(const struct arguments *arguments, const char *name, uint64_t otherwise);
/* The next value of a repeatable one: *at begins at 0; NULL when there are no more. */
const char *arguments_next(const struct arguments *arguments, const char *name, size_t *at);

#endif
