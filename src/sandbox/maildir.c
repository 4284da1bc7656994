#include "sandbox/maildir.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };

struct maildir {
    const struct disk *disk;
    char *path;
};

struct maildir_message {
    const struct maildir *maildir;
    char *name, *path; /* path: in tmp/ */
    int fd;            /* -1: closed */
    bool kept;
};

/* "PATH/folder/name", or NULL. */
static char *path_of(const struct maildir *maildir, const char *folder, const char *name,
                     const char *ending)
{
    HELD(buf) path = BUF(4096);

    buf_addf(&path, "%s/%s/%s%s", maildir->path, folder, name, ending);
    return buf_give(&path);
}

static bool failed(struct err *err, const char *doing, const struct maildir_message *message)
{
    int sys = errno;

    if (sys == ENOSPC || sys == EDQUOT) {
        err_found(err, ERR_IO, "disk:full", "%s %s: the disk is full", doing, message->path);
        return false;
    }
    return err_sys(err, ERR_IO, sys, "%s %s", doing, message->path);
}

bool maildir_open(const struct disk *disk, const char *path, struct maildir **ret_maildir,
                  struct err *err)
{
    static const char *const folders[] = { "tmp", "new", "cur", "envelopes" };
    OWN(maildir) maildir = NEW(maildir);

    if (!maildir || !(maildir->path = str_copy(path)))
        return err_no_memory(err);
    maildir->disk = disk;
    for (size_t i = 0; i < COUNT(folders); i++) {
        char *folder = path_of(maildir, folders[i], "", "");
        bool made = folder ? file_make_dirs(disk, folder, FOLDER_MODE, err) : err_no_memory(err);
        mem_free(folder);
        if (!made)
            return false;
    }
    *ret_maildir = GIVE(maildir);
    return true;
}

void maildir_free(struct maildir *maildir)
{
    if (!maildir)
        return;
    mem_free(maildir->path);
    mem_free(maildir);
}

bool maildir_begin(struct maildir *maildir, const char *name, struct maildir_message **ret_message,
                   struct err *err)
{
    OWN(maildir_message) message = NEW(maildir_message);

    if (!message)
        return err_no_memory(err);
    message->maildir = maildir;
    message->fd = -1;
    message->kept = true; /* nothing is there to be taken away yet */
    message->name = str_copy(name);
    message->path = path_of(maildir, "tmp", name, "");
    if (!message->name || !message->path)
        return err_no_memory(err);
    message->fd = maildir->disk->open(maildir->disk, message->path, O_WRONLY | O_CREAT | O_EXCL,
                                      FILE_MODE);
    if (message->fd < 0)
        return failed(err, "making", message);
    message->kept = false;
    *ret_message = GIVE(message);
    return true;
}

bool maildir_add(struct maildir_message *message, struct span bytes, struct err *err)
{
    const struct disk *disk = message->maildir->disk;

    while (bytes.len) {
        ssize_t wrote = disk->write(disk, message->fd, bytes.at, bytes.len);
        if (wrote < 0 && errno != EINTR)
            return failed(err, "writing", message);
        bytes = span_from(bytes, wrote > 0 ? (size_t)wrote : 0);
    }
    return true;
}

static bool sync_folder(const struct maildir *maildir, const char *folder, struct err *err)
{
    const struct disk *disk = maildir->disk;
    char *path = path_of(maildir, folder, "", "");
    int fd = path ? disk->open(disk, path, O_RDONLY | O_DIRECTORY, 0) : -1;
    bool synced = fd >= 0 && disk->sync(disk, fd) == 0;
    int sys = errno;

    if (fd >= 0)
        disk->close(disk, fd);
    mem_free(path);
    return synced || err_sys(err, ERR_IO, sys, "syncing %s/%s", maildir->path, folder);
}

static bool close_synced(struct maildir_message *message, struct err *err)
{
    const struct disk *disk = message->maildir->disk;

    if (disk->sync(disk, message->fd) != 0)
        return failed(err, "syncing", message);
    int fd = message->fd;
    message->fd = -1;
    return disk->close(disk, fd) == 0 || failed(err, "closing", message);
}

bool maildir_keep(struct maildir_message *message, struct span envelope, struct err *err)
{
    const struct maildir *maildir = message->maildir;
    char *sidecar = path_of(maildir, "envelopes", message->name, ".json");
    char *stays = path_of(maildir, "new", message->name, "");
    bool kept = sidecar && stays ? close_synced(message, err) &&
                                       file_write(maildir->disk, sidecar, envelope,
                                                     FILE_MADE(FILE_MODE), err)
                                 : err_no_memory(err);

    if (kept && maildir->disk->rename(maildir->disk, message->path, stays) != 0) {
        kept = failed(err, "keeping", message);
        (void)maildir->disk->unlink(maildir->disk, sidecar);
    }
    if (kept) {
        message->kept = true;
        kept = sync_folder(maildir, "new", err);
    }
    mem_free(sidecar);
    mem_free(stays);
    return kept;
}

void maildir_message_free(struct maildir_message *message)
{
    if (!message)
        return;
    const struct disk *disk = message->maildir->disk;
    if (message->fd >= 0)
        disk->close(disk, message->fd);
    if (!message->kept)
        disk->unlink(disk, message->path);
    mem_free(message->name);
    mem_free(message->path);
    mem_free(message);
}
