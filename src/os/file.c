#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

enum { PIECE = 64 * 1024 }; /* of a file that is larger than it said */

/* The path as it may be shown: "" where there is no memory for that. */
static struct buf shown(const char *path)
{
    struct buf text = BUF(PATH_MAX);

    str_printable(&text, span_of(path), PATH_MAX / 8);
    return text;
}

static bool failed(struct err *err, enum err_kind kind, int sys, const char *doing, const char *path)
{
    HELD(buf) name = shown(path);

    err_sys(err, kind, sys, "%s %s", doing, buf_text(&name));
    if (err && (sys == ENOSPC || sys == EDQUOT))
        err->fact = "disk:full";
    return false;
}

char *file_directory_of(const char *path)
{
    struct span all = span_of(path);
    size_t slash = span_find_last(all, '/');

    if (slash == all.len)
        return str_copy(".");
    return slash == 0 ? str_copy("/") : str_copy_span(span_cut(all, 0, slash));
}

char *file_path(const char *directory, const char *name)
{
    struct buf path = BUF(PATH_MAX);

    buf_addf(&path, "%s%s%s", directory, strcmp(directory, "/") == 0 ? "" : "/", name);
    char *text = buf_give(&path);
    buf_done(&path);
    return text;
}

bool file_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

bool file_mode(const char *path, mode_t *ret_mode)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return false;
    *ret_mode = st.st_mode & 07777;
    return true;
}

/* What others may do with a file that only we and root should: the bits of the mode that break the
 * trust. */
static mode_t too_open(const struct stat *st, enum file_trust trust)
{
    static const mode_t refused[] = {
        [FILE_ANY] = 0,
        [FILE_TRUSTED] = S_IWGRP | S_IWOTH,
        [FILE_SECRET] = S_IRWXG | S_IRWXO,
    };

    return st->st_mode & refused[trust];
}

static bool is_anothers(const struct stat *st)
{
    return st->st_uid != geteuid() && st->st_uid != 0;
}

static bool check_trust(const char *path, const struct stat *st, enum file_trust trust, struct err *err)
{
    const char *fact = trust == FILE_SECRET ? "secret:unreadable" : "config:untrusted-mode";
    HELD(buf) name = shown(path);

    if (trust == FILE_ANY)
        return true;
    if (is_anothers(st))
        return err_found(err, ERR_CONFIG, fact, "%s belongs to another user (uid %u): chown it",
                         buf_text(&name), (unsigned)st->st_uid);
    if (too_open(st, trust))
        return err_found(err, ERR_CONFIG, fact, "others may %s %s (mode %04o): chmod %s it",
                         trust == FILE_SECRET ? "read" : "write", buf_text(&name),
                         (unsigned)st->st_mode & 07777, trust == FILE_SECRET ? "600" : "go-w");
    return true;
}

static bool too_large(const char *path, size_t most, struct err *err)
{
    HELD(buf) name = shown(path);

    return err_set(err, ERR_LIMIT, "%s is larger than %zu bytes", buf_text(&name), most);
}

/* As large as `expected`, as a rule: then room for it and for finding its end is all that is asked for.
 * Every byte of room is wiped in the end. */
static bool read_all(const struct disk *disk, int fd, const char *path, size_t expected, size_t most,
                     struct buf *out, struct err *err)
{
    HELD(buf) bytes = BUF(most + 1);

    for (;;) {
        size_t left = most + 1 - bytes.len;
        if (left == 0)
            return too_large(path, most, err);
        size_t piece = bytes.len <= expected ? expected + 1 - bytes.len : PIECE;
        if (piece > left)
            piece = left;
        char *room = buf_room(&bytes, piece);
        if (!room)
            return err_no_memory(err);
        ssize_t n = disk->read(disk, fd, room, piece);
        if (n == 0)
            break;
        if (n > 0)
            buf_wrote(&bytes, (size_t)n);
        else if (errno != EINTR)
            return failed(err, ERR_INPUT, errno, "reading", path);
    }
    if (out->full || bytes.len > out->ceiling - out->len)
        return too_large(path, out->ceiling - out->len, err);
    buf_add_span(out, buf_span(&bytes));
    return out->full ? err_no_memory(err) : true;
}

