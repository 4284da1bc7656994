#include "doctor/second.h"

#include "base/alloc.h"
#include "know/classify.h"
#include "net/loop.h"
#include "net/timer.h"

#include "base/banned.h"

enum { TOKEN_PATIENCE_MS = 9 * 1000 };

struct second {
    struct loop *loop;
    const struct second_plan *plan;
    struct second_view *view;
    void (*changed)(void *who);
    void *who;
    struct timer *timer; /* tells by the loop's next turn */
    unsigned waits;      /* for so many */
    struct token_look *token;
    struct clock_hosts hosts;
    struct clock_look *clock;
    struct mechanism_look *mechanism;
    struct chain_look_plan chain_plan;
    struct chain_look *chain;
};

static void over(struct second *second)
{
    second->waits--;
    timer_set(second->timer, loop_now(second->loop));
}

static void rang(void *who)
{
    struct second *second = who;

    second->changed(second->who);
}

static bool has_fact(const struct second *second, const char *fact)
{
    const char *has = second->plan->evidence->err.fact;

    return has && strcmp(has, fact) == 0;
}

/* What would be said of it without a second look. */
static bool judge_at_once(const struct second_plan *plan, struct verdict *ret_verdict)
{
    struct evidence evidence = *plan->evidence;

    if (!evidence.provider && plan->target->profile)
        evidence.provider = plan->target->profile->id;
    return classify(plan->know, &evidence, ret_verdict);
}

/* ---- the clock ---- */

static const char *proxy_of(const struct second_plan *plan)
{
    return plan->trust && plan->trust->proxy ? plan->trust->proxy : plan->world->credentials.proxy;
}

static bool names_clock(const struct verdict *verdict)
{
    bool names = strcmp(verdict->cause->id, "clock_wrong") == 0;

    for (size_t i = 0; i < verdict->also_count; i++)
        names |= strcmp(verdict->also[i]->id, "clock_wrong") == 0;
    return names;
}

/* Where dates fail, or the server's words leave the clock in doubt. And an application that proves itself by a certificate
 * signs what is good for minutes, by our clock: whoever refuses that need not say why. */
static bool wants_clock(const struct second *second)
{
    const struct second_plan *plan = second->plan;
    struct verdict verdict;

    return has_fact(second, "cert:expired") || has_fact(second, "cert:root-expired") || has_fact(second, "cert:not-yet-valid") ||
           (has_fact(second, "oauth:invalid-client") && plan->trust && plan->trust->certificate) ||
           (judge_at_once(plan, &verdict) && names_clock(&verdict));
}

/* Of the clock and what has dates, whichever came last. The certificates are the mail server's; a token server's nobody
 * has kept. */
static void judge_dates(struct second *second)
{
    const struct second_plan *plan = second->plan;
    bool elsewhere = plan->evidence->stage == STAGE_TOKEN || plan->evidence->stage == STAGE_HTTPS;
    const struct clock_doubt doubt = {
        .shown = elsewhere ? NULL : &plan->ladder->shown,
        .from = second->view->token.from,
        .until = second->view->token.until,
    };

    clock_judge(&second->view->clock, &doubt, &second->view->clock_facts);
}

static void clock_came(void *who, const struct clock_reading *reading)
{
    struct second *second = who;

    second->view->clock = *reading;
    judge_dates(second);
    over(second);
}

static void look_at_clock(struct second *second)
{
    const struct second_plan *plan = second->plan;

    if (second->clock || !plan->world->credentials.clock)
        return;
    clock_hosts(plan->know, plan->target, &second->hosts);
    if (clock_look_start(second->loop, plan->world, proxy_of(plan), &second->hosts, clock_came, second, &second->clock,
                         NULL))
        second->waits++;
}

/* ---- the token ---- */

/* Was one refused, in words that leave more than one cause? Then it may say itself which. */
static bool wants_token(const struct second *second)
{
    const struct second_plan *plan = second->plan;
    struct verdict verdict;

    if (plan->evidence->stage != STAGE_AUTH || plan->evidence->err.reply / 100 != 5 || !plan->account ||
        account_credential(plan->account) != SASL_TOKEN)
        return false;
    return !judge_at_once(plan, &verdict) || verdict.also_count || verdict.guess;
}

