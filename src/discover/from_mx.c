#include "discover/discover_int.h"
#include "mail/idn.h"

#include "base/banned.h"

/* Who takes the domain's mail also lets it be handed in, mostly. Either we know them by their MX host,
 * or we ask the domain under which that host is registered. */
static void ask_owner(struct discover *discover, const char *mx)
{
    const struct idn_engine *engine = idn_engine(NULL);
    const char *owner = engine ? engine->registrable(mx) : NULL;

    if (owner && !span_is_word(discover->domain, owner))
        from_autoconfig_of(discover, owner);
}

static void on_mx(void *who, const struct resolve_mxs *answer, const struct err *err)
{
    struct look *look = who;
    struct discover *discover = look->discover;
    struct discovery *discovery = discover->discovery;

    look->question = NULL;
    if (answer && answer->count) {
        struct span mx = span_of(answer->at[0].target);
        const struct profile *profile = know_profile_of_mx(discover->plan.know, mx);
        if (profile) {
            discovery->profile = profile;
            look->record->found = from_profile(&discovery->candidates, profile, SOURCE_PROFILE_MX,
                                               discover->address, mx, discover->plan.know);
        } else {
            ask_owner(discover, answer->at[0].target);
        }
    }
    look_end(look, err);
}

void from_mx(struct discover *discover)
{
    struct err err = { 0 };
    struct look *look = look_begin(discover, SOURCE_PROFILE_MX, "MX %.*s", SPAN_ARG(discover->domain));

    if (look && !resolve_mx(discover->plan.resolver, discover->domain, discover->plan.deadline, on_mx,
                            look, &look->question, &err))
        look_end(look, &err);
}