bool file_read(const struct disk *disk, const char *path, size_t most, enum file_trust trust,
               struct buf *out, struct err *err)
{
    /* Not to be held up by a pipe that nobody writes to. */
    int fd = disk->open(disk, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    struct stat st;
    bool ok = false;

    if (fd < 0)
        return failed(err, ERR_INPUT, errno, "reading", path);
    if (disk->stat(disk, fd, &st) < 0)
        failed(err, ERR_INPUT, errno, "reading", path);
    else if (!S_ISREG(st.st_mode))
        failed(err, ERR_INPUT, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "reading", path);
    else
        ok = check_trust(path, &st, trust, err) &&
             read_all(disk, fd, path, (size_t)st.st_size, most, out, err);
    disk->close(disk, fd);
    return ok;
}

static bool write_all(const struct disk *disk, int fd, struct span bytes)
{
    while (bytes.len) {
        ssize_t n = disk->write(disk, fd, bytes.at, bytes.len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            bytes = span_from(bytes, (size_t)n);
    }
    return true;
}

/* A file beside `path` that nobody has opened before, `DIRECTORY/.NAME.PID-N`: hidden, and so never
 * read as configuration should a crash leave it. */
static int open_beside(const struct disk *disk, const char *path, struct buf *ret_name)
{
    struct span all = span_of(path);
    size_t slash = span_find_last(all, '/');
    size_t base = slash == all.len ? 0 : slash + 1;

    for (unsigned n = 0; n < 100; n++) {
        buf_clear(ret_name);
        buf_add_span(ret_name, span_cut(all, 0, base));
        buf_addf(ret_name, ".%s.%ld-%u", path + base, (long)getpid(), n);
        if (ret_name->full) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = disk->open(disk, buf_text(ret_name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static bool sync_directory(const struct disk *disk, const char *path, struct err *err)
{
    char *directory = file_directory_of(path);

    if (!directory)
        return err_no_memory(err);
    int fd = disk->open(disk, directory, O_RDONLY | O_DIRECTORY, 0);
    bool ok = fd >= 0 && disk->sync(disk, fd) == 0;
    if (!ok)
        failed(err, ERR_IO, errno, "syncing", directory);
    if (fd >= 0)
        disk->close(disk, fd);
    mem_free(directory);
    return ok;
}

/* Everything up to the rename. A close that fails after a sync that did not is still a failure: some
 * network file systems tell of a full disk there. */
static bool fill(const struct disk *disk, int fd, struct span bytes, struct file_made made)
{
    bool ok = disk->chmod(disk, fd, made.mode) == 0 &&
              (made.group == (gid_t)-1 || disk->chown(disk, fd, (uid_t)-1, made.group) == 0) &&
              write_all(disk, fd, bytes) && disk->sync(disk, fd) == 0;
    int sys = errno;

    if (disk->close(disk, fd) == 0 && ok)
        return true;
    if (!ok)
        errno = sys;
    return false;
}

/* A new file with these bytes beside `path`, which then gets its name by rename(2) or link(2). */
static bool write_beside(const struct disk *disk, const char *path, struct span bytes,
                         struct file_made made, bool replace, struct err *err)
{
    HELD(buf) beside = BUF(PATH_MAX);
    int fd = open_beside(disk, path, &beside);

    if (fd < 0)
        return failed(err, ERR_CREATE, errno, "making", path);
    bool ok = fill(disk, fd, bytes, made) &&
              (replace ? disk->rename(disk, buf_text(&beside), path)
                       : disk->link(disk, buf_text(&beside), path)) == 0;
    if (!ok)
        failed(err, errno == EEXIST ? ERR_CREATE : ERR_IO, errno, "writing", path);
    if (!ok || !replace)
        disk->unlink(disk, buf_text(&beside));
    return ok && sync_directory(disk, path, err);
}

bool file_write(const struct disk *disk, const char *path, struct span bytes, struct file_made made,
                struct err *err)
{
    return write_beside(disk, path, bytes, made, true, err);
}

bool file_write_new(const struct disk *disk, const char *path, struct span bytes, struct file_made made,
                    struct err *err)
{
    return write_beside(disk, path, bytes, made, false, err);
}

bool file_move(const struct disk *disk, const char *from, const char *to, struct err *err)
{
    if (disk->rename(disk, from, to) < 0)
        return failed(err, ERR_IO, errno, "renaming", from);
    return sync_directory(disk, to, err);
}

bool file_remove(const struct disk *disk, const char *path, struct err *err)
{
    if (disk->unlink(disk, path) < 0)
        return failed(err, ERR_IO, errno, "removing", path);
    return sync_directory(disk, path, err);
}

/* Another's is no wrong setting: it is one that can't be written. */
static bool check_directory(const struct disk *disk, const char *path, struct err *err)
{
    int fd = disk->open(disk, path, O_RDONLY | O_DIRECTORY, 0);
    struct stat st = { 0 };
    bool ok = false;

    if (fd < 0 || disk->stat(disk, fd, &st) < 0)
        failed(err, ERR_CREATE, errno, "opening", path);
    else
        ok = check_trust(path, &st, FILE_TRUSTED, err);
    if (!ok && is_anothers(&st) && err) {
        err->kind = ERR_CREATE;
        err->fact = NULL;
    }
    if (fd >= 0)
        disk->close(disk, fd);
    return ok;
}

/* Makes one, if there is none. A parent on a disk that may only be read says EROFS, not EEXIST. */
static bool make_directory(const struct disk *disk, const char *path, mode_t mode)
{
    if (disk->mkdir(disk, path, mode) < 0) {
        int sys = errno;
        bool there = file_exists(path);
        errno = sys;
        return there;
    }
    int fd = disk->open(disk, path, O_RDONLY | O_DIRECTORY, 0);
    bool ok = fd >= 0 && disk->chmod(disk, fd, mode) == 0; /* mkdir heeds the umask */
    int sys = errno;
    if (fd >= 0)
        disk->close(disk, fd);
    errno = sys;
    return ok;
}

bool file_make_dirs(const struct disk *disk, const char *path, mode_t mode, struct err *err)
{
    struct span all = span_of(path);
    HELD(buf) part = BUF(PATH_MAX);

    for (size_t at = 0; at < all.len;) {
        size_t end = at + 1 + span_find(span_from(all, at + 1), '/');
        buf_clear(&part);
        buf_add_span(&part, span_cut(all, 0, end));
        if (part.full)
            return failed(err, ERR_CREATE, ENAMETOOLONG, "making", path);
        if (!make_directory(disk, buf_text(&part), mode))
            return failed(err, ERR_CREATE, errno, "making", buf_text(&part));
        at = end;
    }
    return check_directory(disk, path, err);
}

bool file_open_nameless(const struct disk *disk, const char *directory, int *ret_fd, struct err *err)
{
    HELD(buf) beside = BUF(PATH_MAX);
    int fd = disk->open(disk, directory, O_TMPFILE | O_RDWR, 0600);

    if (fd < 0) { /* not every file system has these */
        char *path = file_path(directory, "nameless");
        if (!path)
            return err_no_memory(err);
        fd = open_beside(disk, path, &beside);
        mem_free(path);
        if (fd < 0)
            return failed(err, ERR_CREATE, errno, "making a file in", directory);
        disk->close(disk, fd);
        fd = disk->open(disk, buf_text(&beside), O_RDWR | O_NOFOLLOW, 0);
        int sys = errno;
        disk->unlink(disk, buf_text(&beside));
        if (fd < 0)
            return failed(err, ERR_CREATE, sys, "making a file in", directory);
    }
    *ret_fd = fd;
    return true;
}

bool file_open_memory(const struct disk *disk, int *ret_fd, struct err *err)
{
    int fd = disk->memory(disk);

    if (fd < 0)
        return err_sys(err, ERR_CREATE, errno, "making a file in memory");
    *ret_fd = fd;
    return true;
}

bool file_read_at(int fd, uint64_t at, char *into, size_t room, size_t *ret_len, struct err *err)
{
    size_t len = 0;

    while (len < room) {
        ssize_t got = pread(fd, into + len, room - len, (off_t)(at + len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, ERR_IO, errno, "reading the file");
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *ret_len = len;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void file_names_done(struct file_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        mem_free(names->at[i]);
    mem_free(names->at);
    *names = (struct file_names){ 0 };
}

static bool names_add(struct file_names *names, const char *name)
{
    char *copy = str_copy(name);
    char **more = copy ? mem_resize(names->at, names->count + 1, sizeof *more) : NULL;

    if (!more) {
        mem_free(copy);
        return false;
    }
    more[names->count++] = copy;
    names->at = more;
    return true;
}

/* Whoever may write in it may put a file there, or take one away. */
static DIR *open_trusted(const char *directory, struct err *err)
{
    DIR *dir = opendir(directory);
    struct stat st;

    if (!dir)
        failed(err, ERR_INPUT, errno, "reading", directory);
    else if (fstat(dirfd(dir), &st) < 0)
        failed(err, ERR_INPUT, errno, "reading", directory);
    else if (check_trust(directory, &st, FILE_TRUSTED, err))
        return dir;
    if (dir)
        closedir(dir);
    return NULL;
}

bool file_list(const char *directory, const char *suffix, struct file_names *ret_names, struct err *err)
{
    HELD(file_names) names = { 0 };
    struct err why = { 0 };
    DIR *dir = open_trusted(directory, &why);

    if (!dir && why.sys != ENOENT) {
        if (err)
            *err = why;
        return false;
    }
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        struct span name = span_of(entry->d_name), end = span_of(suffix);
        if (name.at[0] == '.' || name.len <= end.len ||
            !span_equal(span_from(name, name.len - end.len), end))
            continue;
        if (!names_add(&names, entry->d_name)) {
            closedir(dir);
            return err_no_memory(err);
        }
    }
    if (dir)
        closedir(dir);
    if (names.count)
        qsort(names.at, names.count, sizeof *names.at, by_name);
    *ret_names = names;
    names = (struct file_names){ 0 };
    return true;
}
