#include "os/place.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"

#include "base/banned.h"

#define SYSTEM_CONFIG    "/etc/outpost/outpost.conf"
#define SYSTEM_PROVIDERS "/etc/outpost/providers"
#define SYSTEM_STATE     "/var/lib/outpost"
#define SYSTEM_SOCKETS   "/run/outpost"
#define SYSTEM_SOCKET    SYSTEM_SOCKETS "/submit"

const char *place_scope_word(enum place_scope scope)
{
    static const char *const words[] = {
        [PLACE_GIVEN] = "given",
        [PLACE_USER] = "user",
        [PLACE_SYSTEM] = "system",
    };

    return words[scope];
}

/* Whole, whatever directory the configuration was named from: a socket's path begins with a slash. */
char *place_socket(const struct place *place, const char *name)
{
    const char *directory = place->scope == PLACE_SYSTEM ? SYSTEM_SOCKETS : place->state;
    char *here = directory[0] == '/' ? NULL : getcwd(NULL, 0);
    char *whole = here ? file_path(here, directory) : NULL;
    char *path = here && !whole ? NULL : file_path(whole ? whole : directory, name);

    free(here);
    mem_free(whole);
    return path;
}

struct file_made place_file_made(const struct place *place)
{
    const struct group *group = place->scope == PLACE_SYSTEM ? getgrnam("outpost") : NULL;

    if (place->scope != PLACE_SYSTEM)
        return FILE_MADE(0600);
    return (struct file_made){ .mode = 0640, .group = group ? group->gr_gid : (gid_t)-1 };
}

/* Would this process make it, where it is not there? */
static bool may_make(const char *directory)
{
    const char *slash = strrchr(directory, '/');
    HELD(buf) above = BUF(PATH_MAX);

    buf_add_span(&above, slash ? (struct span){ directory, (size_t)(slash - directory) + 1 } : SPAN("."));
    return faccessat(AT_FDCWD, buf_text(&above), W_OK, AT_EACCESS) == 0;
}

bool place_is_anothers(const struct place *place)
{
    struct stat st;

    if (place->scope != PLACE_SYSTEM)
        return false;
    return stat(place->state, &st) == 0 ? st.st_uid != geteuid() : !may_make(place->state);
}

mode_t place_directory_mode(const struct place *place)
{
    return place->scope == PLACE_SYSTEM ? 0755 : 0700;
}

void place_free(struct place *place)
{
    if (!place)
        return;
    mem_free(place->config);
    mem_free(place->drop_in);
    mem_free(place->state);
    mem_free(place->providers[0]);
    mem_free(place->providers[1]);
    mem_free(place);
}

/* What the process's environment says; an empty variable says nothing. */
static const char *process_variable(const struct place_asker *asker, const char *name)
{
    (void)asker;
    const char *value = secure_getenv(name);
    return value && *value ? value : NULL;
}

static bool process_exists(const struct place_asker *asker, const char *path)
{
    (void)asker;
    return file_exists(path);
}

static bool process_owns(const struct place_asker *asker, const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_uid == asker->uid;
}

static const char *process_home(const struct place_asker *asker)
{
    const struct passwd *entry = getpwuid(asker->uid);

    return entry && entry->pw_dir[0] == '/' ? entry->pw_dir : NULL;
}

struct place_asker place_asker(void)
{
    return (struct place_asker){
        .uid = geteuid(),
        .home = process_home,
        .variable = process_variable,
        .exists = process_exists,
        .owns = process_owns,
    };
}

/* $HOME where it is the uid's own directory; under cron, su and sudo it may be another's. */
static const char *home_of(const struct place_asker *asker)
{
    const char *home = asker->variable(asker, "HOME");

    if (home && home[0] == '/' && asker->owns(asker, home))
        return home;
    return asker->home(asker);
}

/* A directory of the XDG base directory specification, which says that a relative path in a variable is
 * to be ignored; then `outpost` in it. NULL: no home, or no memory, which is told. */
static char *xdg_path(const struct place_asker *asker, const char *variable, const char *under_home,
                      struct err *err)
{
    HELD(buf) path = BUF(PATH_MAX);
    const char *base = asker->variable(asker, variable), *home = NULL;

    if (base && base[0] == '/') {
        buf_addf(&path, "%s/outpost", base);
    } else if ((home = home_of(asker))) {
        buf_addf(&path, "%s/%s/outpost", home, under_home);
    } else {
        err_set(err, ERR_CONFIG, "uid %u has no home directory: use --config and --state",
                (unsigned)asker->uid);
        return NULL;
    }
    char *text = buf_give(&path);
    if (!text)
        err_no_memory(err);
    return text;
}

