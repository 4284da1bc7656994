#include "know/cause.h"

#include "know/knowledge_int.h"

#include "base/banned.h"

static const char *const scopes[] = {
    [SCOPE_CONNECTION] = "connection", [SCOPE_ACCOUNT] = "account", [SCOPE_SENDER] = "sender",
    [SCOPE_RECIPIENT] = "recipient",   [SCOPE_MESSAGE] = "message",
};

static const char *const retries[] = {
    [RETRY_NOW] = "now",
    [RETRY_LATER] = "later",
    [RETRY_NEVER] = "never",
    [RETRY_AFTER_FIX] = "after-fix",
};

static bool find_word(struct span word, const char *const *words, size_t count, size_t *ret_at)
{
    for (size_t i = 0; i < count; i++) {
        if (!span_is(word, words[i]))
            continue;
        *ret_at = i;
        return true;
    }
    return false;
}

const char *scope_word(enum scope scope)
{
    return scopes[scope];
}

bool scope_from_word(struct span word, enum scope *ret_scope)
{
    size_t at;

    if (!find_word(word, scopes, COUNT(scopes), &at))
        return false;
    *ret_scope = (enum scope)at;
    return true;
}

const char *retry_word(enum retry retry)
{
    return retries[retry];
}

bool retry_from_word(struct span word, enum retry *ret_retry)
{
    size_t at;

    if (!find_word(word, retries, COUNT(retries), &at))
        return false;
    *ret_retry = (enum retry)at;
    return true;
}

static bool is_key(struct span key)
{
    static const char *const keys[] = { "title", "meaning", "fix",   "who",
                                        "takes", "scope",   "retry", "group",
                                        "elsewhere.title", "elsewhere.meaning", "elsewhere.fix" };
    size_t at;

    return find_word(key, keys, COUNT(keys), &at) || span_starts(key, "fix.");
}

static bool bad(struct err *err, unsigned line, const char *what, const char *why)
{
    return err_found(err, ERR_CONFIG, "config:bad", "line %u: %s %s", line, what, why);
}

/* Each must be there; a cause without words helps nobody. */
static bool read_texts(const struct ini_section *section, struct cause *cause, struct err *err)
{
    const struct {
        const char *key, **text;
    } texts[] = {
        { "title", &cause->title }, { "meaning", &cause->meaning }, { "who", &cause->who },
        { "takes", &cause->takes }, { "group", &cause->group },
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct span value = ini_value(section, texts[i].key);
        if (!value.len)
            return bad(err, section->line, texts[i].key, "is missing");
        *texts[i].text = value.at;
    }
    struct span title = ini_value(section, "elsewhere.title"), meaning = ini_value(section, "elsewhere.meaning");
    cause->elsewhere_title = title.len ? title.at : cause->title;
    cause->elsewhere_meaning = meaning.len ? meaning.at : cause->meaning;
    return true;
}

bool cause_read(const struct ini_section *section, struct cause *ret_cause, struct err *err)
{
    struct cause cause = { .id = section->name.at, .section = section };

    for (size_t i = 0; i < section->count; i++)
        if (!is_key(section->entries[i].key))
            return bad(err, section->entries[i].line, section->entries[i].key.at,
                       "is no key of a cause");
    if (!read_texts(section, &cause, err))
        return false;
    if (!ini_value(section, "fix").len)
        return bad(err, section->line, "fix", "is missing");
    if (!scope_from_word(ini_value(section, "scope"), &cause.scope))
        return bad(err, section->line, "scope", "is missing or no word for one");
    if (!retry_from_word(ini_value(section, "retry"), &cause.retry))
        return bad(err, section->line, "retry", "is missing or no word for one");
    *ret_cause = cause;
    return true;
}

size_t know_cause_count(const struct knowledge *know)
{
    return know->cause_count;
}

const struct cause *know_cause_at(const struct knowledge *know, size_t at)
{
    return &know->causes[at];
}

const struct cause *know_cause(const struct knowledge *know, const char *id)
{
    for (size_t i = 0; i < know->cause_count; i++)
        if (strcmp(know->causes[i].id, id) == 0)
            return &know->causes[i];
    return NULL;
}

static size_t fixes_of(const struct cause *cause, struct span key, const char **ret_steps,
                       size_t most)
{
    const struct ini_section *section = cause->section;
    size_t count = 0;

    for (size_t i = 0; i < section->count && count < most; i++)
        if (span_equal(section->entries[i].key, key))
            ret_steps[count++] = section->entries[i].value.at;
    return count;
}

size_t cause_fixes(const struct knowledge *know, const struct cause *cause, const char *provider, bool elsewhere,
                   const char **ret_steps, size_t most)
{
    size_t of_others = elsewhere ? fixes_of(cause, SPAN("elsewhere.fix"), ret_steps, most) : 0;

    if (of_others)
        return of_others;
    for (int deep = 0; provider && deep < OWNERS_DEEP; deep++) {
        HELD(buf) key = BUF(256);
        buf_addf(&key, "fix.%s", provider);
        size_t count = fixes_of(cause, buf_span(&key), ret_steps, most);
        if (count)
            return count;
        size_t owner = owner_find(know, provider);
        provider = owner < know->owner_count ? know->owners[owner].family : NULL;
    }
    return fixes_of(cause, SPAN("fix"), ret_steps, most);
}
