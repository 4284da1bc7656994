/* The manual page and the shell completion, from the same rows as the help. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/help.h"

#include "base/banned.h"

/* Text as roff takes it: a backslash and a dash are themselves, no line begins with a dot or quote. */
static void roff(const char *text)
{
    bool line_start = true;

    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
        line_start = *text == '\n';
    }
}

static void option_entry(const struct option *option)
{
    puts(".TP");
    fputs("\\fB", stdout);
    if (option->letter)
        printf("\\-%c\\fR, \\fB", option->letter);
    fputs("\\-\\-", stdout);
    roff(option->name);
    fputs("\\fR", stdout);
    if (option->value) {
        fputs(" \\fI", stdout);
        roff(option->value);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    roff(option->help);
    putchar('\n');
}

static void command_entry(const struct command *command)
{
    fputs(".SS outpost ", stdout);
    roff(command->name);
    putchar(' ');
    roff(command->takes);
    putchar('\n');
    roff(command->does);
    puts(".");
    if (command->more) {
        puts(".PP");
        roff(command->more);
        putchar('\n');
    }
    for (size_t i = 0; i < command->option_count; i++)
        option_entry(&command->options[i]);
}

int help_manual(void)
{
    puts(".TH OUTPOST 1 \"\" \"outpost " OUTPOST_VERSION "\"\n"
         ".SH NAME\noutpost \\- outgoing mail that gets through\n"
         ".SH SYNOPSIS\n.B outpost\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
         ".SH DESCRIPTION\n"
         "Finds the settings of a mail provider, proves them, keeps the credentials, sends, and where\n"
         "sending fails names the one cause and the way out.\n"
         ".SH COMMANDS");
    for (size_t i = 0; i < command_count; i++)
        command_entry(commands[i]);
    puts(".SH OPTIONS OF EVERY COMMAND");
    for (size_t i = 0; i < everyday_option_count; i++)
        option_entry(&everyday_options[i]);
    puts(".SH EXIT STATUS\n"
         "0 done, 1 something found or nothing matched, 64 usage, 65 bad message or address, 66 a file\n"
         "can't be read, 67 a recipient refused, 68 host not found, 69 message or service refused,\n"
         "70 internal, 73 cannot create, 74 input or output, 75 temporary failure, 76 protocol or\n"
         "certificate, 77 sign\\-in refused, 78 configuration, 79 the outcome is unknown: the message\n"
         "went out and no answer came; do not resend blindly.\n"
         ".SH ENVIRONMENT\n"
         "OUTPOST_CONFIG, OUTPOST_STATE, OUTPOST_CONNECT_TO, OUTPOST_CA_FILE and OUTPOST_DNS stand for\n"
         "the options of these names; NO_COLOR is obeyed.\n"
         ".SH FILES\n~/.config/outpost/outpost.conf, ~/.config/outpost/outpost.conf.d/*.conf,\n"
         "~/.local/state/outpost, /etc/outpost/outpost.conf, /var/lib/outpost");
    return 0;
}

int help_completion(void)
{
    puts("# bash completion for outpost, made by: outpost help --completion\n_outpost()\n{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} words\n    case \"${COMP_WORDS[1]}\" in");
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = commands[i];
        if (!*command->name || span_find(span_of(command->name), ' ') < strlen(command->name))
            continue;
        printf("    %s) words=\"", command->name);
        for (size_t o = 0; o < command->option_count; o++)
            printf("--%s ", command->options[o].name);
        puts("\" ;;");
    }
    fputs("    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"", stdout);
    for (size_t i = 0; i < command_count; i++)
        if (*commands[i]->name)
            printf("%s ", commands[i]->name);
    fputs("\"\n    elif [ \"${cur#-}\" = \"$cur\" ]; then\n        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
          "        return\n    else\n        words=\"$words ", stdout);
    for (size_t i = 0; i < everyday_option_count; i++)
        printf("--%s ", everyday_options[i].name);
    puts("\"\n    fi\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
         "complete -F _outpost outpost");
    return 0;
}
