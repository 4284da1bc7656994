/* How the small program finds the large one: to become it, where more is asked for than handing in a message, or to
 * start one that stands in for the daemon (cli/standin.h).
 */
#ifndef OUTPOST_CLI_STARTING_H
#define OUTPOST_CLI_STARTING_H

#include <stdint.h>

#include "base/err.h"

#define STARTING_STANDIN "--stand-in" /* outpost sendmail --stand-in: nobody calls it by hand */

/* `words` stand between outpost and sendmail, NULL ends them: which configuration it is. *ret_said is what it says from
 * then on, until its first work is done. ERR_LATER where another process is the owner; any other failure is the one
 * that keeps it from being one. */
MUST_USE bool starting_standin(const char *const *words, uint64_t until, int *ret_said, struct err *err);

/* outpost sendmail FLAG ARGS..., in the place of this process; `flag` NULL: none is added. Returns where that can't be. */
void starting_instead(const char *flag, char **args, struct err *err);

/* A line that tells of a status and says words, as the stand-in and the door do: "75 not now". False: it is none. */
MUST_USE bool starting_status(struct span line, uint64_t *ret_status, struct span *ret_words);
/* The failure in it; always false. */
bool starting_failed(uint64_t status, struct span words, struct err *err);

#endif
