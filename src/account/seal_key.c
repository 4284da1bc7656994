#include "account/seal_key.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

static const struct {
    enum sealed_key kept;
    const char *word;
} words[] = {
    { SEALED_KEY_FILE, "file" },
    { SEALED_KEY_KERNEL, "kernel" },
    { SEALED_KEY_CREDENTIAL, "systemd" },
};

const char *seal_key_word(enum sealed_key kept)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].kept == kept)
            return words[i].word;
    return NULL;
}

bool seal_key_from_word(struct span word, enum sealed_key *ret_kept)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if (span_is(word, words[i].word)) {
            *ret_kept = words[i].kept;
            return true;
        }
    return false;
}

char *seal_key_file(const struct secret_world *world)
{
    return file_path(world->state, "key");
}

/* ---- a key, from bytes ---- */

static bool take_key(struct buf *bytes, const char *where, struct secret **ret_key, struct err *err)
{
    if (bytes->len != SEALED_KEY_LEN)
        return err_found(err, ERR_CONFIG, "secret:unreadable", "%s is damaged: it has not %d bytes", where,
                         SEALED_KEY_LEN);
    *ret_key = secret_take(bytes);
    return *ret_key || err_no_memory(err);
}

static bool locked(struct err *err)
{
    if (err) {
        err->kind = ERR_LATER;
        err->fact = "secret:locked";
    }
    return false;
}

/* ---- in a file ---- */

static bool read_file(const struct secret_world *world, const char *path, enum file_trust trust,
                      struct secret **ret_key, struct err *err)
{
    HELD(buf) bytes = BUF(SEALED_KEY_LEN);

    return file_read(world->disk, path, SEALED_KEY_LEN, trust, &bytes, err) &&
           take_key(&bytes, path, ret_key, err);
}

/* A process that made one at the same time wins, and we take its key. */
static bool make_file(const struct secret_world *world, const char *path, struct err *err)
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

static bool from_file(const struct secret_world *world, struct secret **ret_key, struct err *err)
{
    char *path = seal_key_file(world);
    bool ok = path ? read_file(world, path, FILE_SECRET, ret_key, err) : err_no_memory(err);

    mem_free(path);
    if (!ok && err && err->kind == ERR_INPUT) {
        err->kind = ERR_CONFIG;
        err->fact = "secret:unreadable";
    }
    return ok;
}

static bool from_file_or_made(const struct secret_world *world, struct secret **ret_key, struct err *err)
{
    struct err why = { 0 };

    if (from_file(world, ret_key, &why))
        return true;
    if (why.sys == ENOENT) {
        char *path = seal_key_file(world);
        bool made = path ? make_file(world, path, err) : err_no_memory(err);
        mem_free(path);
        return made && from_file(world, ret_key, err);
    }
    if (err)
        *err = why;
    return false;
}

/* ---- in the kernel ---- */

static bool from_kernel(const struct secret_world *world, struct secret **ret_key, struct err *err)
{
    HELD(buf) bytes = BUF(SEALED_KEY_LEN + 1);
    char *at = buf_room(&bytes, SEALED_KEY_LEN + 1);

    if (!at)
        return err_no_memory(err);
    errno = ENOKEY;
    ssize_t len = world->kernel ? world->kernel->read(world->kernel, SEAL_KEY_KERNEL_NAME, at,
                                                      SEALED_KEY_LEN + 1)
                                : -1;
    if (len < 0) {
        err_sys(err, ERR_LATER, errno, "the kernel hands out no key " SEAL_KEY_KERNEL_NAME
                                       " (keyctl padd user " SEAL_KEY_KERNEL_NAME " @u < KEYFILE puts it there)");
        return locked(err);
    }
    buf_wrote(&bytes, len > SEALED_KEY_LEN ? SEALED_KEY_LEN + 1 : (size_t)len);
    return take_key(&bytes, "the kernel's key " SEAL_KEY_KERNEL_NAME, ret_key, err);
}

/* ---- from systemd ---- */

/* The directory is systemd's to guard: where it gives access by a list, the mode says less. */
static bool from_credential(const struct secret_world *world, struct secret **ret_key, struct err *err)
{
    struct err why = { 0 };

    if (!world->credentials) {
        err_set(err, ERR_LATER, "systemd gave us no credentials: the key " SEAL_KEY_CREDENTIAL
                                " is the service's alone");
        return locked(err);
    }
    char *path = file_path(world->credentials, SEAL_KEY_CREDENTIAL);
    bool ok = path ? read_file(world, path, FILE_TRUSTED, ret_key, &why) : err_no_memory(&why);
    mem_free(path);
    if (!ok && err)
        *err = why;
    return ok || (why.kind == ERR_INPUT ? locked(err) : false);
}

/* ---- which ---- */

static bool (*const sources[])(const struct secret_world *, struct secret **ret_key, struct err *) = {
    [SEALED_KEY_FILE] = from_file,
    [SEALED_KEY_KERNEL] = from_kernel,
    [SEALED_KEY_CREDENTIAL] = from_credential,
};

bool seal_key_read(const struct secret_world *world, enum sealed_key kept, struct secret **ret_key,
                   struct err *err)
{
    return sources[kept](world, ret_key, err);
}

bool seal_key_ready(const struct secret_world *world, enum sealed_key kept, struct secret **ret_key,
                    struct err *err)
{
    return kept == SEALED_KEY_FILE ? from_file_or_made(world, ret_key, err)
                                   : seal_key_read(world, kept, ret_key, err);
}

bool seal_key_best(const struct secret_world *world, enum sealed_key *ret_kept, struct secret **ret_key,
                   struct err *err)
{
    static const enum sealed_key better[] = { SEALED_KEY_CREDENTIAL, SEALED_KEY_KERNEL };

    for (size_t i = 0; i < COUNT(better); i++) {
        struct err why = { 0 };
        *ret_kept = better[i];
        if (seal_key_read(world, better[i], ret_key, &why))
            return true;
        if (why.kind == ERR_LATER)
            continue; /* none there */
        if (err)
            *err = why;
        return false;
    }
    *ret_kept = SEALED_KEY_FILE;
    return seal_key_ready(world, *ret_kept, ret_key, err);
}
