#include "base/settings.h"

#include <limits.h>

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

enum { LIST_MOST = 1000, UNLIKE = 3 };

static bool bad(struct err *err, const char *why)
{
    return err_found(err, ERR_CONFIG, "config:bad", "%s", why);
}

static void *member(const struct setting *setting, void *of)
{
    return (char *)of + setting->offset;
}

static const void *member_of(const struct setting *setting, const void *of)
{
    return (const char *)of + setting->offset;
}

/* Numbers with a unit behind them: 35M, 30s. The first row without letters is the plain number's. */
struct unit {
    const char *letter;
    uint64_t times;
};

static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };
static const struct unit sizes[] = {
    { "", 1 }, { "K", 1024 }, { "M", 1024 * 1024 }, { "G", 1024 * 1024 * 1024 }, { NULL, 0 },
};
static const struct unit durations[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 86400 * 1000 }, { NULL, 0 },
};

static bool read_units(const struct setting *setting, struct span value, const struct unit *units,
                       const char *wanted, void *at, struct err *err)
{
    size_t digits = 0;
    uint64_t number;

    while (digits < value.len && str_is_digit(value.at[digits]))
        digits++;
    for (const struct unit *unit = units; unit->letter; unit++) {
        if (!span_is_word(span_from(value, digits), unit->letter))
            continue;
        if (!str_to_u64(span_cut(value, 0, digits), 0, UINT64_MAX / unit->times, &number))
            break;
        number *= unit->times;
        if (number < setting->least || (setting->most && number > setting->most))
            return bad(err, "the number is out of range");
        *(uint64_t *)at = number;
        return true;
    }
    return bad(err, wanted);
}

static bool read_number(const struct setting *setting, struct span value, void *at, struct err *err)
{
    return read_units(setting, value, plain, "a number is wanted", at, err);
}

static bool read_size(const struct setting *setting, struct span value, void *at, struct err *err)
{
    return read_units(setting, value, sizes, "a size is wanted, such as 35M", at, err);
}

static bool read_duration(const struct setting *setting, struct span value, void *at, struct err *err)
{
    return read_units(setting, value, durations, "a duration is wanted, such as 30s, 5m, 2h or 5d", at,
                      err);
}

bool setting_duration(struct span value, uint64_t *ret_ms)
{
    static const struct setting any = { .type = SETTING_DURATION };

    return read_duration(&any, value, ret_ms, NULL);
}

static bool read_text(const struct setting *setting, struct span value, void *at, struct err *err)
{
    (void)setting;
    char *copy = str_copy_span(value);

    if (!copy)
        return err_no_memory(err);
    mem_free(*(char **)at);
    *(char **)at = copy;
    return true;
}

static bool read_bool(const struct setting *setting, struct span value, void *at, struct err *err)
{
    static const struct {
        const char *word;
        bool means;
    } words[] = {
        { "yes", true }, { "true", true }, { "on", true },
        { "no", false }, { "false", false }, { "off", false },
    };

    (void)setting;
    for (size_t i = 0; i < COUNT(words); i++) {
        if (span_is_word(value, words[i].word)) {
            *(bool *)at = words[i].means;
            return true;
        }
    }
    return bad(err, "yes or no is wanted");
}

static bool read_word(const struct setting *setting, struct span value, void *at, struct err *err)
{
    HELD(buf) known = BUF(512);

    for (unsigned i = 0; setting->words[i]; i++) {
        if (span_is_word(value, setting->words[i])) {
            *(unsigned *)at = i + 1;
            return true;
        }
        buf_addf(&known, "%s%s", i ? ", " : "", setting->words[i]);
    }
    return err_found(err, ERR_CONFIG, "config:bad", "one of these words is wanted: %s", buf_text(&known));
}

static void host_done(struct setting_host *host)
{
    mem_free(host->name);
    *host = (struct setting_host){ 0 };
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT; an IPv6 address without brackets has no port. */
static bool no_host(struct err *err, const char *text)
{
    return err_found(err, ERR_CONFIG, "name:malformed", "%s", text);
}

static bool read_host(const struct setting *setting, struct span value, void *at, struct err *err)
{
    struct setting_host *host = at;
    struct span name = value, port = SPAN_NONE;
    uint16_t number = 0;
    size_t bracket = span_find(value, ']'), colon = span_find_last(value, ':');

    (void)setting;
    if (value.len && value.at[0] == '[' && bracket < value.len) {
        name = span_cut(value, 1, bracket);
        port = span_from(value, bracket + 1);
        if (port.len && port.at[0] != ':')
            return no_host(err, "HOST:PORT is wanted");
    } else if (colon < value.len && span_find(value, ':') == colon) {
        name = span_cut(value, 0, colon);
        port = span_from(value, colon);
    }
    if (span_find(value, '/') < value.len)
        return no_host(err, "HOST:PORT is wanted, without a URL's parts");
    for (size_t i = 0; i < name.len; i++)
        if (memchr(" \t[]\"", name.at[i], 5))
            return no_host(err, "HOST:PORT is wanted");
    if (name.len == 0)
        return no_host(err, "HOST:PORT is wanted");
    if (port.len && !str_to_u16(span_from(port, 1), 1, UINT16_MAX, &number))
        return bad(err, "the port is a number from 1 to 65535");
    char *copy = str_copy_span(name);
    if (!copy)
        return err_no_memory(err);
    host_done(host);
    *host = (struct setting_host){ copy, number };
    return true;
}

static void list_done(struct setting_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->at[i]);
    mem_free(list->at);
    *list = (struct setting_list){ 0 };
}

