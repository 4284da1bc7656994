#include "os/private.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* The lowest free number is the next to be given: so they are filled from the first to the last. */
static void hold_standard_streams(void)
{
    static const int the_wrong_way[] = { O_WRONLY, O_RDONLY, O_RDONLY };

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", the_wrong_way[fd]) < 0)
            return;
}

void private_process(void)
{
    const struct rlimit none = { 0, 0 };

    hold_standard_streams();

    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    umask(077);
}
