/* The catalogue of causes (data/causes.ini): every failure anywhere ends as one of these. The ids
 * are part of the interface; the words are for people. Text lives as long as the knowledge.
 */
#ifndef OUTPOST_KNOW_CAUSE_H
#define OUTPOST_KNOW_CAUSE_H

#include "base/own.h"
#include "base/span.h"

struct ini_section;
struct knowledge;

/* What a failure concerns, and so what the queue acts on: an account's trouble never fails a
 * message. */
enum scope { SCOPE_CONNECTION, SCOPE_ACCOUNT, SCOPE_SENDER, SCOPE_RECIPIENT, SCOPE_MESSAGE };
const char *scope_word(enum scope scope); /* "connection" */
MUST_USE bool scope_from_word(struct span word, enum scope *ret_scope);

enum retry { RETRY_NOW, RETRY_LATER, RETRY_NEVER, RETRY_AFTER_FIX };
const char *retry_word(enum retry retry); /* "now", "later", "never", "after-fix" */
MUST_USE bool retry_from_word(struct span word, enum retry *ret_retry);

struct cause {
    const char *id, *title, *meaning;
    const char *elsewhere_title, *elsewhere_meaning; /* of another program's words; the same where it makes no difference */
    const char *who;   /* "you:account" */
    const char *takes; /* how long it usually takes */
    const char *group;
    enum scope scope;
    enum retry retry;
    const struct ini_section *section; /* for cause_fixes() */
};

size_t know_cause_count(const struct knowledge *know);
const struct cause *know_cause_at(const struct knowledge *know, size_t at);
const struct cause *know_cause(const struct knowledge *know, const char *id); /* NULL: no such id */

/* The steps that mend it, in order: those written for this provider (an id; NULL: not known), else
 * for its family, else for everyone; `elsewhere`, those written for another program, first of all, if there are any.
 * Fills at most `most`, returns how many. */
size_t cause_fixes(const struct knowledge *know, const struct cause *cause, const char *provider, bool elsewhere,
                   const char **ret_steps, size_t most);

#endif
