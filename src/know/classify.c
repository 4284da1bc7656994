#include "know/classify.h"

#include <stdio.h>

#include "base/scan.h"
#include "base/str.h"
#include "know/knowledge_int.h"

#include "base/banned.h"

/* Shorter words prove nothing by themselves: such a rule wants its codes to be known, too. */
enum { WORDS_LEAST = 12 };

/* The evidence as rules look at it. */
struct look {
    const struct evidence *evidence;
    const char *fact;   /* what was found, or what failed; NULL */
    struct span text;   /* the words, without repeated codes */
    char code[8];       /* "535", or "" */
    char enhanced[24];  /* "5.7.139", or "" */
    char port[8];
    size_t chain[OWNERS_DEEP]; /* whose rules hold, nearest first */
    size_t chain_len;          /* 0: the provider isn't known */
    char words[2 * ERR_TEXT_MAX];
};

/* How well a rule fits. Compared from the first to the last. */
struct fit {
    enum sureness sure;
    int nearness; /* of the rule's owner to the evidence's provider */
    int exact;
};

static bool is_better(const struct fit *a, const struct fit *b)
{
    if (a->sure != b->sure)
        return a->sure > b->sure;
    if (a->nearness != b->nearness)
        return a->nearness > b->nearness;
    return a->exact > b->exact;
}

/* Replies of many lines repeat their codes: "... Learn more at 5.7.8 https://...". */
static bool is_repeated_code(const struct look *look, struct span word, struct span rest)
{
    size_t digits = strlen(look->code);

    if (look->enhanced[0] && span_is(word, look->enhanced))
        return true;
    if (!digits || !span_starts(word, look->code))
        return false;
    if (word.len == digits)
        return look->enhanced[0] && span_starts(span_trim(rest), look->enhanced);
    return word.at[digits] == '-' && look->enhanced[0] &&
           span_is(span_from(word, digits + 1), look->enhanced);
}

static void take_words(struct look *look, struct span said)
{
    struct span word;
    size_t len = 0;

    while (span_split(&said, ' ', &word)) {
        if (word.len == 0 || is_repeated_code(look, word, said))
            continue;
        if (len + word.len + 2 > sizeof look->words)
            break;
        if (len)
            look->words[len++] = ' ';
        memcpy(look->words + len, word.at, word.len);
        len += word.len;
    }
    look->text = (struct span){ look->words, len };
}

static void take_chain(const struct knowledge *know, struct look *look)
{
    const char *id = look->evidence->provider;

    if (!id && look->evidence->host) {
        const struct profile *profile = know_profile_of_host(know, span_of(look->evidence->host));
        id = profile ? profile->id : NULL;
    }
    while (id && look->chain_len < OWNERS_DEEP) {
        size_t owner = owner_find(know, id);
        if (owner == know->owner_count)
            return;
        look->chain[look->chain_len++] = owner;
        id = know->owners[owner].family;
    }
}

/* Their words, else ours; but what we say of this machine proves nothing: there are paths and names in
 * it, and what there is to be known stands in the fact. */
static struct span words_of(const struct evidence *evidence)
{
    const struct err *err = &evidence->err;

    if (err->said[0])
        return span_of(err->said);
    return evidence->stage == STAGE_LOCAL ? SPAN_NONE : span_of(err->text);
}

/* What failed, where there is nothing else to judge by: so no failure of ours is without a cause. Of a text
 * whose place nobody knows (STAGE_NONE) it says nothing. */
static const char *fact_of(const struct evidence *evidence)
{
    const struct err *err = &evidence->err;
    static const char *const kinds[] = {
        [ERR_USAGE] = "kind:usage",   [ERR_DATA] = "kind:data",         [ERR_INPUT] = "kind:input",
        [ERR_LIMIT] = "kind:limit",   [ERR_CREATE] = "kind:create",     [ERR_IO] = "kind:io",
        [ERR_CONFIG] = "kind:config", [ERR_INTERNAL] = "kind:internal", [ERR_MEMORY] = "kind:memory",
        [ERR_PROTOCOL] = "kind:protocol",
    };

    if (err->fact || err->reply || err->said[0] || evidence->stage == STAGE_NONE)
        return err->fact;
    return err->kind < COUNT(kinds) ? kinds[err->kind] : NULL;
}

static void look_at(const struct knowledge *know, const struct evidence *evidence,
                    struct look *look)
{
    const struct err *err = &evidence->err;

