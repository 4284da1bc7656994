#include "os/private.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/banned.h"

void private_process(void)
{
    const struct rlimit none = { 0, 0 };

    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    umask(077);
}
