#include "doctor/dmarc.h"

#include "base/str.h"

#include "base/banned.h"

static const char *const policies[] = { "unknown", "missing", "none", "quarantine", "reject" };

const char *dmarc_word(enum dmarc_policy policy)
{
    return policies[policy];
}

/* "v=DMARC1; p=none; ...": the value of one. */
static struct span tag_of(struct span record, const char *wanted)
{
    struct span part;

    while (span_split(&record, ';', &part)) {
        size_t equals = span_find(part, '=');
        if (equals < part.len && span_is_word(span_trim(span_cut(part, 0, equals)), wanted))
            return span_trim(span_from(part, equals + 1));
    }
    return SPAN_NONE;
}

static enum dmarc_policy policy_of(struct span word)
{
    for (enum dmarc_policy policy = DMARC_NONE; policy <= DMARC_REJECT; policy++)
        if (span_is_word(word, policies[policy]))
            return policy;
    return DMARC_UNKNOWN;
}

/* The version comes first. */
static bool is_dmarc(struct span text)
{
    struct span first = SPAN_NONE;

    return span_split(&text, ';', &first) && span_is(tag_of(first, "v"), "DMARC1");
}

enum dmarc_policy dmarc_read(const struct resolve_texts *texts, bool inherited)
{
    struct span record = SPAN_NONE;

    for (size_t i = 0; i < texts->count; i++) {
        if (!is_dmarc(span_of(texts->at[i])))
            continue;
        if (record.len)
            return DMARC_MISSING;
        record = span_of(texts->at[i]);
    }
    if (!record.len)
        return DMARC_MISSING;
    struct span below = tag_of(record, "sp");
    return policy_of(inherited && below.len ? below : tag_of(record, "p"));
}

bool dkim_is_key(const struct resolve_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        if (tag_of(span_of(texts->at[i]), "p").len)
            return true;
    return false;
}