    *look = (struct look){ .evidence = evidence, .fact = fact_of(evidence) };
    if (err->reply)
        snprintf(look->code, sizeof look->code, "%u", (unsigned)err->reply);
    if (err->enhanced[0])
        snprintf(look->enhanced, sizeof look->enhanced, "%u.%u.%u", (unsigned)err->enhanced[0],
                 (unsigned)err->enhanced[1], (unsigned)err->enhanced[2]);
    if (evidence->port)
        snprintf(look->port, sizeof look->port, "%u", (unsigned)evidence->port);
    take_words(look, words_of(evidence));
    take_chain(know, look);
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

/* How many bytes the longest pattern that is in the text tells; -1 where none is. */
static int text_exactness(struct words patterns, struct span text)
{
    int longest = -1;

    for (size_t i = 0; i < patterns.count; i++) {
        int len = (int)strlen(patterns.at[i]);
        if (len > longest && text.len && pattern_in(text, patterns.at[i]))
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
    bool content = knows_words || (rule->enhanced.count && enhanced == YES && !rule->guess);
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

/* How well words and fact are known: -1 where the rule asks for some and none is there. */
static int weigh_words(const struct rule *rule, const struct look *look)
{
    if (rule->facts.count && one_of(rule->facts, look->fact) == YES)
        return WORDS_LEAST + 40;
    return text_exactness(rule->texts, look->text);
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

static bool fits(const struct knowledge *know, const struct rule *rule, const struct look *look,
                 struct fit *ret_fit)
{
    bool asks_words = rule->texts.count || rule->facts.count;
    struct fit fit = { .nearness = nearness_of(know, rule, look, asks_words) };

    if (!fit.nearness || !weigh_circumstances(rule, look, &fit.exact))
        return false;
    int words = asks_words ? weigh_words(rule, look) : 0;
    bool unseen;
    if (words < 0 || !weigh_codes(rule, look, words >= WORDS_LEAST, &fit.exact, &unseen))
        return false;
    /* Without the code they may be anybody's words: a program's own, as likely as the provider's. */
    if (unseen)
        fit.nearness = 1;
    /* A tie is the generic rule's. */
    fit.exact = 2 * (fit.exact + words) + know->owners[rule->owner].generic;
    fit.sure = rule->guess                          ? SURE_GUESS
               : rule->weak                         ? SURE_WEAK
               : asks_words || rule->found.count ? SURE_WORDS
                                                    : SURE_CODES;
    *ret_fit = fit;
    return true;
}

static const struct rule *best_rule(const struct knowledge *know, const struct look *look,
                                    struct fit *ret_fit)
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

static bool is_code_at(struct span text, size_t at, struct evidence *inner)
{
    struct scan scan = { text, at };
    uint64_t code, class, subject, detail;

    if (at == 0 || (text.at[at - 1] != ' ' && text.at[at - 1] != '(' && text.at[at - 1] != '"'))
        return false;
    if (!scan_number(&scan, 400, 599, &code) || scan.at != at + 3 ||
        !(scan_char(&scan, ' ') || scan_char(&scan, '-')) || !scan_number(&scan, 4, 5, &class) ||
        !scan_char(&scan, '.') || !scan_number(&scan, 0, 7, &subject) || !scan_char(&scan, '.') ||
        !scan_number(&scan, 0, 999, &detail) || !(scan_end(&scan) || scan_char(&scan, ' ')))
        return false;
    inner->err.reply = (uint16_t)code;
    inner->err.enhanced[0] = (uint16_t)class;
    inner->err.enhanced[1] = (uint16_t)subject;
    inner->err.enhanced[2] = (uint16_t)detail;
    err_said(&inner->err, scan_rest(&scan));
    return true;
}

/* A refusal quoted within the words of another: "... Error: 535 5.7.139 Authentication
 * unsuccessful". */
static bool find_inner(const struct look *look, struct evidence *ret_inner)
{
    struct evidence inner = *look->evidence;

    for (size_t i = 1; i + 3 < look->text.len; i++) {
        if (!is_code_at(look->text, i, &inner))
            continue;
        if (inner.err.reply / 10 == 53)
            inner.stage = STAGE_AUTH;
        *ret_inner = inner;
        return true;
    }
    return false;
}

static void fill_verdict(const struct knowledge *know, const struct rule *rule,
                         struct verdict *verdict)
{
    *verdict = (struct verdict){
        .cause = rule->cause,
        .also_count = rule->also_count,
        .guess = rule->guess,
        .scope = rule->has_scope ? rule->scope : rule->cause->scope,
        .retry = rule->has_retry ? rule->retry : rule->cause->retry,
        .wait_ms = rule->wait_ms,
        .rule = rule->name,
        .provider = know->owners[rule->owner].id,
    };
    memcpy(verdict->also, rule->also, sizeof verdict->also);
}

enum sureness classify_surely(const struct knowledge *know, const struct evidence *evidence,
                              struct verdict *ret_verdict)
{
    struct look outer, quoted;
    struct fit fit, inner_fit;
    struct evidence inner;

    look_at(know, evidence, &outer);
    const struct rule *rule = best_rule(know, &outer, &fit);
    if (find_inner(&outer, &inner)) {
        look_at(know, &inner, &quoted);
        const struct rule *reason = best_rule(know, &quoted, &inner_fit);
        if (reason && inner_fit.sure >= SURE_CODES) {
            rule = reason;
            fit = inner_fit;
        }
    }
    if (!rule)
        return SURE_NOTHING;
    fill_verdict(know, rule, ret_verdict);
    if (evidence->wait_ms)
        ret_verdict->wait_ms = evidence->wait_ms;
    return fit.sure;
}

bool classify(const struct knowledge *know, const struct evidence *evidence,
              struct verdict *ret_verdict)
{
    return classify_surely(know, evidence, ret_verdict) != SURE_NOTHING;
}
