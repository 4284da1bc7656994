/* A failure told to whoever called: one line "outpost: what: why (cause-id)" on stderr and, where a
 * person reads it, what it means and the way out; with --json the failure object on stdout.
 */
#ifndef OUTPOST_CLI_FAILURE_H
#define OUTPOST_CLI_FAILURE_H

#include "base/json.h"
#include "cli/cli.h"
#include "know/classify.h"
#include "know/evidence.h"

/* Tells it and returns the exit status to end with. */
int fail(struct cli *cli, const struct evidence *evidence);
/* Only the part on stderr: for a command that has a JSON object of its own. */
void failure_tell(struct cli *cli, const struct evidence *evidence);
/* The same for what went wrong on this machine, before any server was asked. */
int fail_here(struct cli *cli, const struct err *err);

/* What is known, for a verdict: what is built in where the owner's files can't be read. NULL: no memory. */
const struct knowledge *failure_knowledge(struct cli *cli);

/* The exit status of sysexits.h for this evidence. */
int failure_status(const struct evidence *evidence);

enum { FAILURE_STEPS_MAX = 8 };

/* The steps out of it that can be taken with this program, FAILURE_STEPS_MAX at most. */
size_t failure_steps(const struct knowledge *know, const struct verdict *verdict,
                     const struct evidence *evidence, const char **ret_steps);

/* The same for a cause alone, at the provider of the account of this name, as far as the configuration tells it. */
size_t failure_steps_of(struct cli *cli, const struct cause *cause, struct span account, const char **ret_steps);

/* The members of a failure object, into an open one; `extra` ones may follow. */
void failure_members(struct json *json, const struct knowledge *know, const struct verdict *verdict,
                     const struct evidence *evidence);

/* The explanation as a person reads it, to `to`: title, meaning, who, steps, what else it may be. */
void failure_explain(const struct cli *cli, bool to_stderr, const struct knowledge *know,
                     const struct verdict *verdict, const struct evidence *evidence);

/* Who has to act, in words: "you, in your account". pasted: by another program's words, whose settings are not outpost's. */
const char *failure_who_words(const char *who, bool pasted);

#endif