static bool read_list(const struct setting *setting, struct span value, void *at, struct err *err)
{
    struct setting_list list = { 0 };
    struct span rest = value, part;
    size_t commas = 0;

    (void)setting;
    for (size_t i = 0; i < value.len; i++)
        commas += value.at[i] == ',';
    if (commas >= LIST_MOST)
        return bad(err, "the list is too long");
    list.at = mem_array(commas + 1, sizeof *list.at);
    if (!list.at)
        return err_no_memory(err);
    while (span_split(&rest, ',', &part)) {
        part = span_trim(part);
        if (part.len == 0)
            continue;
        if (!(list.at[list.count] = str_copy_span(part))) {
            list_done(&list);
            return err_no_memory(err);
        }
        list.count++;
    }
    list_done(at);
    *(struct setting_list *)at = list;
    return true;
}

/* Back into the words of a file. */

static void show_units(uint64_t number, const struct unit *units, struct buf *out)
{
    const struct unit *best = units;

    for (const struct unit *unit = units; unit->letter; unit++)
        if (number && number % unit->times == 0)
            best = unit;
    buf_addf(out, "%llu%s", (unsigned long long)(number / best->times), best->letter);
}

static void show_number(const struct setting *setting, const void *at, struct buf *out)
{
    (void)setting;
    show_units(*(const uint64_t *)at, plain, out);
}

static void show_size(const struct setting *setting, const void *at, struct buf *out)
{
    (void)setting;
    show_units(*(const uint64_t *)at, sizes, out);
}

static void show_duration(const struct setting *setting, const void *at, struct buf *out)
{
    (void)setting;
    show_units(*(const uint64_t *)at, durations, out);
}

static void show_text(const struct setting *setting, const void *at, struct buf *out)
{
    (void)setting;
    buf_add_span(out, span_of(*(char *const *)at));
}

static void show_bool(const struct setting *setting, const void *at, struct buf *out)
{
    (void)setting;
    buf_add(out, *(const bool *)at ? "yes" : "no");
}

static void show_word(const struct setting *setting, const void *at, struct buf *out)
{
    unsigned number = *(const unsigned *)at;

    if (number)
        buf_add(out, setting->words[number - 1]);
}

static void show_host(const struct setting *setting, const void *at, struct buf *out)
{
    const struct setting_host *host = at;
    bool is_ipv6 = host->name && span_find(span_of(host->name), ':') < strlen(host->name);

    (void)setting;
    if (!host->name)
        return;
    buf_addf(out, is_ipv6 ? "[%s]" : "%s", host->name);
    if (host->port)
        buf_addf(out, ":%u", (unsigned)host->port);
}

static void show_list(const struct setting *setting, const void *at, struct buf *out)
{
    const struct setting_list *list = at;

    (void)setting;
    for (size_t i = 0; i < list->count; i++)
        buf_addf(out, "%s%s", i ? ", " : "", list->at[i]);
}

static void text_free(void *at)
{
    mem_free(*(char **)at);
    *(char **)at = NULL;
}

static void host_free(void *at)
{
    host_done(at);
}

static void list_free(void *at)
{
    list_done(at);
}

static const struct type {
    bool (*read)(const struct setting *setting, struct span value, void *at, struct err *err);
    void (*show)(const struct setting *setting, const void *at, struct buf *out);
    void (*done)(void *at); /* NULL: holds nothing */
} types[] = {
    [SETTING_TEXT] = { read_text, show_text, text_free },
    [SETTING_BOOL] = { read_bool, show_bool, NULL },
    [SETTING_WORD] = { read_word, show_word, NULL },
    [SETTING_NUMBER] = { read_number, show_number, NULL },
    [SETTING_SIZE] = { read_size, show_size, NULL },
    [SETTING_DURATION] = { read_duration, show_duration, NULL },
    [SETTING_HOST] = { read_host, show_host, host_free },
    [SETTING_LIST] = { read_list, show_list, list_free },
};

void setting_show(const struct setting *setting, const void *from, struct buf *out)
{
    types[setting->type].show(setting, member_of(setting, from), out);
}

void settings_done(const struct setting_kind *kind, void *of)
{
    for (size_t i = 0; i < kind->count; i++)
        if (types[kind->settings[i].type].done)
            types[kind->settings[i].type].done(member(&kind->settings[i], of));
}

const struct setting *setting_find(const struct setting_kind *kind, struct span key)
{
    for (size_t i = 0; i < kind->count; i++)
        if (span_is(key, kind->settings[i].key))
            return &kind->settings[i];
    return NULL;
}

