#include "account/config_int.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

#define AT(member_) .offset = offsetof(struct config_outpost, member_)

static bool is_account_name(struct span value, struct err *err)
{
    return account_name_check(value, err);
}

static const struct setting outpost_settings[] = {
    { .key = "default", .type = SETTING_TEXT, AT(default_account), .check = is_account_name,
      .doc = "the account used when none matches the sender" },
    { .key = "hostname", .type = SETTING_TEXT, AT(hostname),
      .doc = "the name said in EHLO; default: the machine's, made valid" },
    { .key = "https_proxy", .type = SETTING_TEXT, AT(https_proxy), .doc = "http://HOST:PORT for HTTPS" },
};

_Static_assert(COUNT(outpost_settings) == CONFIG_OUTPOST_SETTINGS, "each setting has an origin");

const struct setting_kind config_outpost_kind = {
    "outpost", false, outpost_settings, COUNT(outpost_settings), "what holds for all",
};

static struct setting_origin *origins_of(const struct config_section *section)
{
    return (void *)((char *)section->of + section->part->origins);
}

static void section_done(struct config_section *section)
{
    settings_done(section->part->kind, section->of);
    mem_free(section->of);
    mem_free(section->name);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->account_count; i++)
        account_free(config->accounts[i]);
    for (size_t i = 0; i < config->section_count; i++)
        section_done(&config->sections[i]);
    for (size_t i = 0; i < config->file_count; i++)
        mem_free(config->files[i]);
    mem_free(config->accounts);
    mem_free(config->sections);
    mem_free(config->files);
    mem_free(config->main);
    settings_done(&config_outpost_kind, &config->outpost);
    mem_free(config);
}

static struct account *find_account(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->account_count; i++)
        if (strcmp(config->accounts[i]->name, name) == 0)
            return config->accounts[i];
    return NULL;
}

const struct account *config_account(const struct config *config, const char *name)
{
    return find_account(config, name);
}

/* Makes room for one more pointer behind `count` of them. */
static bool grow(void *array_at, size_t count)
{
    void **array = *(void ***)array_at, **more = mem_resize(array, count + 1, sizeof *more);

    if (!more)
        return false;
    *(void ***)array_at = more;
    return true;
}

static bool account_for(struct config *config, struct span name, struct account **ret_account,
                        struct err *err)
{
    OWN(account) account = NULL;

    *ret_account = find_account(config, name.at);
    if (*ret_account)
        return true;
    if (!account_new(name, &account, err))
        return false;
    if (!grow(&config->accounts, config->account_count))
        return err_no_memory(err);
    *ret_account = config->accounts[config->account_count++] = GIVE(account);
    return true;
}

/* -- sections of the parts -- */

static struct config_section *find_section(const struct config *config, const struct config_part *part,
                                           const char *name)
{
    for (size_t i = 0; i < config->section_count; i++) {
        struct config_section *section = &config->sections[i];
        if (section->part == part && (!name || strcmp(section->name, name) == 0))
            return section;
    }
    return NULL;
}

/* Room for one more section behind those that are there. */
static bool more_sections(struct config *config)
{
    struct config_section *more =
        mem_resize(config->sections, config->section_count + 1, sizeof *more);

    if (more)
        config->sections = more;
    return more != NULL;
}

static bool section_for(struct config *config, const struct config_part *part, struct span name,
                        struct config_section **ret_section, struct err *err)
{
    struct config_section new = { .part = part };

    *ret_section = find_section(config, part, part->kind->named ? name.at : NULL);
    if (*ret_section)
        return true;
    if (part->kind->named && !setting_name_check(name, err))
        return err_in(err, "%s", part->kind->kind);
    new.name = part->kind->named ? str_copy_span(name) : NULL;
    new.of = mem_new(part->size);
    if (!new.of || (part->kind->named && !new.name) || !more_sections(config)) {
        mem_free(new.of);
        mem_free(new.name);
        return err_no_memory(err);
    }
    if (new.name)
        memcpy((char *)new.of + part->name, &new.name, sizeof new.name);
    config->sections[config->section_count] = new;
    *ret_section = &config->sections[config->section_count++];
    return true;
}

const void *config_section(const struct config *config, const struct config_part *part, const char *name)
{
    const struct config_section *section = find_section(config, part, name);

    return section ? section->of : NULL;
}

