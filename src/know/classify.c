#include "know/classify.h"

#include "know/fit_int.h"

#include "base/banned.h"

/* What is told behind a frame: "Recipient address rejected: Quota exceeded" is not of the recipient. */
static bool find_reason(const struct look *look, const struct rule *rule, struct evidence *ret_inner)
{
    size_t end;

    for (size_t i = 0; i < rule->frames.count; i++) {
        if (!look->text.len || !pattern_end(look->text, rule->frames.at[i], &end))
            continue;
        *ret_inner = *look->evidence;
        ret_inner->err.reply = 0; /* the code was the frame's */
        memset(ret_inner->err.enhanced, 0, sizeof ret_inner->err.enhanced);
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
        .guess = rule->guess || rule->unsure || near,
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

/* Than what quotes it. A refused sign-in is more than a guess, whatever else is not known of it. */
static bool is_better_known(const struct evidence *quoted, enum sureness sure)
{
    return sure >= SURE_CODES || (quoted->err.reply == 535 && sure != SURE_NOTHING);
}

/* The rule for what is quoted within, where it is known better than by its codes alone. */
static const struct rule *inner_rule(const struct knowledge *know, const struct look *outer, const struct rule *rule,
                                     struct fit *fit)
{
    struct look look;
    struct fit inner_fit;
    struct evidence inner;
    bool quoted = quoted_refusal(outer->evidence, outer->text, &inner);

    if (!quoted && !(rule && find_reason(outer, rule, &inner)))
        return rule;
    look_at(know, &inner, &look);
    const struct rule *reason = best_rule(know, &look, &inner_fit);
    if (!reason || (quoted ? !is_better_known(&inner, inner_fit.sure) : !is_told(reason, inner_fit.sure)))
        return rule;
    if (!quoted && fit->sure > inner_fit.sure)
        inner_fit.sure = fit->sure; /* it makes plainer what was known before */
    *fit = inner_fit;
    return reason;
}

enum sureness classify_surely(const struct knowledge *know, const struct evidence *evidence,
                              struct verdict *ret_verdict)
{
    struct evidence placed;
    struct look look;
    struct fit fit;

    if (refusal_in_clear(evidence, &placed)) {
        evidence = &placed;
    } else if (refusal_of_a_sign_in(evidence)) {
        placed = *evidence;
        placed.stage = STAGE_AUTH;
        evidence = &placed;
    }
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
