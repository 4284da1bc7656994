#include "os/space.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "base/banned.h"

bool space_of(const char *path, struct space *ret_space, struct err *err)
{
    struct statvfs is;

    if (statvfs(path, &is) != 0)
        return err_sys(err, ERR_IO, errno, "looking how full the disk is");
    *ret_space = (struct space){
        .bytes = (uint64_t)is.f_blocks * is.f_frsize,
        .bytes_free = (uint64_t)is.f_bavail * is.f_frsize,
        .files = is.f_files,
        .files_free = is.f_favail,
    };
    return true;
}

static bool is_short(uint64_t free, uint64_t all, unsigned percent)
{
    return free < all / 100 * percent; /* divided first: exabytes don't overflow */
}

bool space_is_short(const struct space *space, unsigned percent)
{
    return is_short(space->bytes_free, space->bytes, percent) ||
           is_short(space->files_free, space->files, percent);
}
