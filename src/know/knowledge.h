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
/* Of a built-in file only what tells the profile, which stands before its rules: nothing of a file without
 * one. Knowledge made of these knows all profiles and can classify nothing; it costs a quarter. */
struct span know_profile_part(struct span text);

void knowledge_free(struct knowledge *know);
OWNED(knowledge);

#endif
