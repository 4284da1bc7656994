/* The parts of outpost serve, which live as long as it does. */
#ifndef OUTPOST_CLI_DAEMON_H
#define OUTPOST_CLI_DAEMON_H

#include "cli/announcing.h"
#include "cli/owner.h"
#include "net/activation.h"
#include "os/log.h"

struct control_socket;
struct gateway;
struct local_door;
struct loop;
struct renewal;
struct supervised;

struct daemon {
    struct cli *cli;
    struct loop *loop;
    struct activation activation;  /* sockets that were handed over: "submit", "control", listeners' names */
    struct supervised *supervised; /* NULL: nobody waits for us */
    struct log log;
    struct owner owner;
    struct gateway *gateway;       /* for the network */
    struct local_door *door;       /* for programs of this machine */
    struct control_socket *control;
    struct announcing *announcing;
    struct renewal *renewal;
};

/* Mail leaves, and people are told, by cli_config() as it is now: at first, and again when nothing is under way any
 * more by the one before. On failure nothing leaves. */
MUST_USE bool daemon_deliver(struct daemon *daemon, struct err *err);

#endif
