/* A bar on the terminal while a large message leaves: on stderr, one line, gone when it is done. */
#ifndef OUTPOST_CLI_PROGRESS_H
#define OUTPOST_CLI_PROGRESS_H

#include "cli/cli.h"

struct progress {
    bool wanted;        /* a person watches */
    bool drawn;
    uint64_t last, began; /* when it was drawn last, and first asked to be */
};

struct progress progress_on(const struct cli *cli);
/* Ten times a second at most, and not at all for what is soon over. */
void progress_show(struct progress *progress, uint64_t sent, uint64_t size, uint64_t now);
void progress_clear(struct progress *progress);

#endif
