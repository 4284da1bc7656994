/* What is worth knowing and breaks nothing: a word for programs, a sentence for people. Told with every diagnosis, also
 * where nothing is wrong.
 */
#ifndef OUTPOST_DOCTOR_NOTES_H
#define OUTPOST_DOCTOR_NOTES_H

#include <stddef.h>

#include "base/own.h"

enum { NOTES_MAX = 12, NOTE_TEXT_MAX = 400 };

struct doctor_note {
    const char *word;         /* static, and safe to show to anybody: "spf-without-provider" */
    char text[NOTE_TEXT_MAX]; /* a sentence; foreign text in it is made safe by whoever adds it */
};

struct doctor_notes {
    size_t count;
    struct doctor_note at[NOTES_MAX];
};

/* Once for each word; what is too much is left out. */
void notes_add(struct doctor_notes *notes, const char *word, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
