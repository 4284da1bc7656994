#include "doctor/names_look.h"

#include "base/alloc.h"
#include "net/loop.h"
#include "net/timer.h"

#include "base/banned.h"

enum { QUESTIONS = 3, PREFIX_LEN = 12 };

struct names_look {
    struct loop *loop;
    struct names_seen *seen;
    struct resolve_addresses answer;
    struct resolve *questions[QUESTIONS];
    unsigned waits;
    struct timer *timer;
    void (*done)(void *who);
    void *who;
};

static bool share_one(const struct resolve_addresses *a, const struct resolve_addresses *b)
{
    for (size_t i = 0; a && b && i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            if (ip_equal(a->at[i], b->at[k]))
                return true;
    return false;
}

static bool is_all_ipv6(const struct resolve_addresses *answer)
{
    for (size_t i = 0; i < answer->count; i++)
        if (answer->at[i].family != 6)
            return false;
    return answer->count > 0;
}

static bool is_behind(struct ip ip, const struct resolve_addresses *known)
{
    for (size_t i = 0; i < known->count; i++)
        if (known->at[i].family == 6 && memcmp(known->at[i].bytes, ip.bytes, PREFIX_LEN) == 0)
            return true;
    return false;
}

bool names_by_nat64(const struct resolve_addresses *answer, const struct resolve_addresses *known)
{
    bool any = false;

    for (size_t i = 0; i < answer->count; i++) {
        if (answer->at[i].family != 6)
            continue;
        if (!is_behind(answer->at[i], known))
            return false;
        any = true;
    }
    return any;
}

static void over(struct names_look *look)
{
    look->waits--;
    timer_set(look->timer, loop_now(look->loop));
}

static void rang(void *who)
{
    struct names_look *look = who;

    if (!look->waits)
        look->done(look->who);
}

static void nobodys_came(void *who, const struct resolve_addresses *answer, const struct err *err)
{
    struct names_look *look = who;
    (void)err;

    look->questions[0] = NULL;
    look->seen->made_up = share_one(&look->answer, answer);
    over(look);
}

/* One's own name for that very server leads there by right. */
static void others_came(void *who, const struct resolve_addresses *answer, const struct err *err)
{
    struct names_look *look = who;
    (void)err;

    look->questions[1] = NULL;
    look->seen->alike = !look->answer.canonical[0] && share_one(&look->answer, answer);
    over(look);
}

static void ipv4s_came(void *who, const struct resolve_addresses *answer, const struct err *err)
{
    struct names_look *look = who;
    (void)err;

    look->questions[2] = NULL;
    look->seen->by_nat64 = answer && names_by_nat64(&look->answer, answer);
    look->seen->is_ipv6_alone = !look->seen->by_nat64 && is_all_ipv6(&look->answer);
    over(look);
}

/* What can't be asked tells nothing. */
static void ask(struct names_look *look, size_t at, const struct names_plan *plan, const char *name, resolve_addresses_done *came)
{
    if (name && resolve_addresses(plan->resolver, span_of(name), plan->deadline, came, look, &look->questions[at], NULL))
        look->waits++;
}

bool names_look_start(struct loop *loop, const struct names_plan *plan, struct names_seen *seen, void (*done)(void *who),
                      void *who, struct names_look **ret_look, struct err *err)
{
    OWN(names_look) look = NEW(names_look);

    if (!look)
        return err_no_memory(err);
    *look = (struct names_look){ .loop = loop, .seen = seen, .answer = *plan->answer, .done = done, .who = who };
    look->timer = timer_new(loop, rang, look);
    if (!look->timer)
        return err_no_memory(err);
    ask(look, 0, plan, "nobody-has-this-name.invalid", nobodys_came);
    ask(look, 1, plan, plan->other, others_came);
    ask(look, 2, plan, is_all_ipv6(plan->answer) || plan->no_ipv4 ? "ipv4only.arpa" : NULL, ipv4s_came);
    timer_set(look->timer, loop_now(loop));
    *ret_look = GIVE(look);
    return true;
}

void names_look_free(struct names_look *look)
{
    if (!look)
        return;
    for (size_t i = 0; i < QUESTIONS; i++)
        resolve_cancel(look->questions[i]);
    timer_free(look->timer);
    mem_free(look);
}
