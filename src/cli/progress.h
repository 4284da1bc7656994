/* A bar on the terminal while a large message goes somewhere: on stderr, one line, gone when it is done. */
#ifndef OUTPOST_CLI_PROGRESS_H
#define OUTPOST_CLI_PROGRESS_H

#include "cli/cli.h"

struct progress {
    const char *word;
    bool wanted;        /* a person watches */
    bool drawn;
    uint64_t last, began; /* when it was drawn last, and first asked to be */
};

/* `word`: what is done to it; static. */
struct progress progress_on(const struct cli *cli, const char *word);
/* Ten times a second at most, and not at all for what is soon over. */
void progress_show(struct progress *progress, uint64_t sent, uint64_t size, uint64_t now);
void progress_clear(struct progress *progress);

#endif
