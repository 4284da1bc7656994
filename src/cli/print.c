#include "cli/print.h"

#include <stdio.h>

#include "base/str.h"

#include "base/banned.h"

enum { WIDTH = 92 };

static bool silent(const struct cli *cli)
{
    return cli->quiet || cli->json;
}

void say(const struct cli *cli, const char *format, ...)
{
    va_list args;

    if (silent(cli))
        return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void say_heading(const struct cli *cli, const char *format, ...)
{
    va_list args;

    if (silent(cli))
        return;
    va_start(args, format);
    if (cli->color)
        fputs("\x1b[1m", stdout);
    vprintf(format, args);
    if (cli->color)
        fputs("\x1b[0m", stdout);
    va_end(args);
    putchar('\n');
}

void note(const struct cli *cli, const char *format, ...)
{
    va_list args;

    if (cli->quiet)
        return;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

bool say_json(const struct buf *json)
{
    if (json->full)
        return false;
    return fputs(buf_text(json), stdout) >= 0 && putchar('\n') != EOF;
}

void say_wrapped(const struct cli *cli, unsigned indent, const char *first, const char *text)
{
    struct span rest = span_of(text), word;
    size_t column = indent;

    if (silent(cli))
        return;
    printf("%*s", (int)indent, first);
    for (bool begun = false; span_split(&rest, ' ', &word); begun = true) {
        if (begun && column + 1 + word.len > WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (begun) {
            putchar(' ');
            column++;
        }
        printf("%.*s", SPAN_ARG(word));
        column += word.len;
    }
    putchar('\n');
}
