/* What a provider says for a cause: the `says` of its rules, for whoever plays it. */
#include "know/knowledge_int.h"

#include "base/banned.h"

static const char *says(const struct knowledge *know, size_t owner, const char *cause)
{
    for (size_t i = 0; i < know->rule_count; i++) {
        const struct rule *rule = &know->rules[i];
        if (rule->owner == owner && rule->says && strcmp(rule->cause->id, cause) == 0)
            return rule->says;
    }
    return NULL;
}

const char *know_reply_example(const struct knowledge *know, const char *provider, const char *cause)
{
    for (unsigned deep = 0; provider && deep < OWNERS_DEEP; deep++) {
        size_t owner = owner_find(know, provider);
        if (owner == know->owner_count)
            return NULL;
        const char *reply = says(know, owner, cause);
        if (reply)
            return reply;
        provider = know->owners[owner].family;
    }
    return NULL;
}
