#include "base/str.h"
#include "know/knowledge_int.h"

#include "base/banned.h"

static bool is_break(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

static size_t count_words(struct span value)
{
    size_t count = 0;

    for (size_t i = 0; i < value.len; i++)
        count += !is_break(value.at[i]) && (i == 0 || is_break(value.at[i - 1]));
    return count;
}

/* Cuts a copy of the value into words; `at` has room for them. */
static bool cut_words(struct pool *pool, struct span value, const char **at)
{
    char *copy = pool_text(pool, value);

    if (!copy)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (is_break(copy[i])) {
            copy[i] = '\0';
            continue;
        }
        if (i == 0 || copy[i - 1] == '\0')
            *at++ = copy + i;
    }
    return true;
}

bool key_words(struct knowledge *know, const struct ini_section *section, const struct key *key,
               struct words *ret_words, struct err *err)
{
    const struct ini_entry *entry = NULL;
    size_t count = 0, done = 0;

    while ((entry = ini_next(section, entry, key->name)))
        count += key->type == KEY_LINES ? 1 : count_words(entry->value);
    const char **at = pool_array(&know->pool, count, sizeof *at);
    if (!at)
        return err_no_memory(err);
    while ((entry = ini_next(section, entry, key->name))) {
        if (key->type == KEY_LINES) {
            at[done++] = entry->value.at;
            continue;
        }
        if (!cut_words(&know->pool, entry->value, at + done))
            return err_no_memory(err);
        done += count_words(entry->value);
    }
    *ret_words = (struct words){ at, count };
    return true;
}

static bool bad(struct err *err, const struct ini_entry *entry, const char *why)
{
    return err_found(err, ERR_CONFIG, "config:bad", "line %u: %s: %s", entry->line, entry->key.at,
                     why);
}

static bool read_duration(const struct ini_entry *entry, uint64_t *ret_ms, struct err *err)
{
    static const struct {
        char unit;
        uint64_t ms;
    } units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
    struct span value = entry->value;
    uint64_t number;

    for (size_t i = 0; i < COUNT(units); i++) {
        if (!value.len || value.at[value.len - 1] != units[i].unit)
            continue;
        if (!str_to_u64(span_cut(value, 0, value.len - 1), 0, 100000, &number))
            break;
        *ret_ms = number * units[i].ms;
        return true;
    }
    return bad(err, entry, "a duration is written 30s, 5m, 2h or 5d");
}

/* Which of the choices, parted by one space, the word is. */
static bool read_choice(struct span word, const char *choices, unsigned *ret)
{
    struct span rest = span_of(choices), choice;

    for (unsigned i = 0; span_split(&rest, ' ', &choice); i++) {
        if (!span_equal_word(word, choice))
            continue;
        *ret = i;
        return true;
    }
    return false;
}

static bool read_bits(const struct ini_entry *entry, const char *choices, unsigned *ret,
                      struct err *err)
{
    struct span rest = entry->value, word;
    unsigned bits = 0, bit;

    while (span_split(&rest, ' ', &word)) {
        if (word.len == 0)
            continue;
        if (!read_choice(word, choices, &bit))
            return err_found(err, ERR_CONFIG, "config:bad", "line %u: %s: one or more of: %s",
                             entry->line, entry->key.at, choices);
        bits |= 1U << bit;
    }
    *ret = bits;
    return true;
}

static bool read_one(const struct ini_entry *entry, const struct key *key, void *at,
                     struct err *err)
{
    unsigned choice;

    switch (key->type) {
    case KEY_TEXT:
        *(const char **)at = entry->value.at;
        return true;
    case KEY_NUMBER:
        return str_to_u64(entry->value, 0, UINT64_MAX, at) || bad(err, entry, "not a number");
    case KEY_DURATION:
        return read_duration(entry, at, err);
    case KEY_YES:
        *(bool *)at = span_is(entry->value, "yes");
        return *(bool *)at || span_is(entry->value, "no") || bad(err, entry, "yes or no");
    case KEY_CHOICE:
        if (!read_choice(entry->value, key->choices, &choice))
            return err_found(err, ERR_CONFIG, "config:bad", "line %u: %s: one of: %s", entry->line,
                             key->name, key->choices);
        memcpy(at, &choice, sizeof choice);
        return true;
    case KEY_BITS:
        return read_bits(entry, key->choices, at, err);
    case KEY_IGNORED:
    case KEY_WORDS:
    case KEY_LINES:
        break;
    }
    return true;
}

static const struct key *find_key(const struct key *keys, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(name, keys[i].name))
            return &keys[i];
    return NULL;
}

static bool is_list(const struct key *key)
{
    return key->type == KEY_WORDS || key->type == KEY_LINES || key->type == KEY_IGNORED;
}

bool keys_read(struct knowledge *know, const struct ini_section *section, const struct key *keys,
               size_t count, void *into, struct err *err)
{
    _Static_assert(sizeof(enum security) == sizeof(unsigned), "choices are written as unsigned");

    for (size_t i = 0; i < section->count; i++) {
        const struct ini_entry *entry = &section->entries[i];
        const struct key *key = find_key(keys, count, entry->key);
        if (!key)
            return err_found(err, ERR_CONFIG, "config:bad", "line %u: [%s] has no key %s",
                             entry->line, section->kind.at, entry->key.at);
        bool first = ini_next(section, NULL, key->name) == entry;
        if (!first && !is_list(key))
            return bad(err, entry, "written twice");
        if (first && (key->type == KEY_WORDS || key->type == KEY_LINES) &&
            !key_words(know, section, key, (struct words *)((char *)into + key->at), err))
            return false;
        if (!is_list(key) && !read_one(entry, key, (char *)into + key->at, err))
            return false;
    }
    return true;
}
