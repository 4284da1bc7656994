#include "know/knowledge.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "know/knowledge_int.h"

#include "base/banned.h"

void knowledge_free(struct knowledge *know)
{
    if (!know)
        return;
    for (size_t i = 0; i < know->ini_count; i++)
        ini_free(know->inis[i]);
    mem_free(know->inis);
    pool_done(&know->pool);
    mem_free(know);
}

size_t owner_find(const struct knowledge *know, const char *id)
{
    size_t i = 0;

    while (i < know->owner_count && strcmp(know->owners[i].id, id) != 0)
        i++;
    return i;
}

static const struct ini_section *head(const struct ini *ini)
{
    return ini_section_at(ini, 0);
}

static bool is_causes(const struct ini *ini)
{
    return span_is(head(ini)->kind, "cause");
}

/* Is this file's provider or family told again by a later file? */
static bool is_replaced(const struct knowledge *know, size_t at)
{
    for (size_t i = at + 1; i < know->ini_count; i++)
        if (!is_causes(know->inis[i]) &&
            span_equal(head(know->inis[i])->name, head(know->inis[at])->name))
            return true;
    return false;
}

static bool bad(const struct ini_section *section, const char *why, struct err *err)
{
    return err_found(err, ERR_CONFIG, "config:bad", "line %u: [%s] %s", section->line,
                     section->kind.at, why);
}

static bool count_cause_file(struct knowledge *know, const struct ini *ini, struct err *err)
{
    for (size_t i = 0; i < ini_count(ini); i++) {
        if (!span_is(ini_section_at(ini, i)->kind, "cause"))
            return bad(ini_section_at(ini, i), "stands among causes", err);
        know->cause_count++;
    }
    return true;
}

static bool count_provider_file(struct knowledge *know, const struct ini *ini, struct err *err)
{
    static const char *const parts[] = { "oauth", "limits", "capabilities" };

    if (!head(ini)->name.len)
        return bad(head(ini), "has no name", err);
    for (size_t i = 1; i < ini_count(ini); i++) {
        const struct ini_section *section = ini_section_at(ini, i);
        bool known = span_is(section->kind, "rule");
        for (size_t k = 0; k < COUNT(parts); k++)
            known = known ||
                    (span_is(section->kind, parts[k]) && span_is(head(ini)->kind, "provider") &&
                     ini_find(ini, parts[k], "") == section);
        if (!known)
            return bad(section, "does not belong here, or stands here twice", err);
        know->rule_count += span_is(section->kind, "rule");
    }
    know->profile_count += span_is(head(ini)->kind, "provider");
    know->owner_count++;
    return true;
}

/* How much there is at most, so that arrays are made once and pointers into them stay good. */
static bool count_all(struct knowledge *know, const struct knowledge_text *texts, struct err *err)
{
    for (size_t i = 0; i < know->ini_count; i++) {
        const struct ini *ini = know->inis[i];
        bool good = is_causes(ini)                           ? count_cause_file(know, ini, err)
                    : span_is(head(ini)->kind, "provider") ||
                            span_is(head(ini)->kind, "family") ? count_provider_file(know, ini, err)
                                                               : bad(head(ini), "is unknown", err);
        if (!good)
            return err_in(err, "in %s", texts[i].name);
    }
    return true;
}

static bool make_arrays(struct knowledge *know, struct err *err)
{
    know->causes = pool_array(&know->pool, know->cause_count, sizeof *know->causes);
    know->profiles = pool_array(&know->pool, know->profile_count, sizeof *know->profiles);
    know->owners = pool_array(&know->pool, know->owner_count, sizeof *know->owners);
    know->rules = pool_array(&know->pool, know->rule_count, sizeof *know->rules);
    know->cause_count = know->profile_count = know->owner_count = know->rule_count = 0;
    return (know->causes && know->profiles && know->owners && know->rules) || err_no_memory(err);
}

static bool parse_all(struct knowledge *know, const struct knowledge_text *texts, size_t count,
                      struct err *err)
{
    know->inis = mem_array(count, sizeof *know->inis);
    if (!know->inis)
        return err_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (!ini_parse(texts[i].text, &know->inis[i], err))
            return err_in(err, "in %s", texts[i].name);
        know->ini_count = i + 1;
        if (ini_count(know->inis[i]) == 0)
            return err_found(err, ERR_CONFIG, "config:bad", "in %s: nothing is told",
                             texts[i].name);
    }
    return true;
}

static bool read_causes(struct knowledge *know, const struct ini *ini, struct err *err)
{
    for (size_t i = 0; i < ini_count(ini); i++) {
        struct cause cause;
        if (!cause_read(ini_section_at(ini, i), &cause, err))
            return false;
        size_t at = 0;
        while (at < know->cause_count && strcmp(know->causes[at].id, cause.id) != 0)
            at++;
        know->causes[at] = cause;
        know->cause_count += at == know->cause_count;
    }
    return true;
}

