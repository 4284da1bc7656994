#include "intake/lower.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "mail/convert.h"
#include "os/file.h"

#include "base/banned.h"

enum { PIECE = 32 * 1024, OUT_MOST = 8 * PIECE + 1024 * 1024 };

static bool put(const struct disk *disk, int fd, struct buf *out, uint64_t *size, struct err *err)
{
    size_t done = 0;

    if (out->full)
        return err_no_memory(err);
    while (done < out->len) {
        ssize_t wrote = disk->write(disk, fd, out->at + done, out->len - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return err_sys(err, ERR_IO, errno, "writing the converted message");
        done += (size_t)wrote;
    }
    *size += out->len;
    buf_clear(out);
    return true;
}

static bool pump(const struct disk *disk, int from, int to, uint64_t *size, struct err *err)
{
    OWN(convert) convert = convert_new();
    HELD(buf) out = BUF(OUT_MOST);
    char piece[PIECE];

    if (!convert)
        return err_no_memory(err);
    for (off_t at = 0;;) {
        ssize_t got = pread(from, piece, sizeof piece, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, ERR_IO, errno, "reading the message");
        if (got == 0)
            break;
        at += got;
        if (!convert_feed(convert, (struct span){ piece, (size_t)got }, &out, err) ||
            !put(disk, to, &out, size, err))
            return false;
    }
    return convert_end(convert, &out, err) && put(disk, to, &out, size, err);
}

bool message_lower(const struct disk *disk, const char *directory, int fd, int *ret_fd,
                   uint64_t *ret_size, struct err *err)
{
    uint64_t size = 0;
    int lowered;

    if (!file_open_nameless(disk, directory, &lowered, err))
        return false;
    if (!pump(disk, fd, lowered, &size, err)) {
        disk->close(disk, lowered);
        return err_in(err, "the server takes no 8-bit text, or no such long lines");
    }
    *ret_fd = lowered;
    *ret_size = size;
    return true;
}
