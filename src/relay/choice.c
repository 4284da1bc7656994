#include "relay/choice.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/ini.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

#define HOUR (3600ull * 1000)
#define DAY  (24 * HOUR)

enum { FILE_MAX = 4096 };

/* How long a choice holds: as long again as SMTP has been shut already, within these. A network changes
 * when a machine is carried; what an administrator or a provider decides, changes seldom. */
static const struct {
    const char *cause;
    uint64_t least, most;
} shut[] = {
    { "connect_timeout_port_blocked",  1 * HOUR, 1 * DAY  }, /* blocked on this network */
    { "connect_timeout_client_banned", 1 * HOUR, 1 * DAY  },
    { "connect_refused_firewall",      1 * HOUR, 1 * DAY  },
    { "smtp_intercepted",              1 * HOUR, 1 * DAY  },
    { "auth_smtp_disabled_mailbox",    1 * DAY,  14 * DAY }, /* switched off */
    { "auth_smtp_disabled_tenant",     1 * DAY,  14 * DAY },
    { "auth_blocked_by_policy",        1 * DAY,  14 * DAY },
    { "auth_bad_credentials",          1 * DAY,  14 * DAY }, /* refused, in words that nobody knows: a token */
    { "oauth_wrong_user",              1 * DAY,  14 * DAY }, /* refused for the mailbox, by each name */
    { "oauth_wrong_scope",             1 * DAY,  14 * DAY }, /* or for want of a permission */
    { "oauth_missing_permission",      1 * DAY,  14 * DAY },
};

static size_t row_of(const char *cause)
{
    size_t row = 0;

    while (row < COUNT(shut) && strcmp(shut[row].cause, cause) != 0)
        row++;
    return row;
}

bool choice_is_shut(const char *cause)
{
    return cause && row_of(cause) < COUNT(shut);
}

/* A token fetched by another program is one for everything, or for SMTP alone. */
const char *choice_other_way(const struct account *account)
{
    const struct profile *profile = account->profile;

    if (!profile || !profile->http_api)
        return NULL;
    if (account->auth == ACCOUNT_AUTH_TOKEN && !profile->oauth.one_resource)
        return profile->http_api;
    return account->auth == ACCOUNT_AUTH_OAUTH ? profile->http_api : NULL;
}

bool choice_holds(const struct choice *choice, uint64_t wall)
{
    size_t row = row_of(choice->because);

    if (!choice->uses[0] || row == COUNT(shut) || wall < choice->checked || choice->checked < choice->since)
        return false;
    uint64_t as_long_again = choice->checked - choice->since;
    uint64_t good = as_long_again < shut[row].least  ? shut[row].least
                    : as_long_again > shut[row].most ? shut[row].most
                                                     : as_long_again;
    return wall - choice->checked < good;
}

static void set_word(char *into, size_t room, const char *word)
{
    size_t len = strlen(word);

    if (len >= room)
        len = room - 1;
    memcpy(into, word, len);
    into[len] = '\0';
}

void choice_make(struct choice *choice, const char *uses, const char *because, uint64_t wall)
{
    bool again = strcmp(choice->uses, uses) == 0 && strcmp(choice->because, because) == 0 &&
                 choice->since <= wall;

    if (!again)
        choice->since = wall;
    choice->checked = wall;
    set_word(choice->uses, sizeof choice->uses, uses);
    set_word(choice->because, sizeof choice->because, because);
}

/* ---- the file ---- */

static bool add_time(struct buf *out, const char *key, uint64_t ms)
{
    HELD(buf) text = BUF(32);

    buf_addf(&text, "%llu", (unsigned long long)(ms / 1000));
    return !text.full && ini_add(out, key, buf_span(&text));
}

bool choice_write(const struct choice *choice, struct buf *out)
{
    return ini_add_section(out, "transport", NULL) && ini_add(out, "uses", span_of(choice->uses)) &&
           ini_add(out, "because", span_of(choice->because)) &&
           add_time(out, "since", choice->since) && add_time(out, "checked", choice->checked);
}

static bool take_word(const struct ini_section *section, const char *key, char *into, size_t room)
{
    struct span value = ini_value(section, key);

    if (value.len == 0 || value.len >= room)
        return false;
    set_word(into, room, value.at);
    return true;
}

static bool take_time(const struct ini_section *section, const char *key, uint64_t *ret_ms)
{
    uint64_t seconds;

    if (!str_to_u64(ini_value(section, key), 0, UINT64_MAX / 1000, &seconds))
        return false;
    *ret_ms = seconds * 1000;
    return true;
}

bool choice_parse(struct span text, struct choice *ret_choice)
{
    OWN(ini) ini = NULL;
    struct choice choice = { 0 };
    const struct ini_section *section = ini_parse(text, &ini, NULL) ? ini_find(ini, "transport", "") : NULL;

    if (!section || !take_word(section, "uses", choice.uses, sizeof choice.uses) ||
        !take_word(section, "because", choice.because, sizeof choice.because) ||
        !take_time(section, "since", &choice.since) || !take_time(section, "checked", &choice.checked))
        return false;
    *ret_choice = choice;
    return true;
}

/* The folder's path, and the file's in it; both the caller's to free. */
static bool paths(const char *state, const struct account *account, char **ret_folder, char **ret_file,
                  struct err *err)
{
    *ret_file = NULL;
    *ret_folder = file_path(state, "transports");
    if (*ret_folder)
        *ret_file = file_path(*ret_folder, account->name);
    return *ret_file || err_no_memory(err);
}

void choice_read(const struct disk *disk, const char *state, const struct account *account,
                 struct choice *ret_choice)
{
    HELD(buf) text = BUF(FILE_MAX);
    char *folder, *file;

    *ret_choice = (struct choice){ 0 };
    if (paths(state, account, &folder, &file, NULL) &&
        file_read(disk, file, FILE_MAX, FILE_TRUSTED, &text, NULL) &&
        !choice_parse(buf_span(&text), ret_choice))
        *ret_choice = (struct choice){ 0 };
    mem_free(folder);
    mem_free(file);
}

bool choice_keep(const struct disk *disk, const char *state, const struct account *account,
                 const struct choice *choice, struct err *err)
{
    HELD(buf) text = BUF(FILE_MAX);
    char *folder, *file;

    bool good = paths(state, account, &folder, &file, err) &&
                (choice_write(choice, &text) || err_no_memory(err)) &&
                file_make_dirs(disk, folder, 0700, err) &&
                file_write(disk, file, buf_span(&text), FILE_MADE(0600), err);
    mem_free(folder);
    mem_free(file);
    return good;
}

bool choice_forget(const struct disk *disk, const char *state, const struct account *account,
                   struct err *err)
{
    char *folder, *file;
    struct err why = { 0 };

    bool good = paths(state, account, &folder, &file, &why) && file_remove(disk, file, &why);
    mem_free(folder);
    mem_free(file);
    if (!good && why.sys != ENOENT && err)
        *err = why;
    return good || why.sys == ENOENT;
}