static void no_such_section(const struct config *config, const struct config_part *part,
                            const char *name, struct err *err)
{
    HELD(buf) shown = BUF(512);
    const char *meant = NULL;
    unsigned least = 3;

    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        unsigned distance = section->part == part ? str_distance(name, section->name, 3) : 3;
        if (distance < least) {
            least = distance;
            meant = section->name;
        }
    }
    str_printable(&shown, span_of(name), SETTING_NAME_MAX);
    err_found(err, ERR_CONFIG, "config:bad", "there is no [%s %s]%s%s%s", part->kind->kind,
              buf_text(&shown), meant ? " (did you mean \"" : "", meant ? meant : "", meant ? "\"?)" : "");
}

const void *config_find_section(const struct config *config, const struct config_part *part,
                                const char *name, struct err *err)
{
    const void *section = config_section(config, part, name);

    if (!section)
        no_such_section(config, part, name, err);
    return section;
}

const void *config_next(const struct config *config, const struct config_part *part, size_t *at)
{
    while (*at < config->section_count) {
        const struct config_section *section = &config->sections[(*at)++];
        if (section->part == part)
            return section->of;
    }
    return NULL;
}

bool config_view(const struct config *config, size_t at, struct config_view *ret_view)
{
    if (at == 0) {
        *ret_view = (struct config_view){ &config_outpost_kind, NULL, &config->outpost,
                                          config->outpost.origins };
        return true;
    }
    if (--at < config->account_count) {
        const struct account *account = config->accounts[at];
        *ret_view = (struct config_view){ &account_kind, account->name, account, account->origins };
        return true;
    }
    at -= config->account_count;
    if (at >= config->section_count)
        return false;
    const struct config_section *section = &config->sections[at];
    *ret_view = (struct config_view){ section->part->kind, section->name, section->of,
                                      origins_of(section) };
    return true;
}

/* -- reading -- */

/* What a file's sections may be, and where they go. */
struct reading {
    struct config *config;
    const struct disk *disk;
    const struct config_part *const *parts;
    size_t part_count;
    const struct setting_kind **kinds; /* the two of this room, then those of the parts */
};

enum { OUR_KINDS = 2 };

static bool read_into(const struct reading *r, const struct setting_kind *kind,
                      const struct ini_section *section, const char *file, struct err *err)
{
    struct config *config = r->config;
    struct account *account;
    struct config_section *place;
    size_t at = 0;

    if (kind == &config_outpost_kind)
        return settings_read(kind, section, file, &config->outpost, config->outpost.origins, err);
    if (kind == &account_kind) {
        if (!account_for(config, section->name, &account, err))
            return err_in(err, "line %u", section->line);
        return settings_read(kind, section, file, account, account->origins, err);
    }
    while (r->parts[at]->kind != kind)
        at++;
    if (!section_for(config, r->parts[at], section->name, &place, err))
        return err_in(err, "line %u", section->line);
    return settings_read(kind, section, file, place->of, origins_of(place), err);
}

static bool read_section(const struct reading *r, const struct ini *ini, size_t at, const char *file,
                         struct err *err)
{
    const struct ini_section *section = ini_section_at(ini, at);
    const struct ini_section *first = ini_find(ini, section->kind.at, section->name.at);
    const struct setting_kind *kind;

    if (!setting_kind_find(r->kinds, OUR_KINDS + r->part_count, section, &kind, err))
        return false;
    if (first != section) {
        err_found(err, ERR_CONFIG, "config:bad", "the section began in line %u already", first->line);
        return err_in(err, "line %u", section->line);
    }
    return read_into(r, kind, section, file, err);
}

static bool read_sections(const struct reading *r, struct span text, const char *file, struct err *err)
{
    OWN(ini) ini = NULL;

    if (!ini_parse(text, &ini, err))
        return false;
    for (size_t i = 0; i < ini_count(ini); i++)
        if (!read_section(r, ini, i, file, err))
            return false;
    return true;
}

