#include "cli/listening.h"

#include "cli/card.h"
#include "gateway/gateway.h"
#include "net/cert.h"
#include "os/clock.h"
#include "os/descriptors.h"
#include "os/file.h"
#include "os/random.h"

#include "base/banned.h"

enum { DESCRIPTORS_KEPT = 200 }; /* for the queue, the ways out, commands that ask, programs that are started */

/* Whoever comes beyond that is told so; without a descriptor nobody could tell them. */
static size_t most_connections(void)
{
    size_t have = descriptors_raise(GATEWAY_CONNECTIONS + DESCRIPTORS_KEPT);

    return have > 2 * DESCRIPTORS_KEPT ? have - DESCRIPTORS_KEPT : have / 2;
}

static void tell_one(struct daemon *daemon, const struct gateway_view *view)
{
    const struct listen_settings *listen = view->settings;
    HELD(buf) trust = BUF(400);

    if (view->why) {
        log_event(&daemon->log, LOG_AT_ERROR, "shut", log_text("listener", listen->name), log_text("address", listen->address),
                  log_text("why", view->why), log_text("then", "it is tried again every few seconds"));
        return;
    }
    if (view->certificate)
        buf_add(&trust, listen->tls_certificate ? listen->tls_certificate : "made here");
    log_event(&daemon->log, LOG_AT_INFO, "listens", log_text("name", listen->name), log_text("address", listen->address),
              log_number("port", view->port), log_text("security", gateway_security_word(listen->security)),
              log_text("certificate", trust.len ? buf_text(&trust) : "none"));
    for (unsigned bit = 1; bit <= LISTEN_OPEN_TO_ALL; bit <<= 1)
        if (listen_weaknesses(listen) & bit)
            log_event(&daemon->log, LOG_AT_WARN, "weak", log_text("listener", listen->name),
                      log_text("what", listen_weakness_word((enum listen_weakness)bit)),
                      log_text("why", card_weakness((enum listen_weakness)bit)));
}

static void opened(void *who, const struct gateway_view *view)
{
    tell_one(who, view);
}

bool listening_open(struct daemon *daemon, struct err *err)
{
    const struct place *place = cli_place(daemon->cli, NULL);
    const struct gateway_world world = {
        .loop = daemon->loop,
        .queue = daemon->owner.queue,
        .port = daemon->owner.port,
        .clock = &clock_system,
        .dice = &dice_system,
        .disk = &disk_system,
        .log = &daemon->log,
        .hostname = cli_machine(daemon->cli),
        .state = place->state,
        .activation = &daemon->activation,
        .unix_mode = place->scope == PLACE_SYSTEM ? 0666 : 0600,
        .connections = most_connections(),
        .opened = opened,
        .who = daemon,
    };

    if (!gateway_open(&world, cli_config(daemon->cli, NULL), &daemon->gateway, err))
        return false;
    daemon->owner.control.gateway = daemon->gateway;
    return true;
}

void listening_tell(struct daemon *daemon)
{
    struct gateway_view view;

    for (size_t at = 0; gateway_view(daemon->gateway, at, &view); at++)
        tell_one(daemon, &view);
}
