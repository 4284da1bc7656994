#include "cli/help.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/print.h"

#include "base/banned.h"

int help_version(void)
{
    puts("outpost " OUTPOST_VERSION);
    return 0;
}

int help_overview(void)
{
    puts("outpost - outgoing mail that gets through\n\nusage: outpost COMMAND [OPTIONS]\n");
    for (size_t i = 0; i < command_count; i++)
        if (*commands[i]->name)
            printf("  %-16s %s\n", commands[i]->name, commands[i]->does);
    puts("\nThe first mail: outpost setup ADDRESS; then outpost send RCPT -s SUBJECT < text\n"
         "More on each: outpost help COMMAND");
    return 0;
}

static void option_line(const struct option *option)
{
    char name[64];

    snprintf(name, sizeof name, "%s%s%s", option->name, option->value ? " " : "",
             option->value ? option->value : "");
    if (option->letter)
        printf("  -%c, --%-26s %s\n", option->letter, name, option->help);
    else
        printf("      --%-26s %s\n", name, option->help);
}

int help_command(const struct command *command)
{
    printf("usage: outpost %s%s%s\n\n", command->name, *command->takes ? " " : "", command->takes);
    printf("%s\n", command->does);
    if (command->more)
        printf("\n%s\n", command->more);
    if (command->option_count)
        puts("\noptions");
    for (size_t i = 0; i < command->option_count; i++)
        option_line(&command->options[i]);
    puts("\neverywhere");
    for (size_t i = 0; i < everyday_option_count; i++)
        option_line(&everyday_options[i]);
    return 0;
}

bool help_unknown(const char *name, struct err *err)
{
    HELD(buf) shown = BUF(64);
    const char *best = NULL;
    unsigned best_distance = 3;

    str_printable(&shown, span_of(name), 40);
    for (size_t i = 0; i < command_count; i++) {
        unsigned distance = str_distance(name, commands[i]->name, 3);
        if (distance < best_distance) {
            best_distance = distance;
            best = commands[i]->name;
        }
    }
    if (best)
        return err_set(err, ERR_USAGE, "there is no command \"%s\"; did you mean \"%s\"?",
                       buf_text(&shown), best);
    return err_set(err, ERR_USAGE, "there is no command \"%s\"; see outpost help", buf_text(&shown));
}

static int run_help(struct cli *cli)
{
    struct err err = { 0 };
    size_t used;

    if (arguments_has(&cli->args, "manual"))
        return help_manual();
    if (arguments_has(&cli->args, "completion"))
        return help_completion();
    if (cli->args.operand_count == 0)
        return help_overview();
    const struct command *command =
        command_find(cli->args.operand_count, cli->args.operands, &used);
    if (command)
        return help_command(command);
    help_unknown(cli->args.operands[0], &err);
    fprintf(stderr, "outpost: %s\n", err.text);
    return err_exit_status(err.kind);
}

static const struct option options[] = {
    { 0, "manual", OPTION_FLAG, NULL, "the manual page" },
    { 0, "completion", OPTION_FLAG, NULL, "the completion for bash" },
};

const struct command command_help = {
    .name = "help",
    .takes = "[COMMAND]",
    .does = "explain a command",
    .options = options,
    .option_count = COUNT(options),
    .operands_most = 2,
    .run = run_help,
};
