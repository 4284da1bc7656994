/* A message handed to the owner of the state directory (gateway/local.h): the process that runs, or, where none does,
 * this one, which then is the owner until what it accepted is dealt with, as far as that can be now.
 */
#ifndef OUTPOST_CLI_HANDING_H
#define OUTPOST_CLI_HANDING_H

#include "cli/world.h"
#include "gateway/submission.h"

struct handing {
    const struct submission *submission;
    int fd;                 /* the message, from its front */
    uint64_t wait_ms;       /* for the outcome, where another process is the owner; 0: not at all */
};

struct handed {
    uint64_t id;
    char account[64];
    bool repeated;          /* it had been accepted before */
    bool owner;             /* this process was; nothing tries again by itself when it ends */
    struct json_tree *story; /* as `queue show` tells it, at the end of the wait; NULL: not asked */
};

/* False: it is not in the queue. */
MUST_USE bool handing_run(struct cli *cli, const struct handing *handing, struct handed *ret_handed, struct err *err);
/* Where no other process is the owner: tries all that is due, and ends. */
MUST_USE bool handing_deliver(struct cli *cli, struct err *err);
void handed_done(struct handed *handed);

#endif
