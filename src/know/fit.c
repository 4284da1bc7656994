/* How well a rule fits what is known of a failure. */
#include "base/str.h"
#include "know/fit_int.h"

#include "base/banned.h"

/* Shorter words prove nothing by themselves: such a rule wants its codes to be known, too. */
enum { WORDS_LEAST = 12 };

static bool is_better(const struct fit *a, const struct fit *b)
{
    if (a->sure != b->sure)
        return a->sure > b->sure;
    if (a->nearness != b->nearness)
        return a->nearness > b->nearness;
    return a->exact > b->exact;
}

enum answer { NO, NOT_KNOWN, YES };

/* One of the words, where '*' stands for anything and, in codes, 'x' for a digit. */
static enum answer one_of(struct words words, const char *value)
{
    if (!value || !value[0])
        return NOT_KNOWN;
    for (size_t i = 0; i < words.count; i++)
        if (str_matches(span_of(value), words.at[i]))
            return YES;
    return NO;
}

/* 535, or 5xx; *exact says how exactly it was named. */
static enum answer one_of_codes(struct words words, const char *code, int *exact)
{
    enum answer answer = code[0] ? NO : NOT_KNOWN;

    for (size_t i = 0; code[0] && i < words.count; i++) {
        const char *want = words.at[i];
        bool class = want[0] == code[0] && strcmp(want + 1, "xx") == 0;
        if (!class && strcmp(want, code) != 0)
            continue;
        *exact = class ? 15 : 25;
        answer = YES;
    }
    return answer;
}

static enum answer one_of_stages(unsigned stages, enum stage stage)
{
    if (stage == STAGE_NONE && !(stages & 1U << STAGE_NONE))
        return NOT_KNOWN;
    return stages & (1U << stage) ? YES : NO;
}

static bool all_found(struct words words, const char *const *found)
{
    for (size_t i = 0; i < words.count; i++) {
        const char *const *at = found;
        while (at && *at && strcmp(*at, words.at[i]) != 0)
            at++;
        if (!at || !*at)
            return false;
    }
    return true;
}

/* How many bytes the longest pattern that is in the words tells; -1 where none is. */
static int text_exactness(struct words patterns, const struct look *look)
{
    int longest = -1;

    for (size_t i = 0; i < patterns.count; i++) {
        int len = look_may_have(look, patterns.at[i]) ? (int)strlen(patterns.at[i]) : -1;
        if (len > longest && pattern_in(look->text, patterns.at[i]))
            longest = len;
    }
    return longest;
}

/* What the circumstances add, which few texts tell: a rule that asks for one wants it known. */
static bool weigh_circumstances(const struct rule *rule, const struct look *look, int *exact)
{
    const struct evidence *e = look->evidence;
    const struct {
        const struct words *asked;
        const char *is;
        int exact;
    } conditions[] = {
        { &rule->mechanisms, e->mechanism, 60 },
        { &rule->ports, look->port, 30 },
        { &rule->securities, e->security, 30 },
        { &rule->hosts, e->host, 60 },
    };

    for (size_t i = 0; i < COUNT(conditions); i++) {
        if (!conditions[i].asked->count)
            continue;
        if (one_of(*conditions[i].asked, conditions[i].is) != YES)
            return false;
        *exact += conditions[i].exact;
    }
    *exact += (int)rule->found.count * 200;
    return all_found(rule->found, e->found);
}

/* What codes and stage add; false where one contradicts. A rule that knows the words minds nothing
 * that isn't known; nor does one that knows the enhanced code. *ret_unseen: it asks for a code, and
 * none is there. */
static bool weigh_codes(const struct rule *rule, const struct look *look, bool knows_words,
                        int *exact, bool *ret_unseen)
{
    enum answer enhanced = one_of(rule->enhanced, look->enhanced);
    enum stage stage = look->evidence->stage;
    int code_exact = 0;
    enum answer code = one_of_codes(rule->codes, look->code, &code_exact);
    *ret_unseen = rule->codes.count && code == NOT_KNOWN && enhanced != YES;
    bool content = !rule->strict && (knows_words || (rule->enhanced.count && enhanced == YES && !rule->guess));
    const struct {
        bool asked;
        enum answer answer;
        int exact;
    } conditions[] = {
        { rule->enhanced.count, enhanced, 40 },
        { rule->codes.count, code, code_exact },
        { rule->stages, one_of_stages(rule->stages, stage), stage == STAGE_NONE ? 0 : 50 },
    };

    for (size_t i = 0; i < COUNT(conditions); i++) {
        if (!conditions[i].asked)
            continue;
        if (conditions[i].answer == NO || (conditions[i].answer == NOT_KNOWN && !content))
            return false;
        *exact += conditions[i].answer == YES ? conditions[i].exact : 0;
    }
    return true;
}

