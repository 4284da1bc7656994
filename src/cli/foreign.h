/* `outpost doctor --import FILE`: an account of another mail program, in memory. Its files are read, nothing is written,
 * nothing is run but, after a question, the command that it has for its password; and that only where nobody else could
 * have written it.
 */
#ifndef OUTPOST_CLI_FOREIGN_H
#define OUTPOST_CLI_FOREIGN_H

#include "cli/patient.h"
#include "discover/import.h"

struct foreign {
    struct import *import; /* NULL: nobody asked for one */
    struct account *account;
    const struct import_account *from; /* of `import` */
    bool is_trusted;                   /* nobody but root and us may write its file */
    const char *why_no_sign_in;        /* it is looked at without; NULL: it signs in */
};

/* Reads --import (and --from), chooses the account by the operand - its name there, its address -, and makes *patient of it.
 * ERR_USAGE, ERR_CONFIG, or why the file can't be read. */
MUST_USE bool foreign_find(struct cli *cli, struct foreign *ret_foreign, struct patient *patient, struct err *err);
void foreign_done(struct foreign *foreign);

/* The secret that came with it, for the world of its sign-in. */
struct secret_in_hand foreign_secret(const struct foreign *foreign);

/* What would mend it, in that program's words; and what of its files was not taken. */
void foreign_tell(struct cli *cli, const struct foreign *foreign, const struct knowledge *know,
                  const struct doctor_report *report);
/* "import": {"kind", "account", "signs_in", "steps": [], "notes": [{"file", "line", "what", "why"}]} of an open object. */
void foreign_json(struct json *json, const struct foreign *foreign, const struct knowledge *know,
                  const struct doctor_report *report);

#endif
