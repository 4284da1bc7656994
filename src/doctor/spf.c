#include "doctor/spf.h"

#include <stdio.h>

#include "base/str.h"

#include "base/banned.h"

static const char version[] = "v=spf1";

const char *spf_word(enum spf_state state)
{
    static const char *const words[] = { "unknown", "missing", "broken", "there", "without-provider", "names-provider" };

    return words[state];
}

/* ---- the end ---- */

static void end(struct spf_walk *walk, enum spf_state state, const char *why)
{
    walk->over = true;
    walk->state = state;
    walk->why = why;
}

static void end_well(struct spf_walk *walk)
{
    if (!walk->wanted->count)
        end(walk, SPF_THERE, NULL);
    else if (walk->found)
        end(walk, SPF_NAMES, NULL);
    else
        end(walk, walk->macros ? SPF_UNKNOWN : SPF_WITHOUT, NULL);
}

/* ---- a record ---- */

static bool is_wanted(const struct spf_walk *walk, struct span name)
{
    for (size_t i = 0; i < walk->wanted->count; i++)
        if (span_is_word(name, walk->wanted->at[i]))
            return true;
    return false;
}

/* To be asked for later. False: it is no name. */
static bool add_name(struct spf_walk *walk, struct span name)
{
    size_t len = name.len && name.at[name.len - 1] == '.' ? name.len - 1 : name.len;

    if (span_find(name, '%') < name.len) {
        walk->macros = true;
        return true;
    }
    if (!len || len > HOST_NAME_MAX_LEN)
        return false;
    walk->found |= is_wanted(walk, span_cut(name, 0, len));
    if (walk->count <= SPF_LOOKUPS_MAX)
        snprintf(walk->names[walk->count++], sizeof walk->names[0], "%.*s", (int)len, name.at);
    return true;
}

/* The words of RFC 7208, 5; `looks` cost a lookup, `leads` name another record. */
static const struct mechanism {
    const char *name;
    bool looks, leads;
} mechanisms[] = {
    { "all", false, false }, { "include", true, true }, { "a", true, false },   { "mx", true, false },
    { "ptr", true, false },  { "ip4", false, false },   { "ip6", false, false }, { "exists", true, false },
};

/* "include:example.org" -> its name, and what stands behind the colon. */
static const struct mechanism *mechanism_of(struct span term, struct span *ret_value)
{
    size_t end = 0;

    while (end < term.len && term.at[end] != ':' && term.at[end] != '/')
        end++;
    *ret_value = end < term.len && term.at[end] == ':' ? span_from(term, end + 1) : SPAN_NONE;
    for (size_t i = 0; i < COUNT(mechanisms); i++)
        if (span_is_word(span_cut(term, 0, end), mechanisms[i].name))
            return &mechanisms[i];
    return NULL;
}

struct record {
    struct span redirect;
    bool has_all;
};

/* False: it can't be read. */
static bool take_term(struct spf_walk *walk, struct span term, struct record *record)
{
    bool qualified = term.at[0] == '+' || term.at[0] == '-' || term.at[0] == '~' || term.at[0] == '?';
    struct span value, bare = span_from(term, qualified);
    size_t equals = span_find(term, '=');

    if (equals < term.len && span_find(term, ':') > equals && span_find(term, '/') > equals) { /* a modifier */
        if (span_starts_word(term, "redirect="))
            record->redirect = span_from(term, equals + 1);
        return equals > 0;
    }
    const struct mechanism *mechanism = mechanism_of(bare, &value);
    if (!mechanism)
        return false;
    walk->lookups += mechanism->looks;
    record->has_all |= strcmp(mechanism->name, "all") == 0;
    /* "+all": anybody may */
    walk->found |= strcmp(mechanism->name, "all") == 0 && (!qualified || term.at[0] == '+') && walk->asked == 1;
    return !mechanism->leads || add_name(walk, value);
}

static void read_record(struct spf_walk *walk, struct span text)
{
    struct span rest = span_from(text, sizeof version - 1), term;
    struct record record = { .has_all = false };

    while (span_split(&rest, ' ', &term)) {
        term = span_trim(term);
        if (term.len && !take_term(walk, term, &record)) {
            end(walk, SPF_BROKEN, "it holds a word that is none of SPF's");
            return;
        }
    }
    if (record.redirect.len && !record.has_all) {
        walk->lookups++;
        if (!add_name(walk, record.redirect))
            end(walk, SPF_BROKEN, "it redirects to what is no name");
    }
    if (!walk->over && walk->lookups > SPF_LOOKUPS_MAX)
        end(walk, SPF_BROKEN, "it needs more than ten lookups");
}

/* ---- the walk ---- */

void spf_begin(struct spf_walk *walk, struct span domain, const struct words *wanted)
{
    *walk = (struct spf_walk){ .wanted = wanted };
    if (!domain.len || domain.len > HOST_NAME_MAX_LEN) {
        end(walk, SPF_UNKNOWN, NULL);
        return;
    }
    snprintf(walk->names[walk->count++], sizeof walk->names[0], "%.*s", SPAN_ARG(domain));
}

const char *spf_next(const struct spf_walk *walk)
{
    return walk->over ? NULL : walk->names[walk->asked];
}

static bool is_spf(const char *text)
{
    size_t len = sizeof version - 1;

    return span_starts_word(span_of(text), version) && (text[len] == ' ' || text[len] == '\0');
}

static void take_none(struct spf_walk *walk, bool failed, bool full)
{
    if (failed || full) /* so many texts that some were left out: it may be among those */
        end(walk, SPF_UNKNOWN, NULL);
    else if (walk->asked == 1)
        end(walk, SPF_MISSING, NULL);
    else
        end(walk, SPF_BROKEN, "it leads to a name that has none");
}

void spf_answer(struct spf_walk *walk, const struct resolve_texts *texts, bool failed)
{
    const char *record = NULL;
    size_t records = 0;

    walk->asked++;
    for (size_t i = 0; texts && i < texts->count; i++)
        if (is_spf(texts->at[i])) {
            record = texts->at[i];
            records++;
        }
    if (!records)
        take_none(walk, failed, texts && texts->count == RESOLVE_RECORDS_MAX);
    else if (records > 1)
        end(walk, SPF_BROKEN, "there are two of them");
    else
        read_record(walk, span_of(record));
    if (!walk->over && walk->asked == walk->count)
        end_well(walk);
}