static int near_exactness(struct words lines, const struct near_text *near)
{
    int most = -1;

    for (size_t i = 0; i < lines.count; i++) {
        int told = near_in(near, lines.at[i]);
        most = told > most ? told : most;
    }
    return most;
}

enum { FACT_EXACT = WORDS_LEAST + 40 };

/* How well words and fact are known: -1 where the rule asks for some and none is there. *ret_near: they are known
 * by what stands near one another alone. */
static int weigh_words(const struct rule *rule, const struct look *look, bool *ret_near)
{
    bool fact = rule->facts.count && one_of(rule->facts, look->fact) == YES;

    *ret_near = false;
    if (rule->strict && rule->facts.count && rule->texts.count) {
        int told = fact ? text_exactness(rule->texts, look) : -1;
        return told < 0 ? -1 : FACT_EXACT + told;
    }
    if (fact)
        return FACT_EXACT;
    int words = text_exactness(rule->texts, look);
    int frame = text_exactness(rule->frames, look);
    if (words >= 0 || frame >= 0)
        return words > frame ? words : frame;
    words = near_exactness(rule->nears, &look->near);
    *ret_near = words >= 0;
    return words < 0 ? -1 : WORDS_LEAST + words;
}

/* The nearer, the higher; 0 is too far away to be asked. */
static int nearness_of(const struct knowledge *know, const struct rule *rule,
                       const struct look *look, bool asks_words)
{
    for (size_t i = 0; i < look->chain_len; i++)
        if (look->chain[i] == rule->owner)
            return OWNERS_DEEP + 1 - (int)i;
    if (know->owners[rule->owner].generic)
        return 1;
    return look->chain_len == 0 && asks_words && !rule->own ? 1 : 0;
}

/* 5.7.26 means one thing; of 5.7.1 or 5.1.1 all kinds of things are said (RFC 3463 has but few below ten). */
static bool is_precise(const struct evidence *evidence)
{
    return evidence->err.enhanced[2] >= 10;
}

bool asks_for_words(const struct rule *rule)
{
    return rule->texts.count || rule->frames.count || rule->nears.count || rule->facts.count;
}

static bool fits(const struct knowledge *know, const struct rule *rule, const struct look *look,
                 struct fit *ret_fit)
{
    bool asks_words = asks_for_words(rule), near = false;
    struct fit fit = { .nearness = nearness_of(know, rule, look, asks_words) };

    if (!fit.nearness || !weigh_circumstances(rule, look, &fit.exact))
        return false;
    int words = asks_words ? weigh_words(rule, look, &near) : 0;
    bool unseen;
    if (words < 0 || !weigh_codes(rule, look, words >= WORDS_LEAST, &fit.exact, &unseen))
        return false;
    /* Without the code they may be anybody's words: a program's own, as likely as the provider's. */
    if (unseen)
        fit.nearness = 1;
    /* A tie is the generic rule's. */
    fit.exact = 2 * (fit.exact + words) + know->owners[rule->owner].generic;
    fit.near = near;
    fit.sure = near                              ? SURE_NEAR
               : rule->guess                     ? (asks_words ? SURE_HINT : SURE_GUESS)
               : rule->weak                      ? SURE_WEAK
               : asks_words || rule->found.count || (rule->enhanced.count && is_precise(look->evidence)) ? SURE_WORDS
                                                 : SURE_CODES;
    *ret_fit = fit;
    return true;
}

const struct rule *best_rule(const struct knowledge *know, const struct look *look, struct fit *ret_fit)
{
    const struct rule *best = NULL;
    struct fit best_fit = { .sure = SURE_NOTHING }, fit;

    for (size_t i = 0; i < know->rule_count; i++) {
        if (!fits(know, &know->rules[i], look, &fit) || (best && !is_better(&fit, &best_fit)))
            continue;
        best = &know->rules[i];
        best_fit = fit;
    }
    *ret_fit = best_fit;
    return best;
}
