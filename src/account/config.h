/* The configuration: read whole from the main file and the files of its drop-in directory, or refused
 * with file and line. What outpost writes itself is one file an account, a user, a listener, in the drop-in
 * directory, whole or not at all; the person's own file is never touched.
 *
 * [outpost] and [account NAME] are known here. Sections of rooms that stand above come as parts: a room
 * has its own table and struct, says so in a config_part, and whoever loads the configuration hands the
 * parts in.
 *
 *     static const struct config_part *const parts[] = { &listen_part, &user_part, NULL };
 *     config_load(place, &disk_system, parts, &config, err) && config_fill(config, know, err)
 *     const struct gateway_listen *listen = config_section(config, &listen_part, "submission");
 *     for (size_t at = 0; (listen = config_next(config, &listen_part, &at));)
 */
#ifndef OUTPOST_ACCOUNT_CONFIG_H
#define OUTPOST_ACCOUNT_CONFIG_H

#include "account/account.h"
#include "os/disk.h"
#include "os/place.h"

enum { CONFIG_OUTPOST_SETTINGS = 3 };

struct config;

/* A kind of section of another room's. What a section holds is read into a struct of zeros, one for each
 * name, or one in all where the kind has no names; what was not written has its default. */
struct config_part {
    const struct setting_kind *kind;
    size_t size;    /* of the struct */
    size_t origins; /* the offset in it of struct setting_origin[kind->count] */
    size_t name;    /* the offset of a `const char *` that gets the section's name; of a named kind */
    /* Does it agree with itself, and with the rest? Asked when all is read. NULL: nobody asks. */
    bool (*check)(const void *section, const struct config *config, struct err *err);
    /* Its sections may stand where mail names an account: these are theirs, the usual one first. NULL: they may not. */
    const struct setting_list *(*accounts)(const void *section);
};

struct config_outpost { /* [outpost] */
    char *default_account;
    char *hostname;
    char *https_proxy;
    struct setting_origin origins[CONFIG_OUTPOST_SETTINGS];
};

struct config_section {
    const struct config_part *part;
    char *name; /* NULL: its kind has none */
    void *of;
};

struct config {
    struct config_outpost outpost;
    struct account **accounts; /* in the order in which they first came */
    size_t account_count;
    struct config_section *sections; /* of the parts, likewise */
    size_t section_count;
    char *main;   /* the main file's path, whether it is there or not */
    char **files; /* those that were read, in order; the origins point at these */
    size_t file_count;
};

extern const struct setting_kind config_outpost_kind;

/* Reads and checks everything; neither file nor directory need be there. A section told twice in one file
 * is an error; in a later file its keys replace the earlier ones. A file that others can write is
 * refused (ERR_CONFIG, config:untrusted-mode), one that can't be read has config:unreadable, and what is
 * wrong in it config:bad: "FILE:N: ...". `parts` ends with NULL, and may be NULL; the parts must outlive the
 * configuration. Accounts are as they were written, and nothing is checked against the rest:
 * config_fill() is next. */
MUST_USE bool config_load(const struct place *place, const struct disk *disk,
                          const struct config_part *const *parts, struct config **ret_config,
                          struct err *err);
void config_free(struct config *config);
OWNED(config);

enum { CONFIG_NAMES = 3 };
/* By which names config_fill() will look for profiles (see know_new_few()): CONFIG_NAMES of each account,
 * as written, some of them empty; good as long as the configuration. */
void config_names(const struct config *config, struct span *ret_names);

/* Fills the accounts (account_fill()) and checks all. The knowledge must outlive the configuration. */
MUST_USE bool config_fill(struct config *config, const struct knowledge *know, struct err *err);

/* The section of this part and name; NULL where nobody wrote it. Of a kind without names (`name` NULL)
 * there is always one, if only of defaults. */
const void *config_section(const struct config *config, const struct config_part *part, const char *name);
/* The same, where it must be there: NULL is ERR_CONFIG, with the nearest name. */
const void *config_find_section(const struct config *config, const struct config_part *part,
                                const char *name, struct err *err);
/* The next section of a part; *at begins at 0; NULL when there are no more. */
const void *config_next(const struct config *config, const struct config_part *part, size_t *at);

/* All that was read, section by section, whosesoever it is: for showing it. */
struct config_view {
    const struct setting_kind *kind;
    const char *name; /* or NULL */
    const void *of;
    const struct setting_origin *origins;
};
/* False when there is no section at this place, counted from 0. */
bool config_view(const struct config *config, size_t at, struct config_view *ret_view);

/* Each returns NULL where there is none. */
const struct account *config_account(const struct config *config, const char *name);
/* The named one, or a named route's usual one; else the only one. */
const struct account *config_default(const struct config *config);

/* Who sends this? By `name` where one is given; else by the sender (an address, or none): its exact
 * address, then send_as, then its domain; else the default; else the only one. ERR_CONFIG: an unknown
 * name, with the nearest known; config:no-account where nothing decides. */
MUST_USE bool config_choose(const struct config *config, const char *name_or_null, struct span sender,
                            const struct account **ret_account, struct err *err);

/* The same for mail, which may be accepted for a route, too: by its name, or as the default. */
struct config_lane {
    const char *name;              /* the account's or the route's: as long as the configuration */
    const struct account *account; /* in whose name it is sent: of a route the usual one */
};
MUST_USE bool config_choose_lane(const struct config *config, const char *name_or_null, struct span sender,
                                 struct config_lane *ret_lane, struct err *err);
bool config_has_lane(const struct config *config, const char *name); /* an account, or a route */

/* Writes `<drop-in>/NAME.conf`: 0600, or 0640 root:outpost in system scope. */
MUST_USE bool config_write_account(const struct place *place, const struct disk *disk,
                                   const struct account *account, struct err *err);
/* May that file be replaced? ERR_CONFIG where some of the account stands in another, naming it. */
MUST_USE bool config_account_is_ours(const struct place *place, const struct account *account,
                                     struct err *err);
/* Takes that file away, and with it its being the default. ERR_CONFIG where the account, or the default,
 * stands in a file that is not ours, naming it; then nothing was done. */
MUST_USE bool config_remove_account(const struct place *place, const struct disk *disk,
                                    const struct config *config, const char *name, struct err *err);
/* Makes it the default, in a file of its own in the drop-in directory. */
MUST_USE bool config_set_default(const struct place *place, const struct disk *disk, const char *name,
                                 struct err *err);
/* The file that config_write_account() writes; mem_free() it. NULL: no memory. */
MUST_USE char *config_account_file(const struct place *place, const char *name);

/* Writes a part's section as a file of its own in the drop-in directory, `_KIND_NAME.conf` (no account's
 * file has such a name): what has an origin and was not filled in. ERR_CONFIG for a value no file can
 * hold. */
MUST_USE bool config_write_section(const struct place *place, const struct disk *disk,
                                   const struct config_part *part, const char *name, const void *of,
                                   struct err *err);
/* Takes that file away. ERR_CONFIG where there is no such section, or where some of it stands in a file that is not ours, naming it; then nothing was done. */
MUST_USE bool config_remove_section(const struct place *place, const struct disk *disk,
                                    const struct config *config, const struct config_part *part,
                                    const char *name, struct err *err);

#endif
