/* The path of a Unix socket, however long it is. The system's address of one holds 107 bytes; a longer path is named
 * by way of its folder, which stays open as long: /proc/self/fd/9/submit. (Going there by chdir() would move every
 * thread of the process.) Nothing but libc.
 */
#ifndef OUTPOST_NET_UNIX_PATH_H
#define OUTPOST_NET_UNIX_PATH_H

#include "base/err.h"

enum { UNIX_PATH_MAX = 107 };

struct unix_path {
    char name[UNIX_PATH_MAX + 1]; /* as it stands in the address */
    int folder;                   /* -1: it was short enough */
};

/* ERR_IO where the folder can't be opened (err.sys tells), ERR_CONFIG where the last name alone is too long. */
MUST_USE bool unix_path_open(const char *path, struct unix_path *ret_path, struct err *err);
void unix_path_done(struct unix_path *path); /* the name leads nowhere any more */

#endif
