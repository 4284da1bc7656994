/* Help that is about no command: what is to be done elsewhere before outpost can do its part. */
#ifndef OUTPOST_CLI_TOPICS_H
#define OUTPOST_CLI_TOPICS_H

#include "cli/cli.h"

struct topic;

/* NULL: there is none of this name. */
const struct topic *topic_find(const char *name);
/* With --tenant and --mailbox filled in, where they were given. The exit status. */
int topic_show(const struct cli *cli, const struct topic *topic);
/* The names, a line each with what they are about. */
void topics_list(void);

#endif
