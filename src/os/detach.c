#include "os/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

/* A grandchild has no parent that would have to wait for it. */
static _Noreturn void become(const char *const *argv, int said)
{
    int nothing = open("/dev/null", O_RDWR);
    sigset_t none;

    setsid();
    if (fork() != 0)
        _exit(0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(nothing, STDIN_FILENO) >= 0 && dup2(said, STDOUT_FILENO) >= 0 && dup2(nothing, STDERR_FILENO) >= 0) {
        closefrom(STDERR_FILENO + 1);
        execv(argv[0], (char *const *)(uintptr_t)argv);
    }
    _exit(127);
}

bool detach(const char *const *argv, int *ret_said, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(err, ERR_INTERNAL, errno, "starting %s", argv[0]);
    pid_t child = fork();
    if (child == 0)
        become(argv, ends[1]);
    int sys = errno;
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return err_sys(err, ERR_INTERNAL, sys, "starting %s", argv[0]);
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    *ret_said = ends[0];
    return true;
}
