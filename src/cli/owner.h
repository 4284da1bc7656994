/* Being the owner of a state directory: its lock, its queue, and, where mail is to leave, its relay. One process at a
 * time; the others ask it (cli/asking.h).
 *
 *     struct owner owner;
 *     bool taken;
 *     if (!owner_take(cli, &owner, &taken, err)) ...
 *     if (taken && !owner_deliver(&owner, saw, who, err)) ...
 *     owner_done(&owner);
 */
#ifndef OUTPOST_CLI_OWNER_H
#define OUTPOST_CLI_OWNER_H

#include "cli/world.h"
#include "control/verbs.h"
#include "os/lock.h"
#include "relay/settings.h"

struct owner {
    struct cli *cli;
    struct lock lock;
    const struct queue_settings *settings;
    struct queue *queue;
    struct queue_port *port;
    struct transport_world world;
    struct relay *relay; /* NULL: nothing leaves */
    struct reach *reach; /* what the relay is told of the network; NULL: nothing is */
    struct control control;
    /* relay_plan's, told with the `who` of owner_deliver(); set before that. NULL: nobody watches. */
    void (*moved)(void *who, uint64_t id, uint64_t sent, uint64_t size);
    bool looks_around; /* where a server is not reached, before that is judged (cli/looking.h); for who waits for the word */
};

/* *ret_taken is false where another process is the owner: then there is nothing to be freed. */
MUST_USE bool owner_take(struct cli *cli, struct owner *ret_owner, bool *ret_taken, struct err *err);
/* Mail leaves from now on, by cli_config() as it is. Said again, when nothing is under way (relay_drain()): by another
 * one. `saw` is told of each step, or NULL. */
MUST_USE bool owner_deliver(struct owner *owner, void (*saw)(void *who, const struct relay_event *event), void *who,
                            struct err *err);
void owner_done(struct owner *owner);

#endif
