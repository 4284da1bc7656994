/* `outpost doctor --fix`: what is ours to change (cli/mending.h) is shown, asked about, proven by another look of the
 * doctor at the account as it would be, and written then - or not at all. An account in the person's own file is not
 * touched: its lines are told, with their places.
 */
#ifndef OUTPOST_CLI_REMEDY_H
#define OUTPOST_CLI_REMEDY_H

#include "base/json.h"
#include "cli/cli.h"
#include "cli/mending.h"

struct remedy {
    struct mending mending;
    const char *file; /* ours; NULL: the account stands in the person's own. Lives as long as *cli's configuration */
    bool agreed, proven, written;
};

/* Looks at this account as at the one that is ill. *ret_works: mail would go by it. */
typedef bool remedy_look(void *who, const struct account *account, bool *ret_works, struct err *err);

/* All of it. Returns the exit status: 0 where it is written and works, or signed in for next; 1 where nothing came of it;
 * 64 where a person would have to be asked and there is none. */
int remedy_apply(struct cli *cli, const struct account *account, const struct knowledge *know,
                 const struct doctor_report *report, remedy_look *look, void *who, struct remedy *ret_remedy);

/* "mended": {"changes": [{"key", "from", "to", "file", "line"}], "file", "proven", "written", "weakens",
 * "sign_in"}: as an open
 * object's member. `file` is ours, or null. */
void remedy_json(struct json *json, const struct account *account, const struct remedy *remedy);

#endif
