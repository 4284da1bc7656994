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

bool cli_bare_world(struct cli *cli, struct transport_world *ret_world, struct err *err)
{
    const struct network *network = cli_network(cli, err);
    const struct config *config = network ? cli_config(cli, err) : NULL;

    if (!config)
        return false;
    *ret_world = (struct transport_world){
        .know = know,
        .of = cli,
        .hello = cli_hello(cli),
        .connect_timeout_ms = network->connect_timeout_ms,
        .timeout_ms = network->timeout_ms,
        .observer = cli_observer(cli),
    };
    ret_world->credentials.secrets.loop = network->loop;
    ret_world->credentials.clock = &clock_system;
    ret_world->credentials.resolver = network->resolver;
    ret_world->credentials.detours = network->detours;
    ret_world->credentials.ca_file = network->ca_file;
    ret_world->credentials.proxy = config->outpost.https_proxy;
    return true;
}

bool cli_transport_world(struct cli *cli, struct transport_world *ret_world, struct err *err)
{
    if (!cli_bare_world(cli, ret_world, err) || !cli_secrets(cli, &ret_world->credentials.secrets, err))
        return false;
    ret_world->tickets = cli_network(cli, NULL)->tickets;
    return true;
}
