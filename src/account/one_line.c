#include "account/one_line.h"

#include <stdio.h>

#include "net/command.h"

#include "base/banned.h"

enum { PROGRAM_SHOWN = 60 };

/* The program's name alone: its words may be nobody's business. */
static void name_program(struct span line, char name[PROGRAM_SHOWN])
{
    struct command command;

    name[0] = '\0';
    if (!command_parse(line, &command, NULL))
        return;
    const char *slash = strrchr(command.argv[0], '/');
    snprintf(name, PROGRAM_SHOWN, " %.50s", slash ? slash + 1 : command.argv[0]);
    command_done(&command);
}

static bool say(const struct account *account, const char *what, struct err *err)
{
    static const char front[] = "command:";
    struct span source = span_of(account->secret ? account->secret : "");
    bool token = account->auth != ACCOUNT_AUTH_PASSWORD, command = span_starts(source, front);
    char program[PROGRAM_SHOWN] = "";

    if (command)
        name_program(span_from(source, strlen(front)), program);
    return err_found(err, ERR_SIGNIN, token ? "secret:no-token" : "secret:unreadable", "account %s: its secret%s%s %s %s",
                     account->name, command ? ": the command" : "", program, command ? "printed" : "has", what);
}

bool one_line(const struct account *account, const struct secret *secret, struct err *err)
{
    struct span rest = secret_bytes(secret);
    /* Of a refresh token RFC 6749 lets blanks be a part (A.17); what goes behind "Bearer" has none (RFC 6750, 2.1). */
    bool token = account->auth != ACCOUNT_AUTH_PASSWORD;
    bool blank = account->auth == ACCOUNT_AUTH_TOKEN && span_find(rest, ' ') < rest.len;
    char what[80];
    size_t lines = 1;

    if (token && rest.len && (rest.at[0] == '{' || rest.at[0] == '['))
        return say(account, "JSON; the token alone is wanted", err);
    for (size_t i = 0; i < rest.len; i++)
        lines += rest.at[i] == '\n';
    if (lines > 1) {
        snprintf(what, sizeof what, "%zu lines; one is wanted%s", lines, token ? ", the token alone" : "");
        return say(account, what, err);
    }
    return !blank || say(account, "several words; the token alone is wanted", err);
}
