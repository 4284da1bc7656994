/* The evidence, made ready for the rules: codes as text, words by themselves, whose rules hold. */
#include <stdio.h>

#include "base/str.h"
#include "know/fit_int.h"

#include "base/banned.h"

/* Replies of many lines repeat their codes: "... Learn more at 5.7.8 https://...". */
static bool is_repeated_code(const struct look *look, struct span word, struct span rest)
{
    size_t digits = strlen(look->code);

    if (look->enhanced[0] && span_is(word, look->enhanced))
        return true;
    if (!digits || !span_starts(word, look->code))
        return false;
    if (word.len == digits)
        return look->enhanced[0] && span_starts(span_trim(rest), look->enhanced);
    return word.at[digits] == '-' && look->enhanced[0] &&
           span_is(span_from(word, digits + 1), look->enhanced);
}

static size_t pair_of(const char *at)
{
    return (size_t)(unsigned char)str_lower(at[0]) << 8 | (unsigned char)str_lower(at[1]);
}

static void take_pairs(struct look *look)
{
    for (size_t i = 0; i + 1 < look->text.len; i++) {
        size_t pair = pair_of(look->text.at + i);
        look->pairs[pair / 64] |= 1ULL << pair % 64;
    }
}

/* There are thousands of patterns, and few texts have as much as the first two bytes of one. */
bool look_may_have(const struct look *look, const char *pattern)
{
    if (!pattern[0] || !pattern[1] || pattern[0] == '*' || pattern[1] == '*')
        return look->text.len > 0;
    size_t pair = pair_of(pattern);
    return look->pairs[pair / 64] >> pair % 64 & 1;
}

/* "to=<dmarc@example.com>," speaks of no DMARC: what stands in an address counts for nothing. */
static struct span before_address(struct span word, struct span *ret_behind)
{
    size_t open = span_find(word, '<');
    size_t at = open + span_find(span_from(word, open), '@');
    size_t close = at + span_find(span_from(word, at), '>');

    *ret_behind = close < word.len ? span_from(word, close) : SPAN_NONE;
    return close < word.len ? span_cut(word, 0, open + 1) : word;
}

static void take_words(struct look *look, struct span said)
{
    struct span word, behind;
    size_t len = 0;

    while (span_split(&said, ' ', &word)) {
        if (word.len == 0 || is_repeated_code(look, word, said))
            continue;
        if (len + word.len + 2 > sizeof look->words)
            break;
        if (len)
            look->words[len++] = ' ';
        word = before_address(word, &behind);
        memcpy(look->words + len, word.at, word.len);
        len += word.len;
        if (behind.len)
            memcpy(look->words + len, behind.at, behind.len);
        len += behind.len;
    }
    look->text = (struct span){ look->words, len };
    near_cut(&look->near, look->text);
    take_pairs(look);
}

static void take_chain(const struct knowledge *know, struct look *look)
{
    const char *id = look->evidence->provider;

    if (!id && look->evidence->host) {
        const struct profile *profile = know_profile_of_host(know, span_of(look->evidence->host));
        id = profile ? profile->id : NULL;
    }
    while (id && look->chain_len < OWNERS_DEEP) {
        size_t owner = owner_find(know, id);
        if (owner == know->owner_count)
            return;
        look->chain[look->chain_len++] = owner;
        id = know->owners[owner].family;
    }
}

/* Their words, else ours; but what we say of this machine proves nothing: there are paths and names in
 * it, and what there is to be known stands in the fact. */
static struct span words_of(const struct evidence *evidence)
{
    const struct err *err = &evidence->err;

    if (err->said[0])
        return span_of(err->said);
    return evidence->stage == STAGE_LOCAL ? SPAN_NONE : span_of(err->text);
}

/* What failed, where there is nothing else to judge by: so no failure of ours is without a cause. Of a text
 * whose place nobody knows (STAGE_NONE) it says nothing. */
static const char *fact_of(const struct evidence *evidence)
{
    const struct err *err = &evidence->err;
    static const char *const kinds[] = {
        [ERR_USAGE] = "kind:usage",   [ERR_DATA] = "kind:data",         [ERR_INPUT] = "kind:input",
        [ERR_LIMIT] = "kind:limit",   [ERR_CREATE] = "kind:create",     [ERR_IO] = "kind:io",
        [ERR_CONFIG] = "kind:config", [ERR_INTERNAL] = "kind:internal", [ERR_MEMORY] = "kind:memory",
        [ERR_PROTOCOL] = "kind:protocol",
    };

    if (err->fact || err->reply || err->said[0] || evidence->stage == STAGE_NONE)
        return err->fact;
    return err->kind < COUNT(kinds) ? kinds[err->kind] : NULL;
}

void look_at(const struct knowledge *know, const struct evidence *evidence, struct look *look)
{
    const struct err *err = &evidence->err;

    *look = (struct look){ .evidence = evidence, .fact = fact_of(evidence) };
    if (err->reply)
        snprintf(look->code, sizeof look->code, "%u", (unsigned)err->reply);
    if (err->enhanced[0])
        snprintf(look->enhanced, sizeof look->enhanced, "%u.%u.%u", (unsigned)err->enhanced[0],
                 (unsigned)err->enhanced[1], (unsigned)err->enhanced[2]);
    if (evidence->port)
        snprintf(look->port, sizeof look->port, "%u", (unsigned)evidence->port);
    take_words(look, words_of(evidence));
    take_chain(know, look);
}
