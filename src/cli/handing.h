/* A message handed to the owner of the state directory (gateway/local.h): the process that runs, or, where none does,
 * this one, which then is the owner until what it accepted is dealt with, as far as that can be now. Where the state is
 * another's (place_is_anothers()) it never is: it waits for the daemon, ten seconds.
 */
#ifndef OUTPOST_CLI_HANDING_H
#define OUTPOST_CLI_HANDING_H

#include "cli/world.h"
#include "gateway/submission.h"

struct handed;

struct handing {
    const struct submission *submission;
    int fd;                 /* the message, from its front */
    uint64_t wait_ms;       /* for the outcome, where another process is the owner; 0: not at all */
    /* It is in the queue, and this became of it: to be told to whoever runs the command. Where this process is the
     * owner, the failures that the story names are told by that, and nobody tells them again. May be NULL. */
    void (*tell)(void *who, const struct handed *handed);
    void *who;
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
