/* One message through one session, from an account to the server's last word: what `send` and the test
 * message of `setup` do. Runs the loop until the outcome of every recipient is known.
 */
#ifndef OUTPOST_CLI_SENDING_H
#define OUTPOST_CLI_SENDING_H

#include "cli/world.h"
#include "mail/envelope.h"
#include "session/client.h"

struct sending_message {
    struct envelope *envelope; /* its size is set; its body may be changed to what the server takes */
    int fd;                    /* the message as it stands on the wire, lines of at most 998 octets;
                                  its owner's, and another one after a conversion */
};

struct sending {
    struct smtp_outcome *outcomes; /* one a recipient, in the envelope's order */
    struct evidence *evidence;     /* the same, with host, port and mechanism */
    size_t count;
    bool failed;                   /* no transaction took place: `failure` tells why */
    struct evidence failure;
};

/* False: it could not begin; `failure` tells why all the same. sending_done() in either case. */
bool sending_run(struct cli *cli, const struct account *account, struct sending_message *message,
                 struct sending *ret);
void sending_done(struct sending *sending);

/* The exit status that this outcome has. */
int sending_status(const struct sending *sending);

/* The parts of a session's plan that account and everyday options tell. */
void sending_plan(struct cli *cli, const struct account *account, struct session_plan *ret_plan);
/* Shows the conversation on stderr where --verbose was given. */
struct session_observer sending_observer(struct cli *cli);

#endif
