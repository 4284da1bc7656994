#include "intake/local.h"

#include <errno.h>

#include "mail/address.h"
#include "os/file.h"

#include "base/banned.h"

static const char *const other_senders_words[] = { "rewrite", "refuse", "keep", NULL };

_Static_assert(OTHER_SENDERS_REWRITE == 1 && OTHER_SENDERS_KEEP == 3, "as in other_senders_words");

static bool is_path(struct span value, struct err *err)
{
    return span_starts(value, "/") || err_found(err, ERR_CONFIG, "config:bad", "a path is wanted: /etc/aliases");
}

/* Elsewhere: mail for this machine's names can't be sent to one of them. */
static bool is_elsewhere(struct span value, struct err *err)
{
    struct address address;

    if (!address_parse(value, &address, err)) {
        if (err && err->kind != ERR_MEMORY) {
            err->kind = ERR_CONFIG;
            err->fact = "config:bad";
        }
        return false;
    }
    bool local = aliases_is_local(address_domain(&address), "");
    address_done(&address);
    return !local || err_found(err, ERR_CONFIG, "config:bad", "an address elsewhere is wanted, not one of this machine");
}

#define AT(member_) .offset = offsetof(struct local_settings, member_)

static const struct setting settings[] = {
    { .key = "aliases", .type = SETTING_TEXT, AT(aliases), .check = is_path, .fallback = "/etc/aliases",
      .doc = "who gets mail for this machine's names; programs and files in it are refused" },
    { .key = "admin", .type = SETTING_TEXT, AT(admin), .check = is_elsewhere,
      .doc = "who gets mail for root and every name of this machine that has no alias" },
    { .key = "other_senders", .type = SETTING_WORD, AT(other_senders), .words = other_senders_words,
      .doc = "what is done with a message whose sender is not the account's; default: as the account says" },
    { .key = "messages_per_hour", .type = SETTING_NUMBER, AT(messages_per_hour), .fallback = "200",
      .doc = "messages an hour of each user of this machine but root; 0 is no limit" },
};

_Static_assert(COUNT(settings) == LOCAL_SETTINGS, "each setting has an origin");

static const struct setting_kind local_kind = {
    "local", false, settings, COUNT(settings), "mail from this machine's programs, and to its names",
};

const struct config_part local_part = {
    .kind = &local_kind,
    .size = sizeof(struct local_settings),
    .origins = offsetof(struct local_settings, origins),
};

bool local_aliases(const struct local_settings *local, const struct disk *disk, struct aliases **ret_aliases,
                   struct err *err)
{
    HELD(buf) text = BUF(ALIASES_TEXT_MAX);
    struct err why = { 0 };

    if (!file_read(disk, local->aliases, ALIASES_TEXT_MAX, FILE_TRUSTED, &text, &why) && why.sys != ENOENT) {
        if (err)
            *err = why;
        return false;
    }
    return aliases_parse(buf_span(&text), ret_aliases, err);
}
