/* All that is known, in one: profiles, reply rules, causes. Made once from texts, then only read,
 * so threads may share it. Pure: the texts are handed in, built-in ones from know_embedded() first,
 * then those that a machine's owner put beside them.
 */
#ifndef OUTPOST_KNOW_KNOWLEDGE_H
#define OUTPOST_KNOW_KNOWLEDGE_H

#include "base/err.h"
#include "base/own.h"

struct knowledge;

struct knowledge_text {
    const char *name; /* of the file, for errors */
    struct span text;
};

/* A provider, family or cause told twice is the later one's, whole. The texts are copied. Fails
 * with ERR_CONFIG, naming file and line, on an unknown key, a bad value, a rule without a known
 * cause. */
MUST_USE bool know_new(const struct knowledge_text *texts, size_t count,
                       struct knowledge **ret_know, struct err *err);
/* Which of some texts (numbered from 0) has a profile by this name: its id, a domain, a server, now or of
 * old. In lines "NAME NUMBER", each between two line ends, in small letters; exact names, and patterns such
 * as hotmail.* and smtp.{region}.example.com. */
struct knowledge_index {
    struct span names, patterns;
};

/* Knowledge of the texts that belong to this index, as far as `names` ask: for each of them know_profile(),
 * know_profile_of_domain() and know_profile_of_host() answer as if all had been read. Nothing else is known:
 * no MX host, no rule, no cause. Reading all takes milliseconds; this is for who sends one message, which
 * goes through. Empty names are passed over. */
MUST_USE bool know_new_few(const struct knowledge_text *texts, size_t count, struct knowledge_index index,
                           const struct span *names, size_t name_count, struct knowledge **ret_know,
                           struct err *err);

void knowledge_free(struct knowledge *know);
OWNED(knowledge);

#endif
