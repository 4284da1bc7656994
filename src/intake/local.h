/* [local]: mail from this machine's programs, and to its names.
 */
#ifndef OUTPOST_INTAKE_LOCAL_H
#define OUTPOST_INTAKE_LOCAL_H

#include "account/config.h"
#include "intake/aliases.h"

enum { LOCAL_SETTINGS = 4 };

struct local_settings {
    char *aliases;          /* a file, which need not be there */
    char *admin;            /* an address elsewhere; NULL: not set */
    unsigned other_senders; /* enum account_other_senders; 0: the account's */
    uint64_t messages_per_hour; /* of each user of the machine but root; 0: as many as they like */
    struct setting_origin origins[LOCAL_SETTINGS];
};

extern const struct config_part local_part;

/* Reads the aliases; a file that is not there has none. One that others may write is refused. */
MUST_USE bool local_aliases(const struct local_settings *settings, const struct disk *disk,
                            struct aliases **ret_aliases, struct err *err);

#endif
