/* Mail handed in over the network by devices and programs that know only server, port, user and password: one
 * listener for each [listen NAME], and behind them all the queue. 250 is said when the message is on stable
 * storage, and not before.
 *
 *     gateway_open(&world, config, &gateway, err)      every listener listens, or will
 *     gateway_reload(gateway, config, err)             after SIGHUP: another configuration
 *     gateway_drain(gateway, drained, me)              after SIGTERM
 *     gateway_free(gateway)
 *
 * Everything happens on the world's loop. Sessions go on with the configuration they began with.
 */
#ifndef OUTPOST_GATEWAY_GATEWAY_H
#define OUTPOST_GATEWAY_GATEWAY_H

#include "gateway/refusals.h"
#include "gateway/settings.h"

struct activation;
struct clock;
struct dice;
struct log;
struct loop;
struct queue;
struct queue_port;

enum { GATEWAY_CONNECTIONS = 20000 }; /* at most, where the world says nothing */

struct gateway_view;

struct gateway_world { /* borrowed, with all it points at, until gateway_free() */
    struct loop *loop;
    struct queue *queue;
    struct queue_port *port; /* on that loop */
    const struct clock *clock;
    const struct dice *dice;
    const struct disk *disk;
    struct log *log;         /* NULL: nothing is logged */
    const char *hostname;    /* a domain: the machine's, where the configuration has none */
    const char *state;       /* the state directory: certificates of our own lie in it */
    struct activation *activation; /* sockets by listeners' names; NULL: none were handed over */
    unsigned unix_mode;      /* of Unix sockets' files; 0: 0600 */
    size_t connections;      /* in all; 0: GATEWAY_CONNECTIONS */
    uint64_t knock_ms;       /* between tries at an address that was not to be had; 0: 5 s */
    void (*opened)(void *who, const struct gateway_view *view); /* one of those listens now; NULL: nobody wants to know */
    void *who;               /* its */
    uint64_t wait_ms;        /* so long a client waits for what becomes of its message (deliver = while-waiting); 0: 25 s,
                                for devices give up after half a minute, and send again */
};

struct gateway;

/* A listener whose address is not this machine's yet (at boot, before the network), or another program's, waits for it and
 * is tried again: for one of them the others, and what lies in the queue, are not to stand still. All else that keeps one
 * from listening is ERR_CONFIG or ERR_IO naming it, and nobody listens. The configuration is borrowed until gateway_uses()
 * says no. */
MUST_USE bool gateway_open(const struct gateway_world *world, const struct config *config,
                           struct gateway **ret_gateway, struct err *err);
/* Sessions are cut; what they had not handed in whole is forgotten. */
void gateway_free(struct gateway *gateway);
OWNED(gateway);

/* Listeners that are new are opened, those that are gone closed; the others have the new settings for whoever
 * comes from now on, and wait on where they wait. False: all stays as it was; so, too, where an address is not to be had,
 * for somebody is there to read it. */
MUST_USE bool gateway_reload(struct gateway *gateway, const struct config *config, struct err *err);
/* Is this configuration in use, by the gateway or by a session that began with it? */
bool gateway_uses(const struct gateway *gateway, const struct config *config);

/* Nobody comes in any more; who hands in a message may end it, the others are told 421. `drained` is told once, never
 * from within: no session is left. */
void gateway_drain(struct gateway *gateway, void (*drained)(void *who), void *who);
bool gateway_is_idle(const struct gateway *gateway); /* no session is left */

/* For whoever shows it; good until the next turn of the loop. */
struct gateway_view { /* a listener */
    const struct listen_settings *settings;
    bool open;       /* false: it drains, or waits for its address */
    const char *why; /* it waits; NULL: it does not */
    uint16_t port;   /* where it is; 0: a Unix socket, or nowhere */
    size_t sessions; /* that came by it */
    const struct cert_description *certificate; /* NULL: it has no TLS */
    const struct refusals *refusals;
};
/* The listener in this place, counted from 0, or of this name; false where there is none. */
bool gateway_view(const struct gateway *gateway, size_t at, struct gateway_view *ret_view);
bool gateway_find(const struct gateway *gateway, const char *listener, struct gateway_view *ret_view);
const struct refusals *gateway_user_refusals(const struct gateway *gateway, const char *user); /* NULL: none yet */

#endif
