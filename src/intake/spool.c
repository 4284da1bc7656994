#include "intake/spool.h"

#include <errno.h>
#include <unistd.h>

#include "os/file.h"

#include "base/banned.h"

struct spool spool_begin(const struct disk *disk, const char *directory)
{
    return (struct spool){ .disk = disk, .directory = directory, .fd = -1, .piece = BUF(SPOOL_PIECE) };
}

/* Only now it shows how large it is. */
static bool open_file(struct spool *spool, bool is_whole, struct err *err)
{
    if (spool->fd >= 0)
        return true;
    return is_whole && !spool->large ? file_open_memory(spool->disk, &spool->fd, err)
                                     : file_open_nameless(spool->disk, spool->directory, &spool->fd, err);
}

static bool write_all(struct spool *spool, struct span bytes, struct err *err)
{
    while (bytes.len) {
        ssize_t len = spool->disk->write(spool->disk, spool->fd, bytes.at, bytes.len);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && (errno == ENOSPC || errno == EDQUOT)) {
            err_sys(err, ERR_IO, errno, "the message can't be kept in a temporary file");
            if (err)
                err->fact = "disk:full";
            return false;
        }
        if (len < 0)
            return err_sys(err, ERR_IO, errno, "the message can't be kept in a temporary file");
        bytes = span_from(bytes, (size_t)len);
        spool->size += (uint64_t)len;
    }
    return true;
}

static bool flush(struct spool *spool, bool is_last, struct err *err)
{
    if (!open_file(spool, is_last, err) || !write_all(spool, buf_span(&spool->piece), err))
        return false;
    buf_cut(&spool->piece, 0);
    return true;
}

bool spool_add(struct spool *spool, struct span bytes, struct err *err)
{
    while (bytes.len) {
        struct span some = span_cut(bytes, 0, SPOOL_PIECE - spool->piece.len);
        buf_add_span(&spool->piece, some);
        if (spool->piece.full)
            return err_no_memory(err);
        if (spool->piece.len == SPOOL_PIECE && !flush(spool, false, err))
            return false;
        bytes = span_from(bytes, some.len);
    }
    return true;
}

bool spool_give(struct spool *spool, int *ret_fd, struct err *err)
{
    if (!flush(spool, true, err))
        return false;
    if (lseek(spool->fd, 0, SEEK_SET) != 0)
        return err_sys(err, ERR_IO, errno, "the temporary file can't be read again");
    *ret_fd = spool->fd;
    spool->fd = -1;
    return true;
}

void spool_done(struct spool *spool)
{
    if (spool->fd >= 0)
        spool->disk->close(spool->disk, spool->fd);
    spool->fd = -1;
    buf_done(&spool->piece);
}

bool spool_read(const struct disk *disk, int fd, const char *what, char *at, size_t room,
                size_t *ret_len, struct err *err)
{
    for (;;) {
        ssize_t len = disk->read(disk, fd, at, room);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return err_sys(err, ERR_INPUT, errno, "%s can't be read", what);
        *ret_len = (size_t)len;
        return true;
    }
}
