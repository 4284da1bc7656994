/* Settings found for an address, and how they are shown: for `settings` and `setup`. */
#ifndef OUTPOST_CLI_FINDING_H
#define OUTPOST_CLI_FINDING_H

#include "base/json.h"
#include "cli/world.h"
#include "discover/discover.h"
#include "mail/address.h"

/* Reads the operand as one address; ERR_DATA with the place. address_done() it. */
MUST_USE bool finding_address(const char *text, struct address *ret_address, struct err *err);

/* Asks everybody and waits for the answers (nobody, with `offline`). */
MUST_USE bool finding_run(struct cli *cli, const char *address, bool offline,
                          struct discovery **ret_discovery, struct err *err);

/* The table of candidates, a line each; `marks` says what is known of each ("works"), or NULL. */
void finding_table(const struct cli *cli, const struct candidates *candidates,
                   const char *const *marks);
/* "  User name  me@example.com", wrapped under its text. */
void finding_line(const struct cli *cli, const char *name, const char *text);
/* Passwords, limits and notes of a provider. */
void finding_profile(const struct cli *cli, const struct profile *profile);
/* Where was asked and what came of it, on stderr: with --verbose, or where nothing was found. */
void finding_looks(const struct cli *cli, const struct discovery *discovery);

/* The interface's object, `proven` as JSON has it: -1 null, 0 false, 1 true; NULL: all null. */
void finding_json(struct json *json, const char *address, const struct discovery *discovery,
                  const int *proven);

#endif
