#include "doctor/greeting.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#include "base/banned.h"

static void compare_greeting(const struct profile *profile, const struct doctor_step *step, struct doctor_notes *notes)
{
    const char *said = doctor_step_detail(step, "said");

    if (said && strncmp(said, "220", 3) == 0 && !profile_greets(profile, span_of(said)))
        notes_add(notes, "greeting-other", "The greeting is not %s's: something on the way may answer in its place (%.150s).",
                  profile->name, said);
}

static bool offers(struct span list, struct span word)
{
    struct span one;

    while (span_split(&list, ' ', &one))
        if (span_equal_word(one, word))
            return true;
    return false;
}

/* What was said inside TLS comes behind the handshake. */
static void compare_offers(const struct profile *profile, const struct doctor_step *step, bool inside, struct doctor_notes *notes)
{
    const struct words *known = inside ? &profile->capabilities.ehlo : &profile->capabilities.ehlo_clear;
    const char *list = doctor_step_detail(step, "offers");
    HELD(buf) missing = BUF(NOTE_TEXT_MAX / 2);

    for (size_t i = 0; list && i < known->count; i++) {
        struct span line = span_of(known->at[i]), word = span_cut(line, 0, span_find(line, ' '));
        if (!offers(span_of(list), word) && !offers(buf_span(&missing), word)) {
            buf_add(&missing, missing.len ? " " : "");
            buf_add_span(&missing, word);
        }
    }
    if (missing.len)
        notes_add(notes, "offers-less", "The server does not offer what %s does (%s): something on the way may change what it says.",
                  profile->name, buf_text(&missing));
}

void greeting_notes(const struct profile *profile, const struct doctor_step *steps, size_t count,
                    struct doctor_notes *notes)
{
    bool inside = false;

    for (size_t i = 0; profile && i < count; i++) {
        if (steps[i].state != STEP_OK)
            continue;
        inside |= steps[i].rung == RUNG_TLS;
        if (steps[i].rung == RUNG_BANNER)
            compare_greeting(profile, &steps[i], notes);
        else if (steps[i].rung == RUNG_EHLO)
            compare_offers(profile, &steps[i], inside, notes);
    }
}
