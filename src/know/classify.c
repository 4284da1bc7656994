#include "know/classify.h"

#include "base/scan.h"
#include "know/fit_int.h"

#include "base/banned.h"

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

/* What is told behind a frame: "Recipient address rejected: Quota exceeded" is not of the recipient. */
static bool find_reason(const struct look *look, const struct rule *rule, struct evidence *ret_inner)
{
    size_t end;

    for (size_t i = 0; i < rule->frames.count; i++) {
        if (!look->text.len || !pattern_end(look->text, rule->frames.at[i], &end))
            continue;
        *ret_inner = *look->evidence;
        err_said(&ret_inner->err, span_from(look->text, end));
        if (ret_inner->err.said[0])
            return true;
    }
    return false;
}

static void fill_verdict(const struct knowledge *know, const struct rule *rule, bool near, struct verdict *verdict)
{
    *verdict = (struct verdict){
        .cause = rule->cause,
        .also_count = rule->also_count,
        .guess = rule->guess || near,
        .scope = rule->has_scope ? rule->scope : rule->cause->scope,
        .retry = rule->has_retry ? rule->retry : rule->cause->retry,
        .wait_ms = rule->wait_ms,
        .rule = rule->name,
        .provider = know->owners[rule->owner].id,
    };
    memcpy(verdict->also, rule->also, sizeof verdict->also);
}

/* By its words, and not by how a program says that it failed. */
static bool is_told(const struct rule *rule, enum sureness sure)
{
    return sure == SURE_NEAR || (sure >= SURE_WEAK && asks_for_words(rule));
}

/* The rule for what is quoted within, where it is known better than by its codes alone. */
static const struct rule *inner_rule(const struct knowledge *know, const struct look *outer, const struct rule *rule,
                                     struct fit *fit)
{
    struct look look;
    struct fit inner_fit;
    struct evidence inner;
    bool quoted = find_inner(outer, &inner);

    if (!quoted && !(rule && find_reason(outer, rule, &inner)))
        return rule;
    look_at(know, &inner, &look);
    const struct rule *reason = best_rule(know, &look, &inner_fit);
    if (!reason || (quoted ? inner_fit.sure < SURE_CODES : !is_told(reason, inner_fit.sure)))
        return rule;
    if (!quoted && fit->sure > inner_fit.sure)
        inner_fit.sure = fit->sure; /* it makes plainer what was known before */
    *fit = inner_fit;
    return reason;
}

enum sureness classify_surely(const struct knowledge *know, const struct evidence *evidence,
                              struct verdict *ret_verdict)
{
    struct look look;
    struct fit fit;

    look_at(know, evidence, &look);
    const struct rule *rule = inner_rule(know, &look, best_rule(know, &look, &fit), &fit);
    if (!rule)
        return SURE_NOTHING;
    fill_verdict(know, rule, fit.near, ret_verdict);
    if (evidence->wait_ms)
        ret_verdict->wait_ms = evidence->wait_ms;
    return fit.sure;
}

bool classify(const struct knowledge *know, const struct evidence *evidence,
              struct verdict *ret_verdict)
{
    return classify_surely(know, evidence, ret_verdict) != SURE_NOTHING;
}
