/* Where configuration and state live.
 *
 *   given    --config FILE or $OUTPOST_CONFIG; state in `state` beside it
 *   user     ~/.config/outpost/outpost.conf; state in ~/.local/state/outpost (XDG variables obeyed)
 *   system   /etc/outpost/outpost.conf; state in /var/lib/outpost
 *
 * Chosen in this order: given; --user or --system; root means system; the user's own configuration if
 * there is one; system if its configuration or its socket is there (the latter goes with a daemon that stops, and
 * mail is to wait for that one, not to be refused); else user. --state DIR or $OUTPOST_STATE moves the state
 * of any of them. Nothing is made, and nothing but names and owners is looked at.
 */
#ifndef OUTPOST_OS_PLACE_H
#define OUTPOST_OS_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/own.h"
#include "os/file.h"

enum place_scope {
    PLACE_GIVEN,
    PLACE_USER,
    PLACE_SYSTEM,
};

struct place {
    enum place_scope scope;
    char *config;       /* the configuration file, which may not be there */
    char *drop_in;      /* the directory read after it: `<config>.d` */
    char *state;        /* the state directory */
    char *providers[3]; /* directories of profiles, the last word last, then NULL: /etc/outpost/providers,
                           and `providers` beside the configuration */
};

struct place_wish { /* the command line's; NULL and false: not said */
    const char *config, *state;
    bool user_scope, system_scope; /* --user, --system */
    bool begins; /* a configuration is to be made: the machine's is no reason not to make one's own */
};

/* Who asks, and from where. place_asker() reads it from the process; tests make their own. */
struct place_asker {
    uid_t uid;
    /* Of the uid in passwd; NULL: it has none. Asked only where $HOME will not do: passwd may be a directory
     * service on the network. Good until the next call. */
    const char *(*home)(const struct place_asker *);
    const char *(*variable)(const struct place_asker *, const char *name);   /* or NULL */
    bool (*exists)(const struct place_asker *, const char *path);
    bool (*owns)(const struct place_asker *, const char *path); /* is this directory the uid's? */
};

/* The process's own: environment variables count for nothing where credentials differ (set-id). */
struct place_asker place_asker(void);

/* ERR_USAGE where both --user and --system are wished, ERR_CONFIG where a user has no home at all. */
MUST_USE bool place_find(const struct place_wish *wish, const struct place_asker *asker,
                         struct place **ret_place, struct err *err);
void place_free(struct place *place);
OWNED(place);

/* The sockets of whoever owns the state: in system scope under /run/outpost, else in the state directory.
 * mem_free() them; NULL: no memory. */
MUST_USE char *place_socket(const struct place *place, const char *name); /* "submit", "control" */

/* How files and directories of the configuration are made there: ours alone; in system scope root's, and
 * to be read by the group `outpost`. */
struct file_made place_file_made(const struct place *place);
mode_t place_directory_mode(const struct place *place);

/* The machine's state, and this process is not who owns it, or, where it is not there (yet: at early boot its file system
 * may not be), not one who could make it: then configuration and state are the daemon's business, and
 * its sockets the only way. */
bool place_is_anothers(const struct place *place);

const char *place_scope_word(enum place_scope scope); /* "given", "user", "system" */

#endif
