#include "cli/print.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"

#include "base/banned.h"

enum { WIDTH_LEAST = 40 };

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
    fflush(stdout); /* in the order in which it was said */
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

/* Long lines are hard to read, however wide the terminal is; and a pipe has no width. */
static size_t width_of(int fd)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < WIDTH_LEAST || size.ws_col > PAGE_WIDTH)
        return PAGE_WIDTH;
    return size.ws_col;
}

struct page page_to(const struct cli *cli, bool to_stderr)
{
    return (struct page){
        .stream = to_stderr ? stderr : stdout,
        .bold = cli->color,
        .width = width_of(to_stderr ? STDERR_FILENO : STDOUT_FILENO),
    };
}

void page_heading(struct page *page, const char *text)
{
    fprintf(page->stream, page->bold ? "\n\x1b[1m%s\x1b[0m\n" : "\n%s\n", text);
}

static void wrap(struct page *page, int indent, struct span rest)
{
    struct span word;
    size_t column = 0;

    while (span_split(&rest, ' ', &word)) {
        if (column && (size_t)indent + column + 1 + word.len > page->width) {
            fprintf(page->stream, "\n%*s", indent, "");
            column = 0;
        }
        fprintf(page->stream, "%s%.*s", column ? " " : "", SPAN_ARG(word));
        column += word.len + (column > 0);
    }
    fputc('\n', page->stream);
}

void page_text(struct page *page, const char *lead, const char *text)
{
    fprintf(page->stream, "  %s", lead);
    wrap(page, (int)strlen(lead) + 2, span_of(text));
}

void page_plain(struct page *page, const char *text)
{
    struct span rest = span_of(text), line;
    HELD(buf) paragraph = BUF(8192);

    while (span_split(&rest, '\n', &line)) {
        bool flows = line.len && *line.at != ' ';
        if (flows) {
            buf_add(&paragraph, paragraph.len ? " " : "");
            buf_add_span(&paragraph, line);
        }
        if (paragraph.len && (!flows || !rest.len)) {
            wrap(page, 0, buf_span(&paragraph));
            buf_clear(&paragraph);
        }
        if (!flows)
            fprintf(page->stream, "%.*s\n", SPAN_ARG(line));
    }
}

void page_pair(struct page *page, const char *name, const char *value)
{
    char lead[16];

    snprintf(lead, sizeof lead, "%-8s", name);
    page_text(page, lead, value);
}
