/* The questions of doctor/domain.h: SPF one after another, as one record leads to the next; all else beside it. */
#include <stdio.h>

#include "base/alloc.h"
#include "doctor/domain.h"
#include "mail/idn.h"
#include "net/loop.h"
#include "net/timer.h"

#include "base/banned.h"

enum { SELECTORS_MAX = 4, NAME_MAX_LEN = HOST_NAME_MAX_LEN + 80 };

struct domain_look {
    struct domain_plan plan;
    struct domain_seen *seen;
    void (*done)(void *who);
    void *who;
    struct timer *timer; /* tells `done` */
    unsigned waits;
    struct spf_walk walk;
    struct resolve *spf, *dmarc;
    bool inherited; /* DMARC is asked of the domain above */
    unsigned keys_open; /* not answered yet */
    bool keys_sure;     /* those that were said that there is none */
    struct key {
        struct domain_look *look;
        const char *selector;
        struct resolve *question;
    } keys[SELECTORS_MAX];
};

static void rang(void *who)
{
    struct domain_look *look = who;

    look->done(look->who);
}

static void over(struct domain_look *look)
{
    if (!--look->waits)
        timer_set(look->timer, 0);
}

/* The name does not exist, or has no TXT: that is an answer. */
static bool said_none(const struct err *err)
{
    return err && err->fact && strcmp(err->fact, "name:not-found") == 0;
}

/* False: there is nobody to ask, or no such name can be. */
static bool ask(struct domain_look *look, const char *name, resolve_text_done *done, void *data, struct resolve **question)
{
    if (!resolve_text(look->plan.resolver, span_of(name), look->plan.deadline, done, data, question, NULL))
        return false;
    look->waits++;
    return true;
}

/* ---- SPF ---- */

static void go_on(struct domain_look *look);

static void spf_came(void *data, const struct resolve_texts *texts, const struct err *err)
{
    struct domain_look *look = data;

    look->spf = NULL;
    spf_answer(&look->walk, texts, !texts && !said_none(err));
    go_on(look);
    over(look);
}

static void go_on(struct domain_look *look)
{
    const char *name;

    while ((name = spf_next(&look->walk)) && !ask(look, name, spf_came, look, &look->spf))
        spf_answer(&look->walk, NULL, true);
    if (name)
        return;
    look->seen->spf = look->walk.state;
    look->seen->spf_why = look->walk.why;
}

/* ---- DMARC ---- */

static void dmarc_came(void *data, const struct resolve_texts *texts, const struct err *err);

static void ask_dmarc(struct domain_look *look, struct span domain)
{
    char name[NAME_MAX_LEN];

    snprintf(name, sizeof name, "_dmarc.%.*s", SPAN_ARG(domain));
    (void)ask(look, name, dmarc_came, look, &look->dmarc);
}

/* What the organization's domain says holds for those below it (RFC 7489, 6.6.3). */
static void ask_above(struct domain_look *look)
{
    const struct idn_engine *engine = look->inherited ? NULL : idn_engine(NULL);
    const char *above = engine ? engine->registrable(look->seen->domain) : NULL;

    if (!above || strcmp(above, look->seen->domain) == 0)
        return;
    look->inherited = true;
    ask_dmarc(look, span_of(above));
}

static void dmarc_came(void *data, const struct resolve_texts *texts, const struct err *err)
{
    struct domain_look *look = data;

    look->dmarc = NULL;
    if (texts)
        look->seen->dmarc = dmarc_read(texts, look->inherited);
    else
        look->seen->dmarc = said_none(err) ? DMARC_MISSING : DMARC_UNKNOWN;
    if (look->seen->dmarc == DMARC_MISSING)
        ask_above(look);
    over(look);
}

/* ---- DKIM ---- */

static void settle_key(struct domain_look *look, const char *selector, enum dkim_state state)
{
    look->keys_open--;
    look->keys_sure &= state != DKIM_UNKNOWN;
    if (state == DKIM_FOUND) {
        look->seen->dkim = DKIM_FOUND;
        look->seen->selector = selector;
    } else if (look->seen->dkim != DKIM_FOUND && !look->keys_open && look->keys_sure) {
        look->seen->dkim = DKIM_MISSING;
        look->seen->selector = look->plan.profile->dkim.at[0];
    }
}

static void key_came(void *data, const struct resolve_texts *texts, const struct err *err)
{
    struct key *key = data;

    key->question = NULL;
    settle_key(key->look, key->selector,
               texts && dkim_is_key(texts) ? DKIM_FOUND : texts || said_none(err) ? DKIM_MISSING : DKIM_UNKNOWN);
    over(key->look);
}

static void ask_keys(struct domain_look *look)
{
    const struct profile *profile = look->plan.profile;
    char name[NAME_MAX_LEN];

    look->keys_sure = true;
    look->keys_open = profile && profile->dkim.count < SELECTORS_MAX ? (unsigned)profile->dkim.count : SELECTORS_MAX;
    for (size_t i = 0; profile && i < profile->dkim.count && i < SELECTORS_MAX; i++) {
        struct key *key = &look->keys[i];
        *key = (struct key){ .look = look, .selector = profile->dkim.at[i] };
        snprintf(name, sizeof name, "%s._domainkey.%s", key->selector, look->seen->domain);
        if (!ask(look, name, key_came, key, &key->question))
            settle_key(look, key->selector, DKIM_UNKNOWN);
    }
}

/* ---- a life ---- */

bool domain_look_start(struct loop *loop, const struct domain_plan *plan, struct domain_seen *seen,
                       void (*done)(void *who), void *who, struct domain_look **ret_look, struct err *err)
{
    static const struct words nothing;
    OWN(domain_look) look = NEW(domain_look);

    *seen = (struct domain_seen){ 0 };
    if (!look || !(look->timer = timer_new(loop, rang, look)))
        return err_no_memory(err);
    look->plan = *plan;
    look->seen = seen;
    look->done = done;
    look->who = who;
    snprintf(seen->domain, sizeof seen->domain, "%.*s", SPAN_ARG(plan->domain));
    spf_begin(&look->walk, plan->domain, plan->profile ? &plan->profile->spf : &nothing);
    look->waits = 1; /* us */
    go_on(look);
    ask_dmarc(look, plan->domain);
    ask_keys(look);
    over(look);
    *ret_look = GIVE(look);
    return true;
}

void domain_look_free(struct domain_look *look)
{
    if (!look)
        return;
    resolve_cancel(look->spf);
    resolve_cancel(look->dmarc);
    for (size_t i = 0; i < SELECTORS_MAX; i++)
        resolve_cancel(look->keys[i].question);
    timer_free(look->timer);
    mem_free(look);
}
