#include "net/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define FOLDERS "/proc/self/fd/"

enum { NUMBER_MAX = 12 };

static bool too_long(const char *path, struct err *err)
{
    return err_set(err, ERR_CONFIG, "the socket's path is too long: %.300s", path);
}

bool unix_path_open(const char *path, struct unix_path *ret_path, struct err *err)
{
    size_t len = strlen(path);
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];

    *ret_path = (struct unix_path){ .folder = -1 };
    if (len <= UNIX_PATH_MAX) {
        memcpy(ret_path->name, path, len + 1);
        return true;
    }
    if (!slash || len >= sizeof folder || strlen(FOLDERS) + NUMBER_MAX + strlen(slash) > UNIX_PATH_MAX)
        return too_long(path, err);
    memcpy(folder, path, (size_t)(slash - path) + 1);
    folder[slash - path + 1] = '\0';
    ret_path->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (ret_path->folder < 0)
        return err_sys(err, ERR_IO, errno, "opening %.300s", folder);
    snprintf(ret_path->name, sizeof ret_path->name, FOLDERS "%d%s", ret_path->folder, slash);
    return true;
}

void unix_path_done(struct unix_path *path)
{
    if (path->folder >= 0)
        close(path->folder);
    path->folder = -1;
}
