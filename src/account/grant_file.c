/* Where a grant is kept, and how it survives what may happen there. */
#include <errno.h>

#include "account/grant.h"
#include "account/sealed_file.h"
#include "base/alloc.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

#define FOLDER "grants"

enum { ROOM = SEALED_MAX + 8 * 1024 }; /* a whole file more than there is, and what a disk adds to it */

static struct sealed_file file_of(const struct account *account)
{
    return (struct sealed_file){ FOLDER, account->name };
}

/* state/grants/.NAME.ENDING */
static char *path_beside(const struct secret_world *world, const struct account *account, const char *ending)
{
    HELD(buf) place = BUF(2 * ACCOUNT_NAME_MAX);

    buf_addf(&place, FOLDER "/.%s.%s", account->name, ending);
    return place.full ? NULL : file_path(world->state, buf_text(&place));
}

void grant_describe(const struct secret_world *world, const struct account *account, struct buf *out)
{
    sealed_file_describe(world, file_of(account), out);
}

char *grant_lock_path(const struct secret_world *world, const struct account *account)
{
    return path_beside(world, account, "lock");
}

bool grant_read(const struct secret_world *world, const struct account *account, struct grant **ret_grant,
                struct err *err)
{
    OWN(secret) json = NULL;
    struct err why = { 0 };

    if (sealed_file_read(world, file_of(account), &json, &why))
        return grant_parse(secret_bytes(json), ret_grant, err) || err_in(err, "account %s", account->name);
    if (why.sys == ENOENT && why.kind == ERR_CONFIG)
        return err_found(err, ERR_SIGNIN, "oauth:no-sign-in", "account %s: nobody has signed in yet",
                         account->name);
    if (err)
        *err = why;
    return err_in(err, "account %s: its sign-in", account->name);
}

/* ---- room on the disk ---- */

static bool fill_room(const struct secret_world *world, const char *path, struct err *err)
{
    HELD(buf) bytes = BUF(ROOM);
    char *at = buf_room(&bytes, ROOM);

    /* What a file system can't press together. */
    if (!at)
        return err_no_memory(err);
    if (!random_fill(world->dice, at, ROOM, err))
        return false;
    buf_wrote(&bytes, ROOM);
    return file_write(world->disk, path, buf_span(&bytes), FILE_MADE(0600), err);
}

bool grant_reserve(const struct secret_world *world, const struct account *account, struct err *err)
{
    char *path = path_beside(world, account, "room");
    char *folder = path ? file_directory_of(path) : NULL;
    bool ok = folder ? file_exists(path) || (file_make_dirs(world->disk, folder, 0700, err) &&
                                             fill_room(world, path, err))
                     : err_no_memory(err);

    mem_free(path);
    mem_free(folder);
    return ok || err_in(err, "account %s: room for its next sign-in", account->name);
}

static void give_room_up(const struct secret_world *world, const struct account *account)
{
    char *path = path_beside(world, account, "room");

    bool gone = path && file_remove(world->disk, path, NULL);

    (void)gone; /* the next try tells */
    mem_free(path);
}

/* ---- keeping ---- */

/* Much hangs on it, so it is tried twice: what went wrong may have gone by, and on a full disk there is room
 * then. */
bool grant_keep(const struct secret_world *world, const struct account *account, const struct grant *grant,
                struct err *err)
{
    OWN(secret) json = NULL;
    struct err why = { 0 };

    if (!grant_write(grant, &json, err))
        return false;
    if (sealed_file_keep(world, file_of(account), json, &why))
        return true;
    if (why.fact && strcmp(why.fact, "disk:full") == 0)
        give_room_up(world, account);
    return sealed_file_keep(world, file_of(account), json, err) ||
           err_in(err, "account %s: keeping its sign-in", account->name);
}

bool grant_forget(const struct secret_world *world, const struct account *account, struct err *err)
{
    static const char *const beside[] = { "room", "lock" };

    if (!sealed_file_forget(world, file_of(account), err))
        return err_in(err, "account %s: removing its sign-in", account->name);
    for (size_t i = 0; i < COUNT(beside); i++) {
        char *path = path_beside(world, account, beside[i]);
        struct err why = { 0 };
        bool ok = path ? file_remove(world->disk, path, &why) || why.sys == ENOENT : err_no_memory(&why);
        mem_free(path);
        if (!ok && err)
            *err = why;
        if (!ok)
            return false;
    }
    return true;
}
