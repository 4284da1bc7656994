#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/failure.h"
#include "cli/help.h"
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
    cli->draws_on_stderr = drawable(STDERR_FILENO);
    cli->color = cli->terminal && !(no_color && *no_color);
    cli->may_ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO) &&
                   !arguments_has(&cli->args, "no-input");
}

/* Whoever reads JSON reads it of a mistyped line, too. */
static int wrong_usage(char **argv, const struct err *err)
{
    struct cli cli = { 0 };

    for (; *argv && strcmp(*argv, "--") != 0; argv++)
        cli.json |= strcmp(*argv, "--json") == 0;
    int status = fail_here(&cli, err);
    cli_world_done(&cli);
    return status;
}

/* What was printed is worth nothing if it did not arrive: a full disk behind a pipe is a failure. But a
 * message that went out did go out: a status that said otherwise would have it sent again. */
static int finish(int status, bool is_outcome)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror("outpost: writing to standard output");
    return status || is_outcome ? status : err_exit_status(ERR_IO);
}

static int run(const struct command *command, int argc, char **argv, const struct private_before *before)
{
    struct cli cli = { .before = *before };
    struct err err = { 0 };

    if (!arguments_read(command, argc, argv, &cli.args, &err))
        return wrong_usage(argv, &err);
    learn_manners(&cli);
    int status = arguments_has(&cli.args, "version") ? help_version()
                 : !arguments_has(&cli.args, "help") ? command->run(&cli)
                 : *command->name                    ? help_command(&cli, command)
                                                     : help_overview();
    cli_world_done(&cli);
    arguments_done(&cli.args);
    return status;
}

static size_t words_before_options(char **argv)
{
    size_t count = 0;

    while (argv[count] && argv[count][0] != '-')
        count++;
    return count;
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    struct private_before before;
    size_t used = 0;

    private_process(&before);
    mallopt(M_ARENA_MAX, 1); /* our threads wait for others; each would have an arena mapped for itself */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may grow no more is an error like a full disk */
    /* "outpost --json send ..." is "outpost send --json ...": what stood in front goes behind the words. */
    size_t front = options_in_front(argc - 1, argv + 1);
    char **words = argv + 1 + front;
    const struct command *command = help_find(words_before_options(words), (const char *const *)words,
                                              &used, &err);
    if (!command)
        return finish(wrong_usage(argv + 1, &err), false);
    memmove(argv + 1 + used, argv + 1, front * sizeof *argv);
    return finish(run(command, argc - 1 - (int)used, argv + 1 + used, &before), command->is_outcome);
}