static char *user_config(const struct place_asker *asker, struct err *err)
{
    char *directory = xdg_path(asker, "XDG_CONFIG_HOME", ".config", err);
    char *config = directory ? file_path(directory, "outpost.conf") : NULL;

    if (directory && !config)
        err_no_memory(err);
    mem_free(directory);
    return config;
}

/* Has this user a configuration, be it only a file that outpost wrote? */
static bool has_own(const struct place_asker *asker)
{
    HELD(buf) drop_in = BUF(PATH_MAX);
    char *config = user_config(asker, NULL);

    buf_addf(&drop_in, "%s.d", config ? config : "");
    bool has = config && (asker->exists(asker, config) || asker->exists(asker, buf_text(&drop_in)));
    mem_free(config);
    return has;
}

static bool choose_scope(const struct place_wish *wish, const struct place_asker *asker,
                         enum place_scope *ret_scope, struct err *err)
{
    if (wish->user_scope && wish->system_scope)
        return err_set(err, ERR_USAGE, "--user and --system exclude each other");
    if (wish->config)
        *ret_scope = PLACE_GIVEN;
    else if (wish->user_scope)
        *ret_scope = PLACE_USER;
    else if (wish->system_scope)
        *ret_scope = PLACE_SYSTEM;
    else if (asker->variable(asker, "OUTPOST_CONFIG"))
        *ret_scope = PLACE_GIVEN;
    else if (asker->uid == 0)
        *ret_scope = PLACE_SYSTEM;
    else if (has_own(asker))
        *ret_scope = PLACE_USER;
    else if (!wish->begins && (asker->exists(asker, SYSTEM_SOCKET) || asker->exists(asker, SYSTEM_CONFIG) ||
                               asker->exists(asker, SYSTEM_CONFIG ".d")))
        *ret_scope = PLACE_SYSTEM;
    else
        *ret_scope = PLACE_USER;
    return true;
}

static char *default_state(enum place_scope scope, const char *config_directory,
                           const struct place_asker *asker, struct err *err)
{
    char *state = NULL;

    if (scope == PLACE_USER)
        return xdg_path(asker, "XDG_STATE_HOME", ".local/state", err);
    state = scope == PLACE_SYSTEM ? str_copy(SYSTEM_STATE) : file_path(config_directory, "state");
    if (!state)
        err_no_memory(err);
    return state;
}

/* Everything but the configuration file, from it. */
static bool fill(struct place *place, const char *state, const struct place_asker *asker,
                 struct err *err)
{
    HELD(buf) drop_in = BUF(PATH_MAX);
    char *directory = file_directory_of(place->config);

    if (!directory)
        return err_no_memory(err);
    buf_addf(&drop_in, "%s.d", place->config);
    place->drop_in = buf_give(&drop_in);
    place->providers[0] = str_copy(SYSTEM_PROVIDERS);
    if (place->scope != PLACE_SYSTEM) /* there it is the same */
        place->providers[1] = file_path(directory, "providers");
    bool ok = place->drop_in && place->providers[0] &&
              (place->providers[1] || place->scope == PLACE_SYSTEM);
    if (!ok)
        err_no_memory(err);
    else if (!(place->state = state ? str_copy(state)
                                    : default_state(place->scope, directory, asker, err)))
        ok = state ? err_no_memory(err) : false;
    mem_free(directory);
    return ok;
}

bool place_find(const struct place_wish *wish, const struct place_asker *asker,
                struct place **ret_place, struct err *err)
{
    OWN(place) place = NEW(place);
    const char *given = wish->config ? wish->config : asker->variable(asker, "OUTPOST_CONFIG");
    const char *state = wish->state ? wish->state : asker->variable(asker, "OUTPOST_STATE");

    if (!place)
        return err_no_memory(err);
    if (!choose_scope(wish, asker, &place->scope, err))
        return false;
    if (place->scope == PLACE_USER)
        place->config = user_config(asker, err);
    else if (!(place->config = str_copy(place->scope == PLACE_SYSTEM ? SYSTEM_CONFIG : given)))
        return err_no_memory(err);
    if (!place->config || !fill(place, state, asker, err))
        return false;
    *ret_place = GIVE(place);
    return true;
}
