#include "doctor/domain.h"

#include "know/knowledge.h"

#include "base/banned.h"

static bool is_family(const struct profile *a, const struct profile *b)
{
    return a && b && (strcmp(a->id, b->id) == 0 || (a->family && b->family && strcmp(a->family, b->family) == 0));
}

struct span domain_of_ones_own(const struct knowledge *know, const char *address, const struct profile *profile)
{
    struct span all = span_of(address), domain = span_from(all, span_find_last(all, '@') + 1);
    const struct profile *owner = know_profile_of_domain(know, domain);

    if (span_find_last(all, '@') == all.len || !host_is_name(domain) || is_family(owner, profile) || (owner && !profile))
        return SPAN_NONE;
    return domain;
}

/* ---- would it align? ---- */

static bool is_service(const struct profile *profile)
{
    return profile && profile->kind == PROFILE_SERVICE;
}

static bool spf_fails(const struct domain_seen *seen)
{
    return seen->spf == SPF_MISSING || seen->spf == SPF_BROKEN || seen->spf == SPF_WITHOUT;
}

enum domain_aligned domain_aligned(const struct domain_seen *seen, const struct profile *profile)
{
    if (seen->dkim == DKIM_FOUND || (seen->spf == SPF_NAMES && !is_service(profile)))
        return ALIGNED_YES;
    return seen->dkim == DKIM_MISSING && (is_service(profile) || spf_fails(seen)) ? ALIGNED_NO : ALIGNED_UNKNOWN;
}

static bool is_strict(const struct domain_seen *seen)
{
    return seen->dmarc == DMARC_QUARANTINE || seen->dmarc == DMARC_REJECT;
}

/* ---- telling ---- */

static const char *name_of(const struct profile *profile)
{
    return profile ? profile->name : "the server";
}

static void note_spf(const struct domain_seen *seen, const struct profile *profile, struct doctor_notes *notes)
{
    const char *include = profile && profile->spf.count ? profile->spf.at[0] : NULL;

    if (seen->spf == SPF_BROKEN)
        notes_add(notes, "spf-broken", "Receivers can't read the SPF record of %s: %s.", seen->domain, seen->spf_why);
    if (is_service(profile)) /* its envelopes are its own */
        return;
    if (seen->spf == SPF_MISSING && include)
        notes_add(notes, "spf-missing",
                  "%s has no SPF record, so receivers can't see that %s may send for it. Whoever runs its DNS can add: "
                  "v=spf1 include:%s ~all", seen->domain, name_of(profile), include);
    else if (seen->spf == SPF_MISSING)
        notes_add(notes, "spf-missing", "%s has no SPF record, so receivers can't see who may send for it.", seen->domain);
    if (seen->spf == SPF_WITHOUT)
        notes_add(notes, "spf-without-provider",
                  "The SPF record of %s does not name %s. Whoever runs its DNS can add: include:%s", seen->domain,
                  name_of(profile), include);
}

void domain_notes(const struct domain_seen *seen, const struct profile *profile, struct doctor_notes *notes)
{
    if (is_strict(seen) && domain_aligned(seen, profile) == ALIGNED_NO)
        notes_add(notes, "dmarc-unaligned",
                  "%s asks receivers to %s what neither SPF nor DKIM vouches for, and neither vouches for what this account "
                  "sends (DMARC).", seen->domain, seen->dmarc == DMARC_REJECT ? "refuse" : "put into the spam folder");
    note_spf(seen, profile, notes);
    if (seen->dkim == DKIM_MISSING)
        notes_add(notes, "dkim-missing",
                  "There is no DKIM key at %s._domainkey.%s, where %s usually has it: have it sign for the domain, and "
                  "publish the key.", seen->selector, seen->domain, name_of(profile));
}

void domain_climb(const struct domain_seen *seen, const struct profile *profile, struct ladder *ladder, uint64_t now)
{
    static const char *const dkim[] = { "unknown", "missing", "found" }, *const aligned[] = { "unknown", "no", "yes" };

    if (!seen->domain[0])
        return;
    ladder_enter(ladder, RUNG_DOMAIN);
    ladder_detail(ladder, "domain", span_of(seen->domain));
    ladder_detail(ladder, "spf", span_of(spf_word(seen->spf)));
    ladder_detail(ladder, "dkim", span_of(dkim[seen->dkim]));
    ladder_detail(ladder, "dmarc", span_of(dmarc_word(seen->dmarc)));
    ladder_detail(ladder, "aligned", span_of(aligned[domain_aligned(seen, profile)]));
    ladder_leave(ladder, seen->spf == SPF_UNKNOWN && seen->dmarc == DMARC_UNKNOWN ? STEP_SKIPPED : STEP_OK, now);
}

size_t domain_facts(const struct domain_seen *seen, const struct profile *profile, const char *ret_facts[DOMAIN_FACTS_MAX])
{
    size_t count = 0;

    if (!is_service(profile) && spf_fails(seen))
        ret_facts[count++] = seen->spf == SPF_MISSING ? "spf:missing" : seen->spf == SPF_BROKEN ? "spf:broken" : "spf:without";
    if (seen->dkim == DKIM_MISSING)
        ret_facts[count++] = "dkim:missing";
    if (is_strict(seen) && domain_aligned(seen, profile) == ALIGNED_NO)
        ret_facts[count++] = "dmarc:unaligned";
    return count;
}
