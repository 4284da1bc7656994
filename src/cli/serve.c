/* outpost serve: the owner that stays. It takes mail in, delivers what waits, answers questions, and ends in order. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/daemon.h"
#include "cli/failure.h"
#include "cli/listening.h"
#include "cli/logging.h"
#include "cli/renewal.h"
#include "cli/standin.h"
#include "cli/supervised.h"
#include "control/socket.h"
#include "gateway/gateway.h"
#include "gateway/local.h"
#include "net/loop.h"
#include "net/timer.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/random.h"

#include "base/banned.h"

enum {
    DRAIN_MS = 30 * 1000,
    TAKE_MS = 10 * 1000, /* for an owner who is to leave */
    TAKE_AGAIN_MS = 50,
};

struct serve {
    struct daemon daemon;
    struct timer *patience; /* with what is under way at the end */
    unsigned awaited;       /* parts that still have something under way */
    bool ending;
    int status;
};

/* ---- ending ---- */

static void over(void *who)
{
    struct serve *serve = who;

    loop_stop(serve->daemon.loop);
}

static void part_over(void *who)
{
    struct serve *serve = who;

    if (!--serve->awaited)
        over(serve);
}

static void end(struct serve *serve)
{
    struct daemon *daemon = &serve->daemon;

    if (serve->ending) {
        loop_stop(daemon->loop); /* asked twice: at once */
        return;
    }
    serve->ending = true;
    supervised_stopping(daemon->supervised);
    serve->awaited = 2;
    timer_set(serve->patience, loop_now(daemon->loop) + DRAIN_MS);
    renewal_stop(daemon->renewal);
    gateway_drain(daemon->gateway, part_over, serve);
    relay_drain(daemon->owner.relay, part_over, serve);
}

static void failed(void *who, const struct err *why)
{
    struct serve *serve = who;

    serve->status = fail_here(serve->daemon.cli, why);
    loop_stop(serve->daemon.loop);
}

/* ---- another configuration ---- */

/* One that is not good is said, and the old one stays. */
static bool reload(void *who, struct err *err)
{
    struct serve *serve = who;
    struct log *log = &serve->daemon.log;

    if (serve->ending)
        return err_set(err, ERR_LATER, "it is ending");
    supervised_reloading(serve->daemon.supervised);
    bool good = renewal_begin(serve->daemon.renewal, err);
    supervised_ready(serve->daemon.supervised);
    if (!good) {
        log_event(log, LOG_AT_ERROR, "reload", log_text("result", "kept the old configuration"),
                  log_text("why", err->text));
        return false;
    }
    *log = logging_begin(serve->daemon.cli);
    log_event(log, LOG_AT_INFO, "reload", log_text("result", "good"));
    listening_tell(&serve->daemon);
    return true;
}

static void signalled(void *who, int number)
{
    struct err err = { 0 };

    if (number == SIGHUP)
        (void)!reload(who, &err); /* which was told */
    else
        end(who);
}

/* ---- beginning ---- */

static bool open_control(struct daemon *daemon, struct err *err)
{
    const struct place *place = cli_place(daemon->cli, NULL);
    char *path = place_socket(place, "control");
    const struct control_socket_plan plan = {
        .control = &daemon->owner.control,
        .loop = daemon->loop,
        .path = path,
        .inherited = activation_next(&daemon->activation, "control"),
        .mode = place->scope == PLACE_SYSTEM ? 0660 : 0600,
        .owner = (uint32_t)geteuid(),
    };
    bool good = path ? control_socket_open(&plan, &daemon->control, err) : err_no_memory(err);

    mem_free(path);
    return good;
}

static void handed_in(void *who, uint32_t uid, const char *account, uint64_t id, const struct err *why)
{
    struct daemon *daemon = who;

    if (why)
        log_event(&daemon->log, LOG_AT_WARN, "refused", log_number("uid", uid), log_text("why", why->text));
    else
        log_event(&daemon->log, LOG_AT_INFO, "accepted", log_number("id", id), log_number("uid", uid),
                  log_text("account", account));
}

static void asks(void *who, struct stream *stream, struct span said)
{
    struct daemon *daemon = who;

    control_socket_take(daemon->control, stream, said);
}

static bool open_door(struct daemon *daemon, struct err *err)
{
    const struct place *place = cli_place(daemon->cli, NULL);
    char *path = place_socket(place, "submit");
    const struct local_door_plan plan = {
        .loop = daemon->loop,
        .port = daemon->owner.port,
        .config = cli_config(daemon->cli, NULL),
        .disk = &disk_system,
        .dice = &dice_system,
        .clock = &clock_system,
        .directory = place->state,
        .hostname = cli_hostname(daemon->cli),
        .path = path,
        .inherited = activation_next(&daemon->activation, "submit"),
        .mode = place->scope == PLACE_SYSTEM ? 0666 : 0600,
        .saw = handed_in,
        .asks = asks,
        .who = daemon,
    };
    bool good = path ? local_door_open(&plan, &daemon->door, err) : err_no_memory(err);

    mem_free(path);
    return good;
}

