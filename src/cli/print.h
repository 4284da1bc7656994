/* How outpost speaks: plain lines in a pipe, some bold on a terminal, JSON where asked.
 *
 * A failure is one line "outpost: what: why (cause-id)" on stderr and, on a terminal, the way out;
 * with --json the failure object of the interface on stdout. Foreign text is made safe before.
 */
#ifndef OUTPOST_CLI_PRINT_H
#define OUTPOST_CLI_PRINT_H

#include "base/buf.h"
#include "cli/cli.h"
#include "know/evidence.h"

/* A line to stdout; nothing when quiet or when JSON was asked for. */
void say(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same in bold, where that is welcome. */
void say_heading(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* A line to stderr that is no failure: what goes on, what to mind. Nothing when quiet. */
void note(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* A finished JSON text and a line end to stdout. False when stdout can't take it. */
bool say_json(const struct buf *json);

/* A page of explanation for a person, on either stream: wrapped, indented by two, in plain lines. */
struct page {
    void *stream; /* a FILE */
    bool bold;
    size_t width; /* columns: the terminal's, PAGE_WIDTH at most */
};

enum { PAGE_WIDTH = 92 };

struct page page_to(const struct cli *cli, bool to_stderr);
void page_heading(struct page *page, const char *text);
/* Wrapped text behind a lead ("1. "), under which its further lines are aligned. */
void page_text(struct page *page, const char *lead, const char *text);
/* Paragraphs, wrapped anew and not indented; lines that begin with a blank, and empty ones, as they are. */
void page_plain(struct page *page, const char *text);
/* "  Who    the provider" */
void page_pair(struct page *page, const char *name, const char *value);

#endif
