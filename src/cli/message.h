/* Messages of the queue, told to people: from the objects of control/verbs.h. */
#ifndef OUTPOST_CLI_MESSAGE_H
#define OUTPOST_CLI_MESSAGE_H

#include "base/buf.h"
#include "base/json_read.h"
#include "cli/cli.h"

/* What waits, in two lines or more: what it is, and for each group of recipients why, and what would make it go. */
void message_line(struct cli *cli, const struct json_value *row);
/* The whole story, with the next step. */
void message_story(struct cli *cli, const struct json_value *story);

/* A time of JSON as people here read it: "2026-11-25 19:30:00 +0100"; "" where there is none. */
void message_time(struct span rfc3339, struct buf *out);

#endif