static void saw(void *who, const struct relay_event *event)
{
    struct daemon *daemon = who;

    logging_relay(&daemon->log, daemon->owner.queue, event);
    announcing_saw(daemon->announcing, event);
}

bool daemon_deliver(struct daemon *daemon, struct err *err)
{
    announcing_free(GIVE(daemon->announcing));
    return owner_deliver(&daemon->owner, saw, daemon, err) &&
           announcing_start(&daemon->owner, &daemon->log, &daemon->announcing, err);
}

/* A socket in whose name nothing listens would take callers whom nobody answers. */
static void drop_sockets(struct daemon *daemon)
{
    size_t closed = activation_close(&daemon->activation);

    if (closed)
        log_event(&daemon->log, LOG_AT_WARN, "sockets", log_number("closed", closed),
                  log_text("why", "systemd handed them over, and no listener has the name (FileDescriptorName=)"));
}

static bool take(struct daemon *daemon, struct err *err)
{
    const struct network *network = cli_network(daemon->cli, err);
    uint64_t until = clock_now(&clock_system) + TAKE_MS;
    bool taken = false;

    if (network && place_is_anothers(cli_place(daemon->cli, NULL)) && file_exists(cli_place(daemon->cli, NULL)->state))
        return err_set(err, ERR_CONFIG, "%s belongs to another user, and outpost serve runs as that one: outpost service "
                                        "enable", cli_place(daemon->cli, NULL)->state);
    if (!network || !activation_take(&daemon->activation, err) ||
        !supervised_new(network->loop, &daemon->supervised, err))
        return false;
    for (;;) {
        if (!owner_take(daemon->cli, &daemon->owner, &taken, err))
            return false;
        daemon->loop = network->loop;
        if (taken)
            return true;
        if (!standin_leaves(daemon->cli) || clock_now(&clock_system) >= until)
            return err_set(err, ERR_LATER, "another outpost owns %s already", cli_place(daemon->cli, NULL)->state);
        poll(NULL, 0, TAKE_AGAIN_MS); /* nothing else is under way yet */
    }
}

static bool begin(struct serve *serve, struct err *err)
{
    struct daemon *daemon = &serve->daemon;

    if (!take(daemon, err))
        return false;
    daemon->owner.control.role = "daemon";
    daemon->owner.control.reload = reload;
    daemon->owner.control.of = serve;
    serve->patience = timer_new(daemon->loop, over, serve);
    if (!serve->patience)
        return err_no_memory(err);
    return daemon_deliver(daemon, err) && listening_open(daemon, err) && open_door(daemon, err) &&
           renewal_new(daemon, failed, serve, &daemon->renewal, err) && open_control(daemon, err) &&
           loop_on_signals(daemon->loop, signalled, serve, err);
}

static void done(struct serve *serve)
{
    struct daemon *daemon = &serve->daemon;

    announcing_free(daemon->announcing);
    control_socket_free(daemon->control);
    local_door_free(daemon->door);
    gateway_free(daemon->gateway);
    supervised_free(daemon->supervised);
    timer_free(serve->patience);
    if (lock_held(&daemon->owner.lock))
        owner_done(&daemon->owner);
    renewal_free(daemon->renewal);
}

static int run(struct cli *cli)
{
    struct serve serve = { .daemon = { .cli = cli, .owner = { .lock = LOCK_NONE }, .log = logging_begin(cli) } };
    struct log *log = &serve.daemon.log;
    struct err err = { 0 };

    memory_heaps(2); /* the loop's and the queue's: in one they would wait for each other */
    if (begin(&serve, &err)) {
        drop_sockets(&serve.daemon);
        listening_tell(&serve.daemon);
        supervised_ready(serve.daemon.supervised);
        log_event(log, LOG_AT_INFO, "ready", log_text("version", OUTPOST_VERSION),
                  log_text("state", cli_place(cli, NULL)->state));
        loop_run(serve.daemon.loop);
    } else {
        serve.status = fail_here(cli, &err);
    }
    done(&serve);
    if (serve.status == 0)
        log_event(log, LOG_AT_INFO, "stopped", log_text("version", OUTPOST_VERSION));
    return serve.status;
}

const struct command command_serve = {
    .name = "serve",
    .takes = "",
    .does = "listen for mail, deliver what waits, and answer questions",
    .more = "SIGTERM ends it as soon as what is under way is done, for half a minute at most; SIGHUP reads the\n"
            "configuration again, without cutting anybody off, and keeps the old one where the new is not good.",
    .run = run,
};
