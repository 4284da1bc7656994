#include "queue/retry.h"

#include "base/banned.h"

static uint64_t since(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

uint64_t retry_age(const struct retry_case *case_)
{
    return since(since(case_->now, case_->created), case_->stood_ms);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* first, twice that, four times..., at most `most`. */
static uint64_t doubled(const struct retry_policy *policy, uint32_t tries)
{
    uint64_t wait = policy->first_ms;

    for (uint32_t i = 1; i < tries && wait < policy->most_ms; i++)
        wait = wait > policy->most_ms / 2 ? policy->most_ms : wait * 2;
    return least(wait, policy->most_ms);
}

/* A quarter less to a quarter more; never less than a hint asks for. */
static uint64_t spread(uint64_t wait, bool is_hint, uint64_t random)
{
    uint64_t part = wait / 4;
    uint64_t chance = part ? random % (is_hint ? part + 1 : 2 * part + 1) : 0;

    return is_hint ? wait + chance : wait - part + chance;
}

uint64_t retry_next(const struct retry_policy *policy, const struct retry_case *case_)
{
    uint64_t age = retry_age(case_);
    uint64_t wait = case_->hint_ms ? case_->hint_ms : doubled(policy, case_->tries);

    if (age >= policy->give_up_ms)
        return 0;
    return case_->now + least(spread(wait, case_->hint_ms != 0, case_->random), policy->give_up_ms - age);
}