/* Dates in it are a question of the clock, too. */
static void token_came(void *who, const struct token_facts *facts)
{
    struct second *second = who;

    second->view->token = *facts;
    if (facts->from || facts->until)
        look_at_clock(second);
    judge_dates(second);
    over(second);
}

/* It may come at once, within the call. */
static void look_at_token(struct second *second)
{
    const struct second_plan *plan = second->plan;
    const struct credential_world *world = &plan->world->credentials;
    struct token_wish wish;

    token_wish_for(plan->know, plan->account, plan->target->profile, clock_wall(world->clock), &wish);
    second->waits++;
    if (!token_look_start(world, plan->account, &wish, loop_now(second->loop) + TOKEN_PATIENCE_MS, token_came, second,
                          &second->token, NULL))
        second->waits--;
}

/* ---- another mechanism ---- */

/* "Wrong user name or password", and no more: from a provider whose words are known that is certain, and a further try
 * of a wrong password would bring the account nearer to its lock. */
static bool wants_mechanism(const struct second *second)
{
    const struct second_plan *plan = second->plan;
    struct verdict verdict;

    return plan->evidence->stage == STAGE_AUTH && plan->evidence->err.reply == 535 && plan->account &&
           !plan->target->profile && account_credential(plan->account) == SASL_PASSWORD &&
           classify(plan->know, plan->evidence, &verdict) && strcmp(verdict.cause->id, "auth_bad_credentials") == 0;
}

static void mechanism_tried(void *who, const char *works)
{
    struct second *second = who;

    second->view->mechanism = works;
    over(second);
}

/* In TLS, which is verified always, a list of the account's own is a wish that may be wrong; in clear text it is kept to. */
static unsigned able_to(const struct account *account)
{
    unsigned named = account_mechanisms(account);

    return account_security(account) == SECURITY_NONE ? named : named | (sasl_for_credential(SASL_PASSWORD) & SASL_USUAL);
}

static void look_at_mechanisms(struct second *second)
{
    const struct second_plan *plan = second->plan;
    struct mechanism_list list;

    mechanism_choose(plan->ladder->offered, able_to(plan->account), plan->ladder->tried, &list);
    if (list.count && mechanism_look_start(second->loop, plan->world, plan->account, &list, mechanism_tried, second,
                                           &second->mechanism, NULL))
        second->waits++;
}

/* ---- the chain ---- */

static bool wants_chain(const struct second *second)
{
    return second->plan->ladder->shown.chain_len && has_fact(second, "cert:untrusted-issuer");
}

static void chain_came(void *who, bool left_out)
{
    struct second *second = who;

    second->view->left_out = left_out;
    over(second);
}

static void look_at_chain(struct second *second)
{
    const struct second_plan *plan = second->plan;
    const char *ca_file = plan->world->credentials.ca_file;

    second->chain_plan = (struct chain_look_plan){
        .shown = &plan->ladder->shown,
        .ca_file = !ca_file && plan->trust ? plan->trust->ca_file : ca_file,
        .resolver = plan->world->credentials.resolver,
        .detours = plan->world->credentials.detours,
        .behind_proxy = proxy_of(plan) != NULL,
    };
    if (chain_look_start(second->loop, &second->chain_plan, chain_came, second, &second->chain, NULL) && second->chain)
        second->waits++;
}

/* ---- a life ---- */

/* What can't be looked at tells nothing. */
bool second_start(struct loop *loop, const struct second_plan *plan, struct second_view *view,
                  void (*changed)(void *who), void *who, struct second **ret_second, struct err *err)
{
    OWN(second) second = NEW(second);

    if (!second)
        return err_no_memory(err);
    *second = (struct second){ .loop = loop, .plan = plan, .view = view, .changed = changed, .who = who };
    second->timer = timer_new(loop, rang, second);
    if (!second->timer)
        return err_no_memory(err);
    if (wants_token(second))
        look_at_token(second);
    if (wants_mechanism(second))
        look_at_mechanisms(second);
    if (wants_clock(second))
        look_at_clock(second);
    if (wants_chain(second))
        look_at_chain(second);
    *ret_second = GIVE(second);
    return true;
}

bool second_is_done(const struct second *second)
{
    return !second->waits;
}

void second_free(struct second *second)
{
    if (!second)
        return;
    token_look_free(second->token);
    mechanism_look_free(second->mechanism);
    clock_look_free(second->clock);
    chain_look_free(second->chain);
    timer_free(second->timer);
    mem_free(second);
}
