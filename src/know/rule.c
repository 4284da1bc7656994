/* From a [rule NAME] section to a rule: the table is the format. */
#include "know/knowledge_int.h"

#include "base/banned.h"

#define STAGE_WORDS                                                                      \
    "none local resolve connect tls greeting ehlo starttls token auth mail rcpt data " \
    "body end quit https"
#define SCOPE_WORDS "connection account sender recipient message"

struct draft {
    struct rule rule;
    const char *cause;
    struct words also;
};

#define AT(field)       offsetof(struct draft, rule.field)
#define IN_DRAFT(field) offsetof(struct draft, field)

static const struct key keys[] = {
    { "cause",             KEY_TEXT,     IN_DRAFT(cause), NULL                        },
    { "also",              KEY_WORDS,    IN_DRAFT(also),  NULL                        },
    { "stage",             KEY_BITS,     AT(stages),      STAGE_WORDS                 },
    { "text",              KEY_LINES,    AT(texts),       NULL                        },
    { "frame",             KEY_LINES,    AT(frames),      NULL                        },
    { "near",              KEY_LINES,    AT(nears),       NULL                        },
    { "fact",              KEY_WORDS,    AT(facts),       NULL                        },
    { "code",              KEY_WORDS,    AT(codes),       NULL                        },
    { "enhanced",          KEY_WORDS,    AT(enhanced),    NULL                        },
    { "mechanism",         KEY_WORDS,    AT(mechanisms),  NULL                        },
    { "port",              KEY_WORDS,    AT(ports),       NULL                        },
    { "security",          KEY_WORDS,    AT(securities),  NULL                        },
    { "host",              KEY_WORDS,    AT(hosts),       NULL                        },
    { "found",             KEY_WORDS,    AT(found),       NULL                        },
    { "scope",             KEY_CHOICE,   AT(scope),       SCOPE_WORDS                 },
    { "retry",             KEY_CHOICE,   AT(retry),       "now later never after-fix" },
    { "wait",              KEY_DURATION, AT(wait_ms),     NULL                        },
    { "own",               KEY_YES,      AT(own),         NULL                        },
    { "weak",              KEY_YES,      AT(weak),        NULL                        },
    { "strict",            KEY_YES,      AT(strict),      NULL                        },
    { "guess",             KEY_YES,      AT(guess),       NULL                        },
    { "unsure",            KEY_YES,      AT(unsure),      NULL                        },
    { "says",              KEY_TEXT,     AT(says),       NULL                                         },
    { "example",           KEY_IGNORED,  0,               NULL                        },
    { "example.stage",     KEY_IGNORED,  0,               NULL                        },
    { "example.mechanism", KEY_IGNORED,  0,               NULL                        },
    { "example.fact",      KEY_IGNORED,  0,               NULL                        },
    { "example.found",     KEY_IGNORED,  0,               NULL                        },
    { "example.host",      KEY_IGNORED,  0,               NULL                        },
    { "example.port",      KEY_IGNORED,  0,               NULL                        },
    { "example.security",  KEY_IGNORED,  0,               NULL                        },
    { "example.code",      KEY_IGNORED,  0,               NULL                        },
};

static bool bad(const struct ini_section *section, const char *what, const char *why,
                struct err *err)
{
    return err_found(err, ERR_CONFIG, "config:bad", "line %u: rule %s: %s %s", section->line,
                     section->name.at, what, why);
}

static bool asks_for_nothing(const struct rule *rule)
{
    return !rule->texts.count && !rule->frames.count && !rule->nears.count && !rule->facts.count && !rule->codes.count &&
           !rule->enhanced.count && !rule->stages;
}

static bool find_causes(const struct knowledge *know, struct draft *draft, struct err *err)
{
    struct rule *rule = &draft->rule;

    if (!draft->cause)
        return bad(rule->section, "cause", "is missing", err);
    rule->cause = know_cause(know, draft->cause);
    if (!rule->cause)
        return bad(rule->section, draft->cause, "is no cause", err);
    if (draft->also.count > VERDICT_ALSO_MAX)
        return bad(rule->section, "also", "names too many", err);
    for (size_t i = 0; i < draft->also.count; i++) {
        rule->also[i] = know_cause(know, draft->also.at[i]);
        if (!rule->also[i])
            return bad(rule->section, draft->also.at[i], "is no cause", err);
    }
    rule->also_count = draft->also.count;
    return true;
}

bool rule_read(struct knowledge *know, const struct ini_section *section, size_t owner,
               struct rule *ret_rule, struct err *err)
{
    struct draft draft = {
        .rule = { .name = section->name.at, .owner = owner, .section = section },
    };

    if (!section->name.len)
        return bad(section, "name", "is missing", err);
    if (!keys_read(know, section, keys, COUNT(keys), &draft, err) ||
        !find_causes(know, &draft, err))
        return false;
    if (asks_for_nothing(&draft.rule))
        return bad(section, "conditions", "are missing", err);
    for (size_t i = 0; i < draft.rule.texts.count; i++)
        if (!draft.rule.texts.at[i][0])
            return bad(section, "text", "is empty: words with a # want quotes", err);
    draft.rule.has_scope = ini_value(section, "scope").len > 0;
    draft.rule.has_retry = ini_value(section, "retry").len > 0;
    *ret_rule = draft.rule;
    return true;
}
