#include "discover/discover.h"

#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "discover/discover_int.h"
#include "net/timer.h"

#include "base/banned.h"

enum {
    DISCOVER_MAGIC = 0x64697363,
    GRACE_MS = 2000, /* for the rest, once somebody has spoken whose word is better than theirs */
};

void discovery_free(struct discovery *discovery)
{
    mem_free(discovery);
}

static bool is_fact(const struct err *err, const char *fact)
{
    return err->fact && !strcmp(err->fact, fact);
}

bool discovery_empty(const struct discovery *discovery, const char *address, struct err *err)
{
    const struct discover_look *unasked = NULL;
    bool asked = false, exists = false;

    for (size_t i = 0; i < discovery->look_count; i++) {
        const struct discover_look *look = &discovery->looks[i];
        if (look->err.kind != ERR_NETWORK)
            asked = true;
        else if (!unasked)
            unasked = look;
        exists |= look->err.kind != ERR_NETWORK && !is_fact(&look->err, "name:not-found");
    }
    if (unasked && !asked) {
        if (err)
            *err = unasked->err;
        return err_in(err, "nobody could be asked about %s", address);
    }
    if (asked && !exists)
        return err_found(err, ERR_NAME, "name:not-found", "no settings were found for %s: %s", address,
                         "its domain is not in the DNS, or takes no mail");
    return err_found(err, ERR_NAME, "settings:not-found",
                     "no settings were found for %s; if you know the server: "
                     "outpost setup %s --server HOST:PORT", address, address);
}

/* ---- the end ---- */

static void close_look(struct look *look)
{
    if (!look->open)
        return;
    resolve_cancel(look->question);
    fetch_cancel(look->fetch);
    buf_done(&look->url);
    look->question = NULL;
    look->fetch = NULL;
    look->open = false;
    look->discover->open--;
}

/* Without the discovery, which may be somebody else's by then. */
static void discover_free(struct discover *discover)
{
    for (size_t i = 0; i < COUNT(discover->looks); i++)
        close_look(&discover->looks[i]);
    timer_free(discover->timer);
    OBJ_GONE(discover);
    mem_free(discover);
}

void discover_cancel(struct discover *discover)
{
    if (!discover)
        return;
    discovery_free(discover->discovery);
    discover_free(discover);
}

/* All have answered, or time is up: who has not answered by now has nothing to say. */
static void on_timer(void *who)
{
    struct discover *discover = OBJ(discover, DISCOVER_MAGIC, who);
    struct discovery *discovery = discover->discovery;
    discover_done *done = discover->done;
    void *whom = discover->who;

    for (size_t i = 0; i < discovery->look_count; i++)
        if (discover->looks[i].open)
            err_found(&discovery->looks[i].err, ERR_NETWORK,
                      discover->looks[i].question ? "name:failure" : "https:unreachable",
                      "no answer came in time");
    discover_free(discover);
    done(whom, discovery);
}

/* Ends the discovery at the next turn of the loop, or soon, or leaves it waiting. */
static void look_around(struct discover *discover)
{
    const struct candidates *found = &discover->discovery->candidates;

    if (discover->starting)
        return;
    if (!discover->open)
        timer_set(discover->timer, loop_now(discover->loop));
    else if (found->count && found->at[0].source <= SOURCE_ISPDB) {
        uint64_t soon = loop_now(discover->loop) + GRACE_MS;
        if (soon < discover->ends) {
            discover->ends = soon;
            timer_set(discover->timer, soon);
        }
    }
}

/* ---- looks ---- */

struct look *look_begin(struct discover *discover, enum candidate_source source, const char *format, ...)
{
    struct discovery *discovery = discover->discovery;
    HELD(buf) asked = BUF(DISCOVER_URL_MAX);
    va_list args;

    if (discovery->look_count == DISCOVER_LOOKS_MAX)
        return NULL;
    struct look *look = &discover->looks[discovery->look_count];
    struct discover_look *record = &discovery->looks[discovery->look_count++];
    va_start(args, format);
    buf_addv(&asked, format, args);
    va_end(args);
    struct span shown = span_cut(buf_span(&asked), 0, sizeof record->asked - 1);
    if (shown.len)
        memcpy(record->asked, shown.at, shown.len);
    record->source = source;
    *look = (struct look){ .discover = discover, .record = record, .open = true };
    discover->open++;
    return look;
}

void look_found(struct look *look, const struct candidate *candidate)
{
    struct discover *discover = look->discover;
    struct candidate found = *candidate;

    found.source = look->record->source;
    if (!found.username[0] && discover->address.len < sizeof found.username)
        memcpy(found.username, discover->address.at, discover->address.len);
    if (candidates_add(&discover->discovery->candidates, &found, discover->domain,
                       discover->plan.know))
        look->record->found++;
}

void look_end(struct look *look, const struct err *why_or_null)
{
    struct discover *discover = look->discover;

    if (why_or_null)
        look->record->err = *why_or_null;
    close_look(look);
    look_around(discover);
}

/* ---- the beginning ---- */

void discover_known(const struct knowledge *know, const char *address, struct discovery *ret_discovery)
{
    struct span whole = span_of(address);
    struct span domain = span_from(whole, span_find_last(whole, '@') + 1);

    *ret_discovery = (struct discovery){ .profile = know_profile_of_domain(know, domain) };
    if (ret_discovery->profile)
        from_profile(&ret_discovery->candidates, ret_discovery->profile, SOURCE_PROFILE, whole,
                     SPAN_NONE, know);
}

static void (*const places[])(struct discover *discover) = {
    from_mx,
    from_srv,
    from_autoconfig,
    from_guess,
};

bool discover_start(struct loop *loop, const struct discover_plan *plan, discover_done *done, void *who,
                    struct discover **ret_discover, struct err *err)
{
    struct discover *discover = NEW(discover);

    if (!discover)
        return err_no_memory(err);
    discover->magic = DISCOVER_MAGIC;
    discover->loop = loop;
    discover->plan = *plan;
    discover->done = done;
    discover->who = who;
    discover->address = span_of(plan->address);
    discover->domain = span_from(discover->address, span_find_last(discover->address, '@') + 1);
    discover->timer = timer_new(loop, on_timer, discover);
    discover->discovery = NEW(discovery);
    if (!discover->timer || !discover->discovery) {
        discover_cancel(discover);
        return err_no_memory(err);
    }

    discover->ends = plan->deadline;
    timer_set(discover->timer, plan->deadline);
    discover_known(plan->know, plan->address, discover->discovery);
    discover->starting = true;
    if (!plan->offline && !discover->discovery->candidates.count && discover->domain.len)
        for (size_t i = 0; i < COUNT(places); i++)
            places[i](discover);
    discover->starting = false;
    look_around(discover);
    if (ret_discover)
        *ret_discover = discover;
    return true;
}
