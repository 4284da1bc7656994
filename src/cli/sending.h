/* One message by one account, to the server's last word: what `send` and the test message of `setup` do.
 * Runs the loop until the outcome of every recipient is known; and where there was no way to the server, until it is known
 * what stands in it (cli/looking.h).
 */
#ifndef OUTPOST_CLI_SENDING_H
#define OUTPOST_CLI_SENDING_H

#include "cli/world.h"
#include "mail/envelope.h"
#include "relay/transport.h"

struct sending_message {
    const struct envelope *envelope; /* its size is set */
    int fd; /* the message as it stands on the wire, lines of at most 998 octets; its owner's */
};

struct sending {
    struct transport_outcome *outcomes; /* one a recipient, in the envelope's order */
    size_t count;
    const char *transport; /* the way it went: "smtp"; NULL: none was found */
    bool failed; /* there was no way out: `failure` tells why */
    struct evidence failure;
    struct looking *looking; /* what `failure` points into; or NULL */
};

/* False: it could not begin; `failure` tells why all the same. sending_done() in either case. */
bool sending_run(struct cli *cli, const struct account *account, const struct sending_message *message,
                 struct sending *ret);
void sending_done(struct sending *sending);

/* The exit status that this outcome has. */
int sending_status(const struct sending *sending);

#endif