/* A file that is not there is no failure. */
static bool read_file(const struct reading *r, const char *path, struct err *err)
{
    struct config *config = r->config;
    HELD(buf) text = BUF(INI_TEXT_MAX);
    struct err why = { 0 };

    if (!file_read(r->disk, path, INI_TEXT_MAX, FILE_TRUSTED, &text, &why)) {
        if (why.sys == ENOENT)
            return true;
        if (err)
            *err = why;
        if (err && why.kind == ERR_INPUT) {
            err->kind = ERR_CONFIG;
            err->fact = "config:unreadable";
        }
        return false;
    }
    char *file = str_copy(path);
    if (!file || !grow(&config->files, config->file_count)) {
        mem_free(file);
        return err_no_memory(err);
    }
    config->files[config->file_count++] = file;
    return read_sections(r, buf_span(&text), file, err) || ini_in_file(err, file);
}

static bool read_drop_ins(const struct reading *r, const char *directory, struct err *err)
{
    HELD(file_names) names = { 0 };

    if (!file_list(directory, ".conf", &names, err)) {
        if (err && err->kind == ERR_INPUT) {
            err->kind = ERR_CONFIG;
            err->fact = "config:unreadable";
        }
        return false;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (!str_is_safe(span_of(names.at[i])))
            return err_found(err, ERR_CONFIG, "config:bad",
                             "%s: a file's name holds characters that can't be shown", directory);
        char *path = file_path(directory, names.at[i]);
        bool ok = path ? read_file(r, path, err) : err_no_memory(err);
        mem_free(path);
        if (!ok)
            return false;
    }
    return true;
}

static bool check_default(const struct config *config, struct err *err)
{
    const struct config_outpost *outpost = &config->outpost;

    if (!outpost->default_account || config_has_lane(config, outpost->default_account))
        return true;
    config_no_account(config, outpost->default_account, err);
    err_in(err, "default");
    return err_in(err, "%s:%u", outpost->origins[0].from, outpost->origins[0].line);
}

/* Every kind without a name has its section now, and every section its defaults. */
static bool fill_sections(const struct reading *r, struct err *err)
{
    struct config_section *section;

    for (size_t i = 0; i < r->part_count; i++)
        if (!r->parts[i]->kind->named && !section_for(r->config, r->parts[i], SPAN_NONE, &section, err))
            return false;
    for (size_t i = 0; i < r->config->section_count; i++) {
        section = &r->config->sections[i];
        if (!settings_fill(section->part->kind, section->of, origins_of(section), err))
            return false;
    }
    return true;
}

static bool read_all(struct reading *r, const struct place *place, struct err *err)
{
    r->kinds[0] = &config_outpost_kind;
    r->kinds[1] = &account_kind;
    for (size_t i = 0; i < r->part_count; i++)
        r->kinds[OUR_KINDS + i] = r->parts[i]->kind;
    return read_file(r, place->config, err) && read_drop_ins(r, place->drop_in, err) &&
           fill_sections(r, err);
}

bool config_load(const struct place *place, const struct disk *disk, const struct config_part *const *parts,
                 struct config **ret_config, struct err *err)
{
    OWN(config) config = NEW(config);
    struct reading reading = { .config = config, .disk = disk, .parts = parts };

    if (!config || !(config->main = str_copy(place->config)))
        return err_no_memory(err);
    while (parts && parts[reading.part_count])
        reading.part_count++;
    reading.kinds = mem_array(OUR_KINDS + reading.part_count, sizeof *reading.kinds);
    if (!reading.kinds)
        return err_no_memory(err);
    bool read = read_all(&reading, place, err);
    mem_free(reading.kinds);
    if (!read || !check_default(config, err))
        return false;
    *ret_config = GIVE(config);
    return true;
}

void config_names(const struct config *config, struct span *ret_names)
{
    for (size_t i = 0; i < config->account_count; i++) {
        const struct account *account = config->accounts[i];
        struct span address = span_of(account->address);
        *ret_names++ = span_of(account->provider);
        *ret_names++ = span_of(account->server.name);
        *ret_names++ = span_from(address, span_find_last(address, '@') + 1);
    }
}

bool config_fill(struct config *config, const struct knowledge *know, struct err *err)
{
    for (size_t i = 0; i < config->account_count; i++)
        if (!account_fill(config->accounts[i], know, err) || !account_check(config->accounts[i], err))
            return false;
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        if (section->part->check && !section->part->check(section->of, config, err))
            return false;
    }
    return true;
}
