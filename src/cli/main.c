#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/help.h"
#include "cli/print.h"
#include "cli/world.h"
#include "os/private.h"

#include "base/banned.h"

static bool drawable(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

static void learn_manners(struct cli *cli)
{
    const char *no_color = getenv("NO_COLOR");

    cli->json = arguments_has(&cli->args, "json");
    cli->quiet = arguments_has(&cli->args, "quiet");
    cli->verbose = arguments_has(&cli->args, "verbose");
    cli->terminal = drawable(STDOUT_FILENO);
    cli->color = cli->terminal && !(no_color && *no_color);
    cli->may_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO) &&
                   !arguments_has(&cli->args, "no-input");
}

static int wrong_usage(const struct err *err)
{
    fprintf(stderr, "outpost: %s\n", err->text);
    return err_exit_status(err->kind);
}

/* What was printed is worth nothing if it did not arrive: a full disk behind a pipe is a failure. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror("outpost: writing to standard output");
    return status ? status : err_exit_status(ERR_IO);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct cli cli = { 0 };
    struct err err = { 0 };

    if (!arguments_read(command, argc, argv, &cli.args, &err))
        return wrong_usage(&err);
    learn_manners(&cli);
    int status = arguments_has(&cli.args, "help") ? help_command(command) : command->run(&cli);
    cli_world_done(&cli);
    arguments_done(&cli.args);
    return status;
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    size_t used = 0;

    private_process();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may grow no more is an error like a full disk */
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return finish(help_version());
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return finish(help_overview());

    const struct command *command =
        command_find((size_t)argc - 1, (const char *const *)argv + 1, &used);
    if (!command) {
        help_unknown(argv[1], &err);
        return wrong_usage(&err);
    }
    return finish(run(command, argc - 1 - (int)used, argv + 1 + used));
}
