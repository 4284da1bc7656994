/* Root among another user's files: as that user, so that what is made there is his, and a link that he has planted leads
 * nowhere that he could not go himself. What only root may write is written in between as root again.
 *
 *     rights_become_owner("/var/lib/outpost", "outpost", err)      from here on files are made as its owner
 *     struct rights held = rights_take_back();                     /etc
 *     rights_give_again(held);
 *
 * It is the whole process that changes, all of its threads. A program that it starts is that user for good: nothing is
 * kept across exec.
 */
#ifndef OUTPOST_OS_RIGHTS_H
#define OUTPOST_OS_RIGHTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* Nothing where we are not root, or root owns the directory. Where it is not there and there is such a user, it is made,
 * his own, 0700. ERR_CONFIG, ERR_CREATE; then we are root still. */
MUST_USE bool rights_become_owner(const char *directory, const char *user, struct err *err);

struct rights {
    bool back; /* we are root for a while */
    uid_t uid;
    gid_t gid;
};
/* Nothing where rights_become_owner() did nothing. */
struct rights rights_take_back(void);
void rights_give_again(struct rights held); /* ends the process where that fails, which it can't */

#endif
