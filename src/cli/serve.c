/* outpost serve: the owner that stays. It delivers what waits, answers questions, and ends in order. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/announcing.h"
#include "cli/failure.h"
#include "cli/logging.h"
#include "cli/owner.h"
#include "cli/print.h"
#include "control/socket.h"
#include "gateway/local.h"
#include "gateway/settings.h"
#include "net/loop.h"
#include "net/timer.h"
#include "os/clock.h"
#include "os/random.h"

#include "base/banned.h"

enum { DRAIN_MS = 30 * 1000 };

struct serve {
    struct cli *cli;
    struct loop *loop;
    struct owner owner;
    struct control_socket *control;
    struct local_door *door;
    struct announcing *announcing;
    struct timer *patience; /* with what is under way at the end */
    struct log log;
    bool ending, again;     /* again: with the configuration read anew */
    int status;
};

/* ---- ending ---- */

static void over(void *who)
{
    struct serve *serve = who;

    loop_stop(serve->loop);
}

static void end(struct serve *serve)
{
    if (serve->ending) {
        loop_stop(serve->loop); /* asked twice: at once */
        return;
    }
    serve->ending = true;
    timer_set(serve->patience, loop_now(serve->loop) + DRAIN_MS);
    relay_drain(serve->owner.relay, over, serve);
}

/* A configuration that is not good is said, and the old one stays. */
static void reload(void *who)
{
    struct serve *serve = who;
    struct err err = { 0 };

    if (!cli_config_check(serve->cli, &err)) {
        log_event(&serve->log, LOG_AT_ERROR, "reload", log_text("result", "kept the old configuration"),
                  log_text("why", err.text));
        return;
    }
    log_event(&serve->log, LOG_AT_INFO, "reload", log_text("result", "good"));
    serve->again = true;
    end(serve);
}

static void signalled(void *who, int number)
{
    struct serve *serve = who;

    if (number == SIGHUP)
        reload(serve);
    else
        end(serve);
}

/* ---- beginning ---- */

static bool open_control(struct serve *serve, struct err *err)
{
    const struct place *place = cli_place(serve->cli, NULL);
    char *path = place_socket(place, "control");
    const struct control_socket_plan plan = {
        .control = &serve->owner.control,
        .loop = serve->loop,
        .path = path,
        .mode = place->scope == PLACE_SYSTEM ? 0660 : 0600,
        .owner = (uint32_t)geteuid(),
    };
    bool good = path ? control_socket_open(&plan, &serve->control, err) : err_no_memory(err);

    mem_free(path);
    return good;
}

static void handed_in(void *who, uint32_t uid, const char *account, uint64_t id, const struct err *why)
{
    struct serve *serve = who;

    if (why)
        log_event(&serve->log, LOG_AT_WARN, "refused", log_number("uid", uid), log_text("why", why->text));
    else
        log_event(&serve->log, LOG_AT_INFO, "accepted", log_number("id", id), log_number("uid", uid),
                  log_text("account", account));
}

static bool open_door(struct serve *serve, struct err *err)
{
    const struct place *place = cli_place(serve->cli, NULL);
    char *path = place_socket(place, "submit");
    const struct local_door_plan plan = {
        .loop = serve->loop,
        .port = serve->owner.port,
        .config = cli_config(serve->cli, NULL),
        .disk = &disk_system,
        .dice = &dice_system,
        .clock = &clock_system,
        .directory = place->state,
        .hostname = cli_hostname(serve->cli),
        .path = path,
        .mode = place->scope == PLACE_SYSTEM ? 0666 : 0600,
        .saw = handed_in,
        .who = serve,
    };
    bool good = path ? local_door_open(&plan, &serve->door, err) : err_no_memory(err);

    mem_free(path);
    return good;
}

static void saw(void *who, const struct relay_event *event)
{
    struct serve *serve = who;

    logging_relay(&serve->log, serve->owner.queue, event);
    if (event->kind == RELAY_EVENT_PARKED || event->kind == RELAY_EVENT_UNPARKED || event->kind == RELAY_EVENT_FAILED)
        announcing_look(serve->announcing);
}

static bool begin(struct serve *serve, struct err *err)
{
    const struct network *network = cli_network(serve->cli, err);
    bool taken = false;

    if (!network)
        return false;
    serve->loop = network->loop;
    if (!owner_take(serve->cli, &serve->owner, &taken, err))
        return false;
    if (!taken)
        return err_set(err, ERR_LATER, "another outpost owns %s already", cli_place(serve->cli, NULL)->state);
    serve->owner.control.role = "daemon";
    serve->owner.control.reload = reload;
    serve->owner.control.of = serve;
    serve->patience = timer_new(serve->loop, over, serve);
    if (!serve->patience)
        return err_no_memory(err);
    return owner_deliver(&serve->owner, saw, serve, err) && open_control(serve, err) && open_door(serve, err) &&
           announcing_start(&serve->owner, &serve->log, &serve->announcing, err) &&
           loop_on_signals(serve->loop, signalled, serve, err);
}

/* What is written must not look as if it worked. */
static void tell_listeners(struct serve *serve)
{
    const struct listen_settings *listen;

    for (size_t at = 0; (listen = config_next(cli_config(serve->cli, NULL), &listen_part, &at));)
        log_event(&serve->log, LOG_AT_WARN, "listener", log_text("name", listen->name),
                  log_text("result", "not opened: this version takes no mail over the network"));
}

/* One life, from one reading of the configuration to the next. */
static int live(struct serve *serve)
{
    struct err err = { 0 };
    bool good = begin(serve, &err);

    if (good) {
        log_event(&serve->log, LOG_AT_INFO, "ready", log_text("version", OUTPOST_VERSION),
                  log_text("state", cli_place(serve->cli, NULL)->state));
        tell_listeners(serve);
        loop_run(serve->loop);
    }
    int status = good ? 0 : fail_here(serve->cli, &err);
    announcing_stop(serve->announcing);
    local_door_free(serve->door);
    control_socket_free(serve->control);
    timer_free(serve->patience);
    if (lock_held(&serve->owner.lock))
        owner_done(&serve->owner);
    return status;
}

static int run(struct cli *cli)
{
    struct serve serve;
    int status;

    do {
        serve = (struct serve){ .cli = cli, .owner = { .lock = LOCK_NONE }, .log = logging_begin(cli) };
        status = live(&serve);
        cli_config_changed(cli);
    } while (status == 0 && serve.again);
    if (status == 0)
        log_event(&serve.log, LOG_AT_INFO, "stopped", log_text("version", OUTPOST_VERSION));
    return status;
}

const struct command command_serve = {
    .name = "serve",
    .takes = "",
    .does = "deliver what waits, now and from now on, and answer questions",
    .more = "SIGTERM ends it as soon as what is under way is done, for half a minute at most; SIGHUP reads the\n"
            "configuration again, and keeps the old one where the new is not good.",
    .run = run,
};
