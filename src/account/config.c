#include "account/config.h"

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

static const struct setting_kind *const kinds[] = { &config_outpost_kind, &account_kind };

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->account_count; i++)
        account_free(config->accounts[i]);
    for (size_t i = 0; i < config->file_count; i++)
        mem_free(config->files[i]);
    mem_free(config->accounts);
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

static bool read_section(struct config *config, const struct ini *ini, size_t at, const char *file,
                         struct err *err)
{
    const struct ini_section *section = ini_section_at(ini, at);
    const struct ini_section *first = ini_find(ini, section->kind.at, section->name.at);
    const struct setting_kind *kind;
    struct account *account;

    if (!setting_kind_find(kinds, COUNT(kinds), section, &kind, err))
        return false;
    if (first != section) {
        err_found(err, ERR_CONFIG, "config:bad", "the section began in line %u already", first->line);
        return err_in(err, "line %u", section->line);
    }
    if (kind == &config_outpost_kind)
        return settings_read(kind, section, file, &config->outpost, config->outpost.origins, err);
    if (!account_for(config, section->name, &account, err))
        return err_in(err, "line %u", section->line);
    return settings_read(kind, section, file, account, account->origins, err);
}

static bool read_sections(struct config *config, struct span text, const char *file, struct err *err)
{
    OWN(ini) ini = NULL;

    if (!ini_parse(text, &ini, err))
        return false;
    for (size_t i = 0; i < ini_count(ini); i++)
        if (!read_section(config, ini, i, file, err))
            return false;
    return true;
}

/* A file that is not there is no failure. */
static bool read_file(struct config *config, const struct disk *disk, const char *path, struct err *err)
{
    HELD(buf) text = BUF(INI_TEXT_MAX);
    struct err why = { 0 };

    if (!file_read(disk, path, INI_TEXT_MAX, FILE_TRUSTED, &text, &why)) {
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
    return read_sections(config, buf_span(&text), file, err) || err_in(err, "in %s", path);
}

static bool read_drop_ins(struct config *config, const struct disk *disk, const char *directory,
                          struct err *err)
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
        bool ok = path ? read_file(config, disk, path, err) : err_no_memory(err);
        mem_free(path);
        if (!ok)
            return false;
    }
    return true;
}

static const char *nearest_account(const struct config *config, const char *name)
{
    const char *best = NULL;
    unsigned least = 3;

    for (size_t i = 0; i < config->account_count; i++) {
        unsigned distance = str_distance(name, config->accounts[i]->name, 3);
        if (distance < least) {
            least = distance;
            best = config->accounts[i]->name;
        }
    }
    return best;
}

static bool no_such_account(const struct config *config, const char *name, struct err *err)
{
    HELD(buf) shown = BUF(512);
    const char *meant = nearest_account(config, name);

    str_printable(&shown, span_of(name), ACCOUNT_NAME_MAX);
    return err_found(err, ERR_CONFIG, "config:no-account", "no account is called \"%s\"%s%s%s",
                     buf_text(&shown), meant ? " (did you mean \"" : "", meant ? meant : "",
                     meant ? "\"?)" : "");
}

/* What can only be said of the whole. */
static bool check_all(const struct config *config, const struct knowledge *know, struct err *err)
{
    const struct config_outpost *outpost = &config->outpost;

    if (outpost->default_account && !config_account(config, outpost->default_account)) {
        no_such_account(config, outpost->default_account, err);
        err_in(err, "default");
        return err_in(err, "in %s: line %u", outpost->origins[0].from, outpost->origins[0].line);
    }
    for (size_t i = 0; know && i < config->account_count; i++)
        if (!account_fill(config->accounts[i], know, err) || !account_check(config->accounts[i], err))
            return false;
    return true;
}

bool config_load(const struct place *place, const struct disk *disk, const struct knowledge *know,
                 struct config **ret_config, struct err *err)
{
    OWN(config) config = NEW(config);

    if (!config || !(config->main = str_copy(place->config)))
        return err_no_memory(err);
    if (!read_file(config, disk, place->config, err) ||
        !read_drop_ins(config, disk, place->drop_in, err) || !check_all(config, know, err))
        return false;
    *ret_config = GIVE(config);
    return true;
}

/* -- who sends? -- */

const struct account *config_default(const struct config *config)
{
    if (config->outpost.default_account)
        return config_account(config, config->outpost.default_account);
    return config->account_count == 1 ? config->accounts[0] : NULL;
}

static bool has_address(const struct account *account, struct span sender)
{
    return account->address && span_is_word(sender, account->address);
}

static bool has_domain(const struct account *account, struct span sender)
{
    struct span ours = span_of(account->address);

    return ours.len && span_equal_word(span_from(ours, span_find_last(ours, '@')),
                                       span_from(sender, span_find_last(sender, '@')));
}

/* From the surest sign to the weakest. */
static bool (*const signs[])(const struct account *account, struct span sender) = {
    has_address,
    account_may_send_as,
    has_domain,
};

static const struct account *by_sender(const struct config *config, struct span sender)
{
    const struct account *usual = config_default(config);

    for (size_t sign = 0; sign < COUNT(signs); sign++) {
        if (usual && signs[sign](usual, sender)) /* of several, the default */
            return usual;
        for (size_t i = 0; i < config->account_count; i++)
            if (signs[sign](config->accounts[i], sender))
                return config->accounts[i];
    }
    return NULL;
}

bool config_choose(const struct config *config, const char *name_or_null, struct span sender,
                   const struct account **ret_account, struct err *err)
{
    const struct account *account = NULL;

    if (name_or_null) {
        account = config_account(config, name_or_null);
        if (!account)
            return no_such_account(config, name_or_null, err);
    } else if (span_find(sender, '@') < sender.len) {
        account = by_sender(config, sender);
    }
    if (!account)
        account = config_default(config);
    if (!account && config->account_count == 0)
        return err_found(err, ERR_CONFIG, "config:no-account", "%s: no account is set up",
                         config->main);
    if (!account)
        return err_found(err, ERR_CONFIG, "config:no-account",
                         "%s: none of %zu accounts fits the sender, and none is the default",
                         config->main, config->account_count);
    *ret_account = account;
    return true;
}
