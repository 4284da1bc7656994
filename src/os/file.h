/* Files: read within a limit, written whole or not at all.
 *
 * A path is the system's bytes, NUL-terminated. Errors name the path, shown safely. Reading fails with
 * ERR_INPUT (ERR_LIMIT where it is larger than allowed), making a file with ERR_CREATE, and what goes
 * wrong later with ERR_IO; a full disk or a used-up quota has the fact disk:full in either case.
 * `err.sys` is ENOENT where nothing is there.
 */
#ifndef OUTPOST_OS_FILE_H
#define OUTPOST_OS_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "os/disk.h"

enum file_trust {
    FILE_ANY,     /* whoever owns it, whoever may write it: a message, an attachment */
    FILE_TRUSTED, /* nobody but root and we may write it: configuration */
    FILE_SECRET,  /* nor may anybody else read it: a key */
};

/* Adds a regular file's bytes to *out, which stays as it was on failure. A directory, pipe or device
 * is refused, and so is a file that breaks the trust (ERR_CONFIG, config:untrusted-mode; for a secret
 * secret:unreadable), naming the chmod that mends it. */
MUST_USE bool file_read(const struct disk *disk, const char *path, size_t most, enum file_trust trust,
                        struct buf *out, struct err *err);

/* Does something stand there? Says nothing of whether it can be read. */
bool file_exists(const char *path);

/* The permissions of what stands there, links followed; false: nothing, or it can't be seen. */
MUST_USE bool file_mode(const char *path, mode_t *ret_mode);

struct file_made {
    mode_t mode; /* exactly this, whatever the umask */
    gid_t group; /* (gid_t)-1: as it comes */
};
#define FILE_MADE(mode_) ((struct file_made){ .mode = (mode_), .group = (gid_t)-1 })

/* Puts these bytes in the place of what was there, if anything: a new file beside it, synced, renamed
 * over it, the directory synced. After a failure the old file is as it was and nothing else is left -
 * but for a failure of the last step, when the new one stands there, complete, and may be gone
 * after a power cut. A symbolic link is replaced, not followed. */
MUST_USE bool file_write(const struct disk *disk, const char *path, struct span bytes,
                         struct file_made made, struct err *err);
/* The same, but only where nothing is: ERR_CREATE with err.sys EEXIST else. Of two that try at once, one
 * succeeds, and nobody ever sees half a file. */
MUST_USE bool file_write_new(const struct disk *disk, const char *path, struct span bytes,
                             struct file_made made, struct err *err);

/* Adds these bytes at the end of a file that other programs write, too, such as a mailbox: all of them or none,
 * synced. It is locked meanwhile as those do it, by fcntl(2) and, where the directory lets us, by a file
 * NAME.lock beside it; where another holds either, nothing waits: ERR_LATER. Made where it is not there yet.
 * ERR_CREATE where it is no regular file, has a second name, or is reached through a link. */
MUST_USE bool file_append(const struct disk *disk, const char *path, struct span bytes, mode_t mode,
                          struct err *err);

/* Gives a file another name in its directory, in the place of what was there, if anything; the directory is synced. */
MUST_USE bool file_move(const struct disk *disk, const char *from, const char *to, struct err *err);

/* Takes a file away, for good. */
MUST_USE bool file_remove(const struct disk *disk, const char *path, struct err *err);

/* A directory and those above it, where they are not there yet: `mode` for those that are made, whatever
 * the umask. The last must be a directory that nobody but root and we may write (ERR_CONFIG, config:untrusted-mode). */
MUST_USE bool file_make_dirs(const struct disk *disk, const char *path, mode_t mode, struct err *err);

/* A file for reading and writing that has no name, in this directory: gone when it is closed. */
MUST_USE bool file_open_nameless(const struct disk *disk, const char *directory, int *ret_fd,
                                 struct err *err);

/* The same, in memory: for what is small. */
MUST_USE bool file_open_memory(const struct disk *disk, int *ret_fd, struct err *err);

/* From a place on, in a file that can be read from any: as much as there is room for, less only where it ends. */
MUST_USE bool file_read_at(int fd, uint64_t at, char *into, size_t room, size_t *ret_len, struct err *err);

/* The names in a directory that end in `suffix` and don't begin with a dot, in byte order. A directory
 * that is not there has none; one that others may write is refused, as a file is with FILE_TRUSTED. */
struct file_names {
    char **at;
    size_t count;
};
MUST_USE bool file_list(const char *directory, const char *suffix, struct file_names *ret_names,
                        struct err *err);
void file_names_done(struct file_names *names);

/* The directory of a path, as text to be freed with mem_free(): "/etc" of "/etc/x", "." of "x". NULL: no
 * memory. */
MUST_USE char *file_directory_of(const char *path);
/* The path of a name in a directory; NULL: no memory. */
MUST_USE char *file_path(const char *directory, const char *name);

#endif
