#include "os/private.h"

#include <fcntl.h>
#include <sys/prctl.h>
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

/* The hard limit stays, so that a child can be given back what we had. */
static void shut(void)
{
    struct rlimit core = { 0, 0 };

    getrlimit(RLIMIT_CORE, &core);
    core.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &core);
    umask(077);
}

void private_process(struct private_before *ret_before)
{
    hold_standard_streams();

    *ret_before = (struct private_before){ .umask = umask(077) };
    getrlimit(RLIMIT_CORE, &ret_before->core);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    shut();
}

void private_lend(const struct private_before *before)
{
    setrlimit(RLIMIT_CORE, &before->core);
    umask(before->umask);
}

void private_again(void)
{
    shut();
}