/* Which known word did they mean? Words that stand `step` bytes apart, in a table. */
static const char *nearest(struct span word, const char *(*at)(const void *table, size_t i),
                           const void *table, size_t count)
{
    const char *best = NULL;
    unsigned least = UNLIKE;
    char *text = str_copy_span(word);

    for (size_t i = 0; text && i < count; i++) {
        unsigned distance = str_distance(text, at(table, i), UNLIKE);
        if (distance < least) {
            least = distance;
            best = at(table, i);
        }
    }
    mem_free(text);
    return best;
}

static const char *key_at(const void *table, size_t i)
{
    return ((const struct setting *)table)[i].key;
}

static const char *kind_at(const void *table, size_t i)
{
    return ((const struct setting_kind *const *)table)[i]->kind;
}

/* "no such key: "servre" (did you mean "server"?)" */
static bool unknown(struct err *err, const char *what, struct span word, const char *meant)
{
    HELD(buf) shown = BUF(200), hint = BUF(200);

    str_printable(&shown, word, 64);
    if (meant)
        buf_addf(&hint, " (did you mean \"%s\"?)", meant);
    return err_found(err, ERR_CONFIG, "config:bad", "no such %s: \"%s\"%s", what, buf_text(&shown),
                     buf_text(&hint));
}

bool setting_kind_find(const struct setting_kind *const *kinds, size_t count,
                       const struct ini_section *section, const struct setting_kind **ret_kind,
                       struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!span_is(section->kind, kinds[i]->kind))
            continue;
        if (kinds[i]->named == (section->name.len > 0)) {
            *ret_kind = kinds[i];
            return true;
        }
        bad(err, kinds[i]->named ? "a name is missing" : "this section takes no name");
        err_in(err, "[%s]", kinds[i]->kind);
        return err_in(err, "line %u", section->line);
    }
    unknown(err, "section", section->kind, nearest(section->kind, kind_at, kinds, count));
    return err_in(err, "line %u", section->line);
}

bool setting_wrong(const struct setting_kind *kind, const struct setting_origin *origins, const char *name,
                   const char *key, struct err *err, const char *why)
{
    const struct setting *setting = setting_find(kind, span_of(key));
    const struct setting_origin *origin = setting ? &origins[setting - kind->settings] : NULL;

    err_found(err, ERR_CONFIG, "config:bad", "%s: %s", key, why);
    if (origin && origin->line)
        return err_in(err, "%s:%u", origin->from, origin->line);
    return err_in(err, "%s%s%s", kind->kind, name ? " " : "", name ? name : "");
}

bool setting_is_name_char(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || (c && strchr("._-@+", c));
}

bool setting_name_check(struct span name, struct err *err)
{
    if (name.len == 0)
        return bad(err, "a name can't be empty");
    if (name.len > SETTING_NAME_MAX)
        return bad(err, "a name has 64 characters at most");
    if (!str_is_alpha(name.at[0]) && !str_is_digit(name.at[0]))
        return bad(err, "a name begins with a letter or a digit");
    for (size_t i = 0; i < name.len; i++)
        if (!setting_is_name_char(name.at[i]))
            return bad(err, "a name has letters, digits, '.', '_', '-', '+' and '@' only");
    return true;
}

static bool set(const struct setting *setting, struct span value, void *into, struct err *err)
{
    if ((setting->check && !setting->check(value, err)) ||
        !types[setting->type].read(setting, value, member(setting, into), err))
        return err_in(err, "%s", setting->key);
    return true;
}

bool settings_set(const struct setting_kind *kind, const char *key, struct span value,
                  struct setting_origin origin, void *into, struct setting_origin *origins,
                  struct err *err)
{
    const struct setting *setting = setting_find(kind, span_of(key));

    if (!setting)
        return unknown(err, "key", span_of(key), nearest(span_of(key), key_at, kind->settings, kind->count));
    if (!set(setting, value, into, err))
        return false;
    origins[setting - kind->settings] = origin;
    return true;
}

bool settings_read(const struct setting_kind *kind, const struct ini_section *section, const char *from,
                   void *into, struct setting_origin *origins, struct err *err)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct ini_entry *entry = &section->entries[i];
        const struct ini_entry *first = ini_next(section, NULL, entry->key.at);
        if (first != entry) {
            err_found(err, ERR_CONFIG, "config:bad", "\"%s\" was set in line %u already", entry->key.at,
                      first->line);
            return err_in(err, "line %u", entry->line);
        }
        const struct setting_origin origin = { .from = from, .line = entry->line };
        if (!settings_set(kind, entry->key.at, entry->value, origin, into, origins, err))
            return err_in(err, "line %u", entry->line);
    }
    return true;
}

bool settings_fill(const struct setting_kind *kind, void *into, struct setting_origin *origins,
                   struct err *err)
{
    for (size_t i = 0; i < kind->count; i++) {
        const struct setting *setting = &kind->settings[i];
        if (origins[i].from || !setting->fallback)
            continue;
        if (!set(setting, span_of(setting->fallback), into, err))
            return false;
        origins[i] = (struct setting_origin){ .from = "default", .filled = true };
    }
    return true;
}
