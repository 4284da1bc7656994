#include "account/sealed_file.h"

#include <errno.h>

#include "account/account.h"
#include "account/seal_key.h"
#include "base/alloc.h"
#include "os/file.h"

#include "base/banned.h"

enum { PLACE_MAX = 2 * ACCOUNT_NAME_MAX + 2 };

/* "secrets/live": the path below the state directory, and what the file is sealed for. */
static void add_place(struct buf *out, struct sealed_file file)
{
    buf_addf(out, "%s/%s", file.folder, file.name);
}

char *sealed_file_path(const struct secret_world *world, struct sealed_file file)
{
    HELD(buf) place = BUF(PLACE_MAX);

    add_place(&place, file);
    return place.full ? NULL : file_path(world->state, buf_text(&place));
}

/* ---- the bytes ---- */

static bool read_bytes(const struct secret_world *world, struct sealed_file file, struct buf *ret_sealed,
                       struct err *err)
{
    struct err why = { 0 };
    char *path = sealed_file_path(world, file);
    bool ok = path ? file_read(world->disk, path, SEALED_MAX, FILE_SECRET, ret_sealed, &why)
                   : err_no_memory(&why);

    if (!ok && why.sys == ENOENT) {
        err_found(&why, ERR_CONFIG, "secret:unreadable", "none is kept (%s is not there)", path);
        why.sys = ENOENT;
    } else if (!ok && why.kind == ERR_INPUT) {
        why.kind = ERR_CONFIG;
        why.fact = "secret:unreadable";
    }
    mem_free(path);
    if (!ok && err)
        *err = why;
    return ok;
}

static bool write_bytes(const struct secret_world *world, struct sealed_file file,
                        const struct buf *sealed, struct err *err)
{
    char *path = sealed_file_path(world, file);
    char *folder = path ? file_directory_of(path) : NULL;
    bool ok = folder ? file_make_dirs(world->disk, folder, 0700, err) &&
                           file_write(world->disk, path, buf_span(sealed), FILE_MADE(0600), err)
                     : err_no_memory(err);

    mem_free(path);
    mem_free(folder);
    return ok;
}

/* ---- sealing ---- */

static bool seal_with(const struct secret_world *world, struct sealed_file file, enum sealed_key kept,
                      const struct secret *key, const struct secret *secret, struct err *err)
{
    HELD(buf) sealed = BUF(SEALED_MAX), place = BUF(PLACE_MAX);
    char nonce[SEALED_NONCE_LEN];
    struct sealed_way way = { key, kept, { nonce, sizeof nonce }, SPAN_NONE };

    add_place(&place, file);
    way.name = buf_span(&place);
    if (place.full)
        return err_no_memory(err);
    return random_fill(world->dice, nonce, sizeof nonce, err) &&
           sealed_make(&way, secret, &sealed, err) && write_bytes(world, file, &sealed, err);
}

/* The key of the file that is there, if both can be had. */
static bool same_key(const struct secret_world *world, struct sealed_file file, enum sealed_key *ret_kept,
                     struct secret **ret_key)
{
    return sealed_file_key(world, file, ret_kept, NULL) && seal_key_read(world, *ret_kept, ret_key, NULL);
}

bool sealed_file_keep(const struct secret_world *world, struct sealed_file file,
                      const struct secret *secret, struct err *err)
{
    OWN(secret) key = NULL;
    enum sealed_key kept;

    if (!file_make_dirs(world->disk, world->state, 0700, err))
        return false;
    if (!same_key(world, file, &kept, &key) && !seal_key_best(world, &kept, &key, err))
        return false;
    return seal_with(world, file, kept, key, secret, err);
}

bool sealed_file_move(const struct secret_world *world, struct sealed_file file, enum sealed_key to,
                      struct err *err)
{
    OWN(secret) key = NULL;
    OWN(secret) secret = NULL;

    return sealed_file_read(world, file, &secret, err) && seal_key_ready(world, to, &key, err) &&
           seal_with(world, file, to, key, secret, err);
}

/* ---- opening ---- */

static bool open_bytes(const struct secret_world *world, struct sealed_file file, struct span sealed,
                       struct secret **ret_secret, struct err *err)
{
    HELD(buf) place = BUF(PLACE_MAX);
    OWN(secret) key = NULL;
    enum sealed_key kept;

    add_place(&place, file);
    if (place.full)
        return err_no_memory(err);
    if (!sealed_key_of(sealed, &kept, err) || !seal_key_read(world, kept, &key, err))
        return false;
    return sealed_open(key, sealed, buf_span(&place), ret_secret, err);
}

bool sealed_file_read(const struct secret_world *world, struct sealed_file file,
                      struct secret **ret_secret, struct err *err)
{
    HELD(buf) sealed = BUF(SEALED_MAX);

    if (!read_bytes(world, file, &sealed, err))
        return false;
    return open_bytes(world, file, buf_span(&sealed), ret_secret, err) ||
           err_in(err, "%s/%s/%s", world->state, file.folder, file.name);
}

bool sealed_file_key(const struct secret_world *world, struct sealed_file file, enum sealed_key *ret_kept,
                     struct err *err)
{
    HELD(buf) sealed = BUF(SEALED_MAX);

    return read_bytes(world, file, &sealed, err) && sealed_key_of(buf_span(&sealed), ret_kept, err);
}

bool sealed_file_forget(const struct secret_world *world, struct sealed_file file, struct err *err)
{
    char *path = sealed_file_path(world, file);
    struct err why = { 0 };
    bool ok = path ? file_remove(world->disk, path, &why) || why.sys == ENOENT : err_no_memory(&why);

    mem_free(path);
    if (!ok && err)
        *err = why;
    return ok;
}

/* ---- for people ---- */

static void add_key(const struct secret_world *world, enum sealed_key kept, struct buf *out)
{
    char *path = seal_key_file(world);

    switch (kept) {
    case SEALED_KEY_FILE:
        buf_addf(out, "the key in %s", path ? path : "a file");
        break;
    case SEALED_KEY_KERNEL:
        buf_add(out, "the kernel's key " SEAL_KEY_KERNEL_NAME);
        break;
    case SEALED_KEY_CREDENTIAL:
        buf_add(out, "systemd's credential " SEAL_KEY_CREDENTIAL);
        break;
    }
    mem_free(path);
}

void sealed_file_describe(const struct secret_world *world, struct sealed_file file, struct buf *out)
{
    char *path = sealed_file_path(world, file);
    enum sealed_key kept;

    if (path && sealed_file_key(world, file, &kept, NULL)) {
        buf_addf(out, "sealed in %s, with ", path);
        add_key(world, kept, out);
    } else if (path) {
        buf_addf(out, "none is kept yet (it would be in %s)", path);
    }
    mem_free(path);
}