static bool read_owner(struct knowledge *know, const struct ini *ini, struct owner *ret_owner,
                       struct err *err)
{
    static const struct key family_keys[] = {
        { "name",   KEY_IGNORED, 0,                               NULL },
        { "family", KEY_TEXT,    offsetof(struct owner, family),  NULL },
        { "marker", KEY_LINES,   offsetof(struct owner, markers), NULL },
        { "generic", KEY_YES,    offsetof(struct owner, generic), NULL },
    };
    static const struct key marker_key = { "marker", KEY_LINES, 0, NULL };
    struct owner owner = { .id = head(ini)->name.at };

    if (span_is(head(ini)->kind, "family")) {
        if (!keys_read(know, head(ini), family_keys, COUNT(family_keys), &owner, err))
            return false;
    } else {
        struct profile *profile = &know->profiles[know->profile_count];
        if (!profile_read(know, ini, profile, err) ||
            !key_words(know, head(ini), &marker_key, &owner.markers, err))
            return false;
        owner.family = profile->family;
        owner.generic = profile->kind == PROFILE_GENERIC;
        know->profile_count++;
    }
    *ret_owner = owner;
    return true;
}

static bool read_provider_file(struct knowledge *know, const struct ini *ini, struct err *err)
{
    size_t at = know->owner_count;

    if (!read_owner(know, ini, &know->owners[at], err))
        return false;
    know->owner_count++;
    for (size_t i = 1; i < ini_count(ini); i++) {
        const struct ini_section *section = ini_section_at(ini, i);
        if (!span_is(section->kind, "rule"))
            continue;
        if (!rule_read(know, section, at, &know->rules[know->rule_count], err))
            return false;
        know->rule_count++;
    }
    return true;
}

/* Causes go first, for rules name them. */
static bool read_all(struct knowledge *know, const struct knowledge_text *texts, struct err *err)
{
    for (size_t i = 0; i < know->ini_count; i++)
        if (is_causes(know->inis[i]) && !read_causes(know, know->inis[i], err))
            return err_in(err, "in %s", texts[i].name);
    for (size_t i = 0; i < know->ini_count; i++)
        if (!is_causes(know->inis[i]) && !is_replaced(know, i) &&
            !read_provider_file(know, know->inis[i], err))
            return err_in(err, "in %s", texts[i].name);
    return true;
}

static bool check_families(const struct knowledge *know, struct err *err)
{
    for (size_t i = 0; i < know->owner_count; i++) {
        const struct owner *owner = &know->owners[i];
        if (owner->family && owner_find(know, owner->family) == know->owner_count)
            return err_found(err, ERR_CONFIG, "config:bad", "provider %s: no family is called %s",
                             owner->id, owner->family);
    }
    return true;
}

static int order_profiles(const void *a, const void *b)
{
    return strcmp(((const struct profile *)a)->id, ((const struct profile *)b)->id);
}

static int order_domains(const void *a, const void *b)
{
    return strcmp(((const struct domain *)a)->name, ((const struct domain *)b)->name);
}

static bool index_domains(struct knowledge *know, struct err *err)
{
    size_t count = 0;

    qsort(know->profiles, know->profile_count, sizeof *know->profiles, order_profiles);
    for (size_t i = 0; i < know->profile_count; i++)
        count += know->profiles[i].domains.count;
    know->domains = pool_array(&know->pool, count, sizeof *know->domains);
    if (!know->domains)
        return err_no_memory(err);
    for (size_t i = 0; i < know->profile_count; i++)
        for (size_t k = 0; k < know->profiles[i].domains.count; k++)
            know->domains[know->domain_count++] =
                (struct domain){ know->profiles[i].domains.at[k], &know->profiles[i] };
    qsort(know->domains, count, sizeof *know->domains, order_domains);
    return true;
}

bool knowledge_make(const struct knowledge_text *texts, size_t count, struct knowledge **ret_know,
                    struct err *err)
{
    OWN(knowledge) know = NEW(knowledge);

    if (!know)
        return err_no_memory(err);
    if (!parse_all(know, texts, count, err) || !count_all(know, texts, err) ||
        !make_arrays(know, err) || !read_all(know, texts, err) || !index_domains(know, err))
        return false;
    *ret_know = GIVE(know);
    return true;
}

bool know_new(const struct knowledge_text *texts, size_t count, struct knowledge **ret_know,
              struct err *err)
{
    OWN(knowledge) know = NULL;

    if (!knowledge_make(texts, count, &know, err) || !check_families(know, err))
        return false;
    *ret_know = GIVE(know);
    return true;
}
