#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/failure.h"
#include "cli/help.h"
#include "cli/world.h"
#include "os/memory.h"
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

static int run(const struct command *command, struct cli *cli, int argc, char **argv)
{
    struct err err = { 0 };

    if (!arguments_read(command, argc, argv, &cli->args, &err))
        return wrong_usage(argv, &err);
    learn_manners(cli);
    int status = arguments_has(&cli->args, "version") ? help_version()
                 : !arguments_has(&cli->args, "help") ? command->run(cli)
                 : *command->name                     ? help_command(cli, command)
                                                      : help_overview();
    cli_world_done(cli);
    arguments_done(&cli->args);
    return status;
}

/* "outpost --config FILE sendmail -ti" */
static int run_words(const struct command *command, struct cli *cli, int front, char **argv, char **words)
{
    bool asks = words[0] && !words[1] && strcmp(words[0], "--help") == 0;

    cli->words = words;
    cli->front = argv;
    cli->front_count = front;
    while (words[cli->word_count])
        cli->word_count++;
    return asks ? help_command(cli, command) : run(command, cli, front, argv);
}

static size_t words_before_options(char **argv)
{
    size_t count = 0;

    while (argv[count] && argv[count][0] != '-')
        count++;
    return count;
}

/* The names by which other programs call it (cli/sendmail.c becomes this one). */
static const struct command *by_name(const char *path)
{
    static const char *const names[] = { "sendmail", "mailq", "newaliases" };
    const char *slash = path ? strrchr(path, '/') : NULL;
    size_t used;

    for (size_t i = 0; path && i < COUNT(names); i++)
        if (strcmp(slash ? slash + 1 : path, names[i]) == 0)
            return command_find(1, names, &used);
    return NULL;
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    struct cli cli = { 0 };
    size_t used = 0;

    private_process(&cli.before);
    memory_heaps(1); /* our threads wait for others; each would have an arena mapped for itself */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may grow no more is an error like a full disk */
    const struct command *command = by_name(argv[0]);
    if (command)
        return finish(run_words(command, &cli, 0, argv + 1, argv + 1), command->is_outcome);
    /* "outpost --json send ..." is "outpost send --json ...": what stood in front goes behind the words. */
    size_t front = options_in_front(argc - 1, argv + 1);
    char **words = argv + 1 + front;
    command = help_find(words_before_options(words), (const char *const *)words, &used, &err);
    if (!command)
        return finish(wrong_usage(argv + 1, &err), false);
    if (command->reads_words)
        return finish(run_words(command, &cli, (int)front, argv + 1, words + used), command->is_outcome);
    memmove(argv + 1 + used, argv + 1, front * sizeof *argv);
    return finish(run(command, &cli, argc - 1 - (int)used, argv + 1 + used), command->is_outcome);
}
