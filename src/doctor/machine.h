/* What of this machine keeps an account's mail from going, or lets others read what they should not: the modes of its
 * files, and the room that is left for mail. Whether the configuration can be read, the keyring is open and authorities
 * are installed shows on the road, where each is needed.
 */
#ifndef OUTPOST_DOCTOR_MACHINE_H
#define OUTPOST_DOCTOR_MACHINE_H

#include "doctor/ladder.h"
#include "doctor/notes.h"
#include "know/evidence.h"
#include "os/space.h"

struct machine_place { /* borrowed; NULL: not ours to look at */
    const char *config, *drop_in, *state;
    unsigned reserve_percent; /* of the disk, that stays free (os/space.h) */
};

struct machine_sight {
    char open_config[240]; /* a configuration file that everybody on this machine can read; "" */
    bool open_state;       /* others can look into the state directory */
    bool has_space;        /* the rest is known: there is a state directory */
    struct space space;
    unsigned reserve_percent;
};

/* Looks; nothing is made. */
void machine_look(const struct machine_place *place, struct machine_sight *ret_sight);

/* ---- pure ---- */

/* Is there too little room to take mail in? *ret_evidence then says so. */
bool machine_is_full(const struct machine_sight *sight, struct evidence *ret_evidence);
void machine_notes(const struct machine_sight *sight, struct doctor_notes *notes);
/* `full`: that is what keeps the mail; NULL: it is not. */
void machine_climb(const struct machine_sight *sight, const struct evidence *full, struct ladder *ladder, uint64_t now);

#endif
