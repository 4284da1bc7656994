#include "cli/transports.h"

#include <stdio.h>

#include "base/str.h"
#include "os/clock.h"

#include "base/banned.h"

static void show_line(void *who, enum session_sight sight, enum stage stage, struct span text, uint64_t now)
{
    static const char *const marks[] = { "*", ">", "<" };
    HELD(buf) line = BUF(4000);

    (void)who;
    (void)stage;
    (void)now;
    str_printable(&line, text, 2000);
    fprintf(stderr, "%s %s\n", marks[sight], buf_text(&line));
}

static const struct knowledge *know(void *of)
{
    return cli_knowledge(of, NULL);
}

struct session_observer cli_observer(struct cli *cli)
{
    return (struct session_observer){ .saw = cli->verbose ? show_line : NULL, .who = cli };
}

bool cli_transport_world(struct cli *cli, struct transport_world *ret_world, struct err *err)
{
    const struct network *network = cli_network(cli, err);
    const struct config *config = network ? cli_config(cli, err) : NULL;
    struct transport_world world = { .know = know, .of = cli };

    if (!config || !cli_secrets(cli, &world.credentials.secrets, err))
        return false;
    world.credentials.clock = &clock_system;
    world.credentials.resolver = network->resolver;
    world.credentials.detours = network->detours;
    world.credentials.ca_file = network->ca_file;
    world.credentials.proxy = config->outpost.https_proxy;
    world.hello = cli_hello(cli);
    world.tickets = network->tickets;
    world.connect_timeout_ms = network->connect_timeout_ms;
    world.timeout_ms = network->timeout_ms;
    world.observer = cli_observer(cli);
    *ret_world = world;
    return true;
}
