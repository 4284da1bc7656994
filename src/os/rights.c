#include "os/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* A directory is given away, never what somebody else has put in its place. */
static bool give(const char *directory, const struct passwd *who)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool given = fd >= 0 && fchown(fd, who->pw_uid, who->pw_gid) == 0;
    int sys = errno;

    if (fd >= 0)
        close(fd);
    errno = sys;
    return given;
}

static bool make_for(const char *directory, const char *user, struct err *err)
{
    const struct passwd *who = getpwnam(user);

    if (!who)
        return true; /* then it is root's, as all else */
    if (mkdir(directory, 0700) == 0 && give(directory, who))
        return true;
    return err_sys(err, ERR_CREATE, errno, "making the state directory for the user %s", user);
}

/* The groups first: without root's rights they could not be left. Saved is root: the way back. */
static bool become(uid_t uid, gid_t gid, struct err *err)
{
    if (setgroups(1, &gid) == 0 && setresgid(gid, gid, 0) == 0 && setresuid(uid, uid, 0) == 0)
        return true;
    return err_sys(err, ERR_CONFIG, errno, "working as user %u", (unsigned)uid);
}

bool rights_become_owner(const char *directory, const char *user, struct err *err)
{
    struct stat st;

    if (getuid() != 0 || geteuid() != 0)
        return true;
    if (stat(directory, &st) < 0 && errno == ENOENT && !make_for(directory, user, err))
        return false;
    if (stat(directory, &st) < 0 || st.st_uid == 0)
        return true; /* whoever opens it says what is wrong with it */
    return become(st.st_uid, st.st_gid, err);
}

struct rights rights_take_back(void)
{
    struct rights held = { false, geteuid(), getegid() };
    uid_t real, effective, saved;

    if (getresuid(&real, &effective, &saved) < 0 || effective == 0 || saved != 0)
        return held;
    held.back = seteuid(0) == 0;
    if (held.back && setegid(0) < 0)
        abort();
    return held;
}

void rights_give_again(struct rights held)
{
    if (held.back && (setegid(held.gid) < 0 || seteuid(held.uid) < 0))
        abort();
}
