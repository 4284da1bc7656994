/* The aliases of a machine: who gets mail for a local name. The file's form is sendmail's (aliases(5)):
 *
 *     # a comment
 *     root: me@example.org, operator         names are told apart by more than case
 *     operator: \staff,                      a backslash: no further, a name like this has no alias
 *         someone@example.net                a line that begins with a blank goes on
 *     "odd name": me@example.org
 *
 * Targets that are programs (|...), files (/...) or lists in files (:include:) are refused, each with its line:
 * mail is never handed to a program, nor written to a file, because a file says so. What is wrong in a line spoils
 * that line and no other, for mail to root must not depend on it.
 *
 * Pure: the text is handed in.
 */
#ifndef OUTPOST_INTAKE_ALIASES_H
#define OUTPOST_INTAKE_ALIASES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"

enum {
    ALIASES_TEXT_MAX = 4 * 1024 * 1024,
    ALIASES_MAX = 100 * 1000,   /* aliases, and targets, and faults */
    ALIASES_FOUND_MAX = 10000,  /* addresses of one name */
};

struct aliases;

/* Fails for size (ERR_LIMIT) and memory alone. */
MUST_USE bool aliases_parse(struct span text, struct aliases **ret_aliases, struct err *err);
void aliases_free(struct aliases *aliases);
OWNED(aliases);
size_t aliases_count(const struct aliases *aliases);

/* What was refused, in the order of the file. */
struct alias_fault {
    unsigned line;
    const char *name; /* of the alias; "" where the line has none. Safe to show */
    const char *why;
};
size_t aliases_fault_count(const struct aliases *aliases);
const struct alias_fault *aliases_fault(const struct aliases *aliases, size_t at);

/* Is this domain a name of this machine? Then what stands before it is a local name: localhost, the host's name,
 * whole or its first label. */
bool aliases_is_local(struct span domain, const char *hostname);

struct alias_asker {
    const char *hostname; /* a domain */
    const char *admin;    /* an address elsewhere: gets what has no alias; NULL: nobody does */
};

struct alias_found { /* begins as { 0 } */
    char **at; /* addresses as they go on the wire; of two aliases with one target, twice */
    size_t count;
};
void alias_found_done(struct alias_found *found);

/* Follows a local name to its end. A name that stands among its own targets, and one that has no alias, is the
 * admin's. ERR_RECIPIENT where it leads nowhere: only to what is refused (telling the line), in a circle, or to
 * nobody, as no admin is set; ERR_LIMIT above ALIASES_FOUND_MAX. */
MUST_USE bool aliases_expand(const struct aliases *aliases, const struct alias_asker *asker, struct span name,
                             struct alias_found *found, struct err *err);

#endif
