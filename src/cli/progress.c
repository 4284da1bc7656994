#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

enum { EVERY_MS = 100, FROM_BYTES = 256 * 1024, BAR = 30 };

struct progress progress_on(const struct cli *cli, const char *word)
{
    const char *term = getenv("TERM");

    return (struct progress){
        .word = word,
        .wanted = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && !cli->quiet &&
                  !cli->json && !cli->verbose,
    };
}

void progress_show(struct progress *progress, uint64_t sent, uint64_t size, uint64_t now)
{
    char bar[BAR + 1];

    if (!progress->wanted || size < FROM_BYTES)
        return;
    if (!progress->began)
        progress->began = now;
    if (progress->drawn && now - progress->last < EVERY_MS && sent < size)
        return;
    progress->last = now;
    progress->drawn = true;
    if (sent > size)
        sent = size;
    for (uint64_t i = 0; i < BAR; i++)
        bar[i] = i < BAR * sent / size ? '#' : '.';
    bar[BAR] = '\0';
    double seconds = now > progress->began ? (double)(now - progress->began) / 1000 : 0;
    fprintf(stderr, "\r  %s [%s] %3llu%%  %.1f of %.1f MB", progress->word, bar,
            (unsigned long long)(100 * sent / size), (double)sent / 1e6, (double)size / 1e6);
    if (seconds > 0.5)
        fprintf(stderr, "  %.1f MB/s", (double)sent / 1e6 / seconds);
    fputs("\x1b[K", stderr);
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\x1b[K", stderr);
    progress->drawn = false;
}
