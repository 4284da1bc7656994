/* What the doctor found, told: for people, for programs, and so that it can be shown to anybody. */
#ifndef OUTPOST_CLI_DIAGNOSIS_H
#define OUTPOST_CLI_DIAGNOSIS_H

#include "cli/cli.h"
#include "cli/foreign.h"
#include "cli/patient.h"
#include "cli/remedy.h"

/* The lines of a terminal on which results appear as they come, and go when the diagnosis stands there. */
struct diagnosis_live {
    const struct cli *cli;
    size_t lines;
};
void diagnosis_live_step(struct diagnosis_live *live, const struct doctor_step *step);
void diagnosis_live_sight(struct diagnosis_live *live, const struct around_sight *sight);
void diagnosis_live_end(struct diagnosis_live *live);

/* What belongs to it, where it was asked for. */
struct diagnosis_more {
    const struct remedy *remedy;   /* --fix: what was changed */
    const struct foreign *foreign; /* --import: whose account it is */
};

/* The diagnosis first, then the ladder, then what does work from here. */
void diagnosis_tell(struct cli *cli, const struct patient *patient, const struct knowledge *know,
                    const struct doctor_report *report, const struct diagnosis_more *more);
/* The interface's object. False where stdout can't take it. */
bool diagnosis_json(struct cli *cli, const struct patient *patient, const struct knowledge *know,
                    const struct doctor_report *report, const struct diagnosis_more *more);

/* Safe to paste anywhere: built from fields that can hold nothing private - no names of people, no addresses, hosts
 * only where they are a provider's public ones, no word that a server said. In JSON where the caller asked for it. */
bool diagnosis_share(struct cli *cli, const struct doctor_report *report);

#endif
