/* A section of the configuration shown: each key, its value, and where that comes from. */
#ifndef OUTPOST_CLI_SECTION_H
#define OUTPOST_CLI_SECTION_H

#include "account/config.h"
#include "cli/cli.h"

/* The heading and the lines, in columns; with `filled` what nobody wrote, too: defaults, and what is known
 * of the provider. A hidden value is shown as "(hidden)". */
void section_show(const struct cli *cli, const struct config_view *view, bool filled);
/* The same as JSON, a line for each key. False when stdout can't take it. */
MUST_USE bool section_json(const struct config_view *view, bool filled);
/* Has it a line to show? */
bool section_has_lines(const struct config_view *view, bool filled);

/* `outpost KIND remove NAME`: asks, unless --yes, and takes the section's file away. `what` is its name for
 * people. The exit status. */
enum { SECTION_REMOVE_OPTIONS = 1 };
extern const struct option section_remove_options[SECTION_REMOVE_OPTIONS];
int section_remove(struct cli *cli, const struct config_part *part, const char *what);

/* {"name": NAME, CHANGE: true}. False when stdout can't take it. */
bool section_changed_json(const char *name, const char *change);

/* A column's width: the widest text so far, but for what is too long for one. */
int column_width(int width, const char *text);

#endif
