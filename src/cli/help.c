#include "cli/help.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/topics.h"

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
    puts("\nBesides, outpost help tells of");
    topics_list();
    puts("\nThe first mail: outpost setup ADDRESS; then outpost send RCPT -s SUBJECT < text\n"
         "More on each: outpost help COMMAND");
    return 0;
}

enum { OPTION_NAME = 26 };

/* A long name has a line of its own. */
static void option_line(struct page *page, const struct option *option)
{
    char letter[] = { '-', option->letter, ',', ' ', '\0' };
    char name[64], lead[100];

    snprintf(name, sizeof name, "%s%s%s", option->name, option->value ? " " : "",
             option->value ? option->value : "");
    snprintf(lead, sizeof lead, "%4s--%-*s ", option->letter ? letter : "", OPTION_NAME, name);
    if (strlen(name) > OPTION_NAME) {
        printf("  %s\n", lead);
        snprintf(lead, sizeof lead, "%*s", OPTION_NAME + 7, "");
    }
    page_text(page, lead, option->help);
}

int help_command(const struct cli *cli, const struct command *command)
{
    struct page page = page_to(cli, false);

    printf("usage: outpost %s%s%s\n\n", command->name, *command->takes ? " " : "", command->takes);
    printf("%s\n", command->does);
    if (command->more) {
        puts("");
        page_plain(&page, command->more);
    }
    if (command->option_count)
        puts("\noptions");
    for (size_t i = 0; i < command->option_count; i++)
        option_line(&page, &command->options[i]);
    puts("\neverywhere");
    for (size_t i = 0; i < everyday_option_count; i++)
        option_line(&page, &everyday_options[i]);
    return 0;
}

/* What was meant to be the name: two words, where the first alone is a family's. */
static void name_asked_for(size_t count, const char *const *words, bool family, struct buf *out)
{
    str_printable(out, span_of(words[0]), 40);
    if (family && count > 1) {
        buf_add_char(out, ' ');
        str_printable(out, span_of(words[1]), 40);
    }
}

static void unknown(const char *name, struct err *err)
{
    const char *best = NULL;
    unsigned best_distance = 3;

    for (size_t i = 0; i < command_count; i++) {
        unsigned distance = str_distance(name, commands[i]->name, 3);
        if (*commands[i]->name && distance < best_distance) {
            best_distance = distance;
            best = commands[i]->name;
        }
    }
    if (best)
        err_set(err, ERR_USAGE, "there is no command \"%s\"; did you mean \"%s\"?", name, best);
    else
        err_set(err, ERR_USAGE, "there is no command \"%s\"; see outpost help", name);
}

const struct command *help_find(size_t count, const char *const *words, size_t *ret_used,
                                struct err *err)
{
    const struct command *command = command_find(count, words, ret_used);
    HELD(buf) name = BUF(400);

    if (command && (command->operands_most || *ret_used == count))
        return command;
    name_asked_for(count, words, command != NULL, &name);
    unknown(buf_text(&name), err);
    return NULL;
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
    /* "outpost help help microsoft-app", too: a step out of a failure reads so. */
    size_t last = cli->args.operand_count - 1;
    bool named = last == 0 || strcmp(cli->args.operands[0], "help") == 0;
    const struct topic *topic = named ? topic_find(cli->args.operands[last]) : NULL;
    if (topic)
        return topic_show(cli, topic);
    const struct command *command =
        help_find(cli->args.operand_count, cli->args.operands, &used, &err);
    return command ? help_command(cli, command) : fail_here(cli, &err);
}

static const struct option options[] = {
    { 0, "manual", OPTION_FLAG, NULL, "the manual page" },
    { 0, "completion", OPTION_FLAG, NULL, "the completion for bash" },
    { 0, "tenant", OPTION_VALUE, "DOMAIN", "fill it in: the organisation's domain" },
    { 0, "mailbox", OPTION_VALUE, "ADDRESS", "fill it in: the mailbox that sends" },
};

const struct command command_help = {
    .name = "help",
    .takes = "[COMMAND | TOPIC]",
    .does = "explain a command, or a topic: microsoft-app, google-app",
    .options = options,
    .option_count = COUNT(options),
    .operands_most = 2,
    .run = run_help,
};
