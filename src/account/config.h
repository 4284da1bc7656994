/* The configuration: read whole from the main file and the files of its drop-in directory, or refused
 * with file and line. What outpost writes itself is one file an account, in the drop-in directory, whole
 * or not at all; the person's own file is never touched.
 */
#ifndef OUTPOST_ACCOUNT_CONFIG_H
#define OUTPOST_ACCOUNT_CONFIG_H

#include "account/account.h"
#include "os/disk.h"
#include "os/place.h"

enum { CONFIG_OUTPOST_SETTINGS = 3 };

struct config_outpost { /* [outpost] */
    char *default_account;
    char *hostname;
    char *https_proxy;
    struct setting_origin origins[CONFIG_OUTPOST_SETTINGS];
};

struct config {
    struct config_outpost outpost;
    struct account **accounts; /* in the order in which they first came */
    size_t account_count;
    char *main;   /* the main file's path, whether it is there or not */
    char **files; /* those that were read, in order; the origins point at these */
    size_t file_count;
};

extern const struct setting_kind config_outpost_kind;

/* Reads and checks everything; neither file nor directory need be there. A section told twice in one file
 * is an error; in a later file its keys replace the earlier ones. A file that others can write is
 * refused (ERR_CONFIG, config:untrusted-mode), one that can't be read has config:unreadable, and what is
 * wrong in it config:bad: "in FILE: line N: ...". With `know` the accounts are filled (account_fill);
 * NULL leaves them as written. */
MUST_USE bool config_load(const struct place *place, const struct disk *disk, const struct knowledge *know,
                          struct config **ret_config, struct err *err);
void config_free(struct config *config);
OWNED(config);

/* Each returns NULL where there is none. */
const struct account *config_account(const struct config *config, const char *name);
const struct account *config_default(const struct config *config); /* the named one, else the only one */

/* Who sends this? By `name` where one is given; else by the sender (an address, or none): its exact
 * address, then send_as, then its domain; else the default; else the only one. ERR_CONFIG: an unknown
 * name, with the nearest known; config:no-account where nothing decides. */
MUST_USE bool config_choose(const struct config *config, const char *name_or_null, struct span sender,
                            const struct account **ret_account, struct err *err);

/* Writes `<drop-in>/NAME.conf`: 0600, or 0640 root:outpost in system scope. */
MUST_USE bool config_write_account(const struct place *place, const struct disk *disk,
                                   const struct account *account, struct err *err);
/* Takes that file away, and with it its being the default. ERR_CONFIG where the account, or the default,
 * stands in a file that is not ours, naming it; then nothing was done. */
MUST_USE bool config_remove_account(const struct place *place, const struct disk *disk,
                                    const struct config *config, const char *name, struct err *err);
/* Makes it the default, in a file of its own in the drop-in directory. */
MUST_USE bool config_set_default(const struct place *place, const struct disk *disk, const char *name,
                                 struct err *err);
/* The file that config_write_account() writes; mem_free() it. NULL: no memory. */
MUST_USE char *config_account_file(const struct place *place, const char *name);

#endif
