/* The files that outpost writes for itself, in the drop-in directory. */
#include "account/config.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/str.h"
#include "os/file.h"
#include "os/rights.h"

#include "base/banned.h"

/* No account's file has this name: a name begins with a letter or a digit. */
#define DEFAULT_FILE "_default.conf"

static const char WRITTEN[] = "Written by outpost, which replaces this file as a whole.";

char *config_account_file(const struct place *place, const char *name)
{
    HELD(buf) file = BUF(ACCOUNT_NAME_MAX + sizeof ".conf");

    buf_addf(&file, "%s.conf", name);
    return file.full ? NULL : file_path(place->drop_in, buf_text(&file));
}

/* Takes over `path`, and frees it. */
static bool write_file(const struct place *place, const struct disk *disk, char *path,
                       const struct buf *text, struct err *err)
{
    struct rights held = rights_take_back();
    bool ok = path ? file_make_dirs(disk, place->drop_in, place_directory_mode(place), err) &&
                         file_write(disk, path, buf_span(text), place_file_made(place), err)
                   : err_no_memory(err);

    rights_give_again(held);
    mem_free(path);
    return ok;
}

bool config_write_account(const struct place *place, const struct disk *disk,
                          const struct account *account, struct err *err)
{
    HELD(buf) text = BUF(INI_TEXT_MAX);

    if (!ini_add_comment(&text, WRITTEN))
        return err_no_memory(err);
    return account_text(account, &text, err) &&
           write_file(place, disk, config_account_file(place, account->name), &text, err);
}

/* -- sections of the parts -- */

static char *section_file(const struct place *place, const struct config_part *part, const char *name)
{
    HELD(buf) file = BUF(2 * SETTING_NAME_MAX + sizeof "__.conf");

    buf_addf(&file, "_%s_%s.conf", part->kind->kind, name);
    return file.full ? NULL : file_path(place->drop_in, buf_text(&file));
}

static const struct setting_origin *origins_in(const struct config_part *part, const void *of)
{
    return (const void *)((const char *)of + part->origins);
}

static bool section_text(const struct config_part *part, const char *name, const void *of,
                         struct buf *out, struct err *err)
{
    const struct setting_origin *origins = origins_in(part, of);

    if (!ini_add_comment(out, WRITTEN) || !ini_add_section(out, part->kind->kind, name))
        return err_no_memory(err);
    for (size_t i = 0; i < part->kind->count; i++) {
        HELD(buf) value = BUF(INI_LINE_MAX);
        if (!origins[i].from || origins[i].filled)
            continue;
        setting_show(&part->kind->settings[i], of, &value);
        if (value.full || !ini_add(out, part->kind->settings[i].key, buf_span(&value)))
            return err_set(err, ERR_CONFIG, "%s: no file can hold this value",
                           part->kind->settings[i].key);
    }
    return true;
}

bool config_write_section(const struct place *place, const struct disk *disk,
                          const struct config_part *part, const char *name, const void *of,
                          struct err *err)
{
    HELD(buf) text = BUF(INI_TEXT_MAX);

    return setting_name_check(span_of(name), err) && section_text(part, name, of, &text, err) &&
           write_file(place, disk, section_file(place, part, name), &text, err);
}

bool config_set_default(const struct place *place, const struct disk *disk, const char *name,
                        struct err *err)
{
    HELD(buf) text = BUF(1024);

    if (!account_name_check(span_of(name), err))
        return false;
    if (!ini_add_section(&text, config_outpost_kind.kind, NULL) || !ini_add(&text, "default", span_of(name)))
        return err_no_memory(err);
    return write_file(place, disk, file_path(place->drop_in, DEFAULT_FILE), &text, err);
}

/* Does anything that is to go stand in another file than ours? */
static bool all_in(const char *path, const struct setting_origin *origins, size_t count,
                   const char *what, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (origins[i].from && !origins[i].filled && strcmp(origins[i].from, path) != 0)
            return err_set(err, ERR_CONFIG, "%s is set in %s, line %u, a file outpost does not change",
                           what, origins[i].from, origins[i].line);
    return true;
}

bool config_account_is_ours(const struct place *place, const struct account *account, struct err *err)
{
    char *file = config_account_file(place, account->name);
    bool ours = file ? all_in(file, account->origins, account_kind.count, "the account", err)
                     : err_no_memory(err);

    mem_free(file);
    return ours;
}

static bool remove_if_there(const struct disk *disk, const char *path, struct err *err)
{
    struct rights held = rights_take_back();
    struct err why = { 0 };
    bool gone = file_remove(disk, path, &why) || why.sys == ENOENT;

    rights_give_again(held);
    if (gone)
        return true;
    if (err)
        *err = why;
    return false;
}

bool config_remove_account(const struct place *place, const struct disk *disk,
                           const struct config *config, const char *name, struct err *err)
{
    const struct account *account = NULL;
    const struct config_outpost *outpost = &config->outpost;
    bool is_default = outpost->default_account && strcmp(outpost->default_account, name) == 0;

    if (!config_choose(config, name, SPAN_NONE, &account, err))
        return false;
    char *file = config_account_file(place, name), *usual = file_path(place->drop_in, DEFAULT_FILE);
    bool ok = file && usual ? true : err_no_memory(err);
    ok = ok && all_in(file, account->origins, account_kind.count, "the account", err) &&
         (!is_default || all_in(usual, outpost->origins, 1, "the default", err)) &&
         /* The default goes first: alone it would name an account that is not there. */
         (!is_default || remove_if_there(disk, usual, err)) && remove_if_there(disk, file, err);
    mem_free(file);
    mem_free(usual);
    return ok;
}

bool config_remove_section(const struct place *place, const struct disk *disk,
                           const struct config *config, const struct config_part *part,
                           const char *name, struct err *err)
{
    const void *of = config_find_section(config, part, name, err);
    HELD(buf) what = BUF(512);

    if (!of)
        return false;
    char *file = section_file(place, part, name);
    buf_addf(&what, "[%s %s]", part->kind->kind, name);
    bool ok = file ? all_in(file, origins_in(part, of), part->kind->count, buf_text(&what), err) &&
                         remove_if_there(disk, file, err)
                   : err_no_memory(err);
    mem_free(file);
    return ok;
}
