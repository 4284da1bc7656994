#include "os/descriptors.h"

#include <sys/resource.h>

#include "base/banned.h"

size_t descriptors_raise(size_t most)
{
    struct rlimit limit = { 0, 0 };

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    const struct rlimit more = { most < limit.rlim_max ? most : limit.rlim_max, limit.rlim_max };
    if (more.rlim_cur <= limit.rlim_cur || setrlimit(RLIMIT_NOFILE, &more) != 0)
        return limit.rlim_cur;
    return more.rlim_cur;
}
