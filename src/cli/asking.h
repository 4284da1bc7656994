/* A question to whoever owns the state directory (control/verbs.h): the process that runs, or, where none does, this
 * one, for as long as it takes. The answers are the same. In system scope somebody without rights is answered, too, at
 * the door where he hands in mail, and is never the owner.
 */
#ifndef OUTPOST_CLI_ASKING_H
#define OUTPOST_CLI_ASKING_H

#include "base/json_read.h"
#include "cli/world.h"

struct asking_events {
    void (*line)(void *who, const struct json_value *line, struct span text); /* each but the last */
    uint64_t patience_ms; /* so long an answer is waited for, and then given up (ERR_LATER); 0: as long as it takes */
};

/* Asks and waits. The last line's "matched" and "sending". False: ERR_... as whoever was asked says it; ERR_NETWORK
 * daemon:unreachable where the owner does not answer. */
MUST_USE bool asking(struct cli *cli, struct span question, const struct asking_events *events, void *who,
                     uint64_t *ret_matched, uint64_t *ret_sending, struct err *err);

/* The same of the process that runs, alone: *ret_there is false where none does, and nothing was asked. */
MUST_USE bool asking_process(struct cli *cli, struct span question, const struct asking_events *events, void *who,
                             bool *ret_there, struct err *err);

#endif
