#include "intake/lower.h"

#include "intake/spool.h"
#include "mail/convert.h"

#include "base/banned.h"

enum { PIECE = 32 * 1024, OUT_MOST = 8 * PIECE + 1024 * 1024 };

static bool pump(const struct disk *disk, int fd, struct spool *spool, struct err *err)
{
    OWN(convert) convert = convert_new();
    HELD(buf) out = BUF(OUT_MOST);
    char piece[PIECE];
    size_t len;

    if (!convert)
        return err_no_memory(err);
    for (;;) {
        if (!spool_read(disk, fd, "the message", piece, sizeof piece, &len, err))
            return false;
        if (len ? !convert_feed(convert, (struct span){ piece, len }, &out, err)
                : !convert_end(convert, &out, err))
            return false;
        if (out.full)
            return err_no_memory(err);
        if (!spool_add(spool, buf_span(&out), err))
            return false;
        buf_clear(&out);
        if (len == 0)
            return true;
    }
}

bool message_lower(const struct disk *disk, const char *directory, int fd, int *ret_fd,
                   uint64_t *ret_size, struct err *err)
{
    struct spool spool = spool_begin(disk, directory);
    bool good = pump(disk, fd, &spool, err) && spool_give(&spool, ret_fd, err);

    if (good)
        *ret_size = spool.size;
    spool_done(&spool);
    return good;
}
