/* Who answers, by its own words: is the greeting one of its provider's, and does it offer what that is known to offer?
 * Where not, something on the way may speak in its place. That breaks nothing by itself, and providers change; so it is
 * a note, not a cause. Pure.
 */
#ifndef OUTPOST_DOCTOR_GREETING_H
#define OUTPOST_DOCTOR_GREETING_H

#include "doctor/notes.h"
#include "doctor/step.h"
#include "know/profile.h"

/* "greeting-other", "offers-less". `profile` is that of the server; NULL: there is nothing to compare with. */
void greeting_notes(const struct profile *profile, const struct doctor_step *steps, size_t count,
                    struct doctor_notes *notes);

#endif
