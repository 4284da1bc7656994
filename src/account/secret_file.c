/* Secrets in sealed files: state/secrets/NAME, opened with state/key. Both are for their owner alone; the
 * key is made when the first secret is kept. */
#include <errno.h>

#include "account/sealed.h"
#include "account/secret_int.h"
#include "base/alloc.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

static char *key_path(const struct secret_world *world)
{
    return file_path(world->state, "key");
}

static char *secret_path(const struct secret_world *world, const char *account)
{
    HELD(buf) name = BUF(sizeof "secrets/" + ACCOUNT_NAME_MAX);

    buf_addf(&name, "secrets/%s", account);
    return name.full ? NULL : file_path(world->state, buf_text(&name));
}

static bool unreadable(struct err *err)
{
    if (err && err->kind == ERR_INPUT) {
        err->kind = ERR_CONFIG;
        err->fact = "secret:unreadable";
    }
    return false;
}

static bool read_key(const struct secret_world *world, const char *path, struct secret **ret_key,
                     struct err *err)
{
    HELD(buf) bytes = BUF(SEALED_KEY_LEN);

    if (!file_read(world->disk, path, SEALED_KEY_LEN, FILE_SECRET, &bytes, err))
        return false;
    if (bytes.len != SEALED_KEY_LEN)
        return err_found(err, ERR_CONFIG, "secret:unreadable", "%s is damaged: it has not %d bytes", path,
                         SEALED_KEY_LEN);
    struct secret *key = secret_take(&bytes);
    if (!key)
        return err_no_memory(err);
    *ret_key = key;
    return true;
}

/* A process that made one at the same time wins, and we take its key. */
static bool make_key(const struct secret_world *world, const char *path, struct err *err)
{
    char bytes[SEALED_KEY_LEN];
    struct err why = { 0 };
    bool ok = random_fill(world->dice, bytes, sizeof bytes, &why) &&
              file_write_new(world->disk, path, (struct span){ bytes, sizeof bytes }, FILE_MADE(0600),
                             &why);

    str_wipe(bytes, sizeof bytes);
    if (ok || why.sys == EEXIST)
        return true;
    if (err)
        *err = why;
    return false;
}

static bool read_or_make_key(const struct secret_world *world, struct secret **ret_key, struct err *err)
{
    struct err why = { 0 };
    char *path = key_path(world);
    bool ok = false;

    if (!path)
        return err_no_memory(err);
    if (read_key(world, path, ret_key, &why))
        ok = true;
    else if (why.sys == ENOENT)
        ok = make_key(world, path, err) && read_key(world, path, ret_key, err);
    else if (err)
        *err = why;
    mem_free(path);
    return ok;
}

static bool read_sealed(const struct secret_world *world, const char *path, struct buf *ret_sealed,
                        struct err *err)
{
    struct err why = { 0 };

    if (file_read(world->disk, path, SEALED_MAX, FILE_SECRET, ret_sealed, &why))
        return true;
    if (why.sys == ENOENT)
        return err_found(err, ERR_CONFIG, "secret:unreadable", "none is kept (%s is not there)", path);
    if (err)
        *err = why;
    return false;
}

static bool open_file(const struct secret_world *world, const char *path, const char *account,
                      struct secret **ret_secret, struct err *err)
{
    HELD(buf) sealed = BUF(SEALED_MAX);
    OWN(secret) key = NULL;
    char *keys = key_path(world);

    if (!keys)
        return err_no_memory(err);
    bool ok = read_sealed(world, path, &sealed, err) && read_key(world, keys, &key, err);
    mem_free(keys);
    if (!ok)
        return unreadable(err);
    return sealed_open(key, buf_span(&sealed), span_of(account), ret_secret, err) ||
           err_in(err, "%s", path);
}

bool secret_file_read(const struct secret_world *world, const char *account, struct secret **ret_secret,
                      struct err *err)
{
    char *path = secret_path(world, account);
    bool ok = path ? open_file(world, path, account, ret_secret, err) : err_no_memory(err);

    mem_free(path);
    return ok;
}

static bool write_sealed(const struct secret_world *world, const char *path, const char *account,
                         const struct secret *secret, struct err *err)
{
    HELD(buf) sealed = BUF(SEALED_MAX);
    OWN(secret) key = NULL;
    char nonce[SEALED_NONCE_LEN], *directory = file_directory_of(path);

    bool ok = directory ? file_make_dirs(world->disk, directory, 0700, err) : err_no_memory(err);
    mem_free(directory);
    return ok && read_or_make_key(world, &key, err) &&
           random_fill(world->dice, nonce, sizeof nonce, err) &&
           sealed_make(key, (struct span){ nonce, sizeof nonce }, span_of(account), secret, &sealed, err) &&
           file_write(world->disk, path, buf_span(&sealed), FILE_MADE(0600), err);
}

bool secret_file_keep(const struct secret_world *world, const char *account, const struct secret *secret,
                      struct err *err)
{
    char *path = secret_path(world, account);
    bool ok = path ? write_sealed(world, path, account, secret, err) : err_no_memory(err);

    mem_free(path);
    return ok;
}

bool secret_file_forget(const struct secret_world *world, const char *account, struct err *err)
{
    char *path = secret_path(world, account);
    struct err why = { 0 };

    if (!path)
        return err_no_memory(err);
    bool ok = file_remove(world->disk, path, &why) || why.sys == ENOENT;
    mem_free(path);
    if (!ok && err)
        *err = why;
    return ok;
}
