/* What a provider says: the examples of the rules, for whoever plays it. */
#include "base/scan.h"
#include "base/str.h"
#include "know/knowledge_int.h"

#include "base/banned.h"

/* A reply as a server writes it, "535 5.7.139 ...", not as some program quotes it. */
static bool is_reply(struct span text)
{
    struct scan scan = scan_of(text);
    uint64_t number;

    return scan_number(&scan, 400, 599, &number) && scan.at == 3 && scan_char(&scan, ' ')
           && scan_number(&scan, 4, 5, &number) && scan_char(&scan, '.');
}

static struct span reply_of(const struct rule *rule)
{
    for (const struct ini_entry *e = NULL; (e = ini_next(rule->section, e, "example"));) {
        if (is_reply(e->value))
            return e->value;
    }
    return SPAN_NONE;
}

/* What the rules of one owner say; those that know an enhanced code first. */
static struct span example_of(const struct knowledge *know, size_t owner, const char *cause,
                              bool enhanced)
{
    for (size_t i = 0; i < know->rule_count; i++) {
        const struct rule *rule = &know->rules[i];
        if (rule->owner != owner || strcmp(rule->cause->id, cause) != 0
            || (rule->enhanced.count > 0) != enhanced)
            continue;
        struct span reply = reply_of(rule);
        if (reply.len)
            return reply;
    }
    return SPAN_NONE;
}

struct span know_reply_example(const struct knowledge *know, const char *provider, const char *cause)
{
    for (unsigned exact = 2; exact-- > 0;) {
        const char *id = provider;
        for (unsigned deep = 0; id && deep < OWNERS_DEEP; deep++) {
            size_t owner = owner_find(know, id);
            if (owner == know->owner_count)
                break;
            struct span reply = example_of(know, owner, cause, exact);
            if (reply.len)
                return reply;
            id = know->owners[owner].family;
        }
    }
    return SPAN_NONE;
}
