#include "doctor/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

void notes_add(struct doctor_notes *notes, const char *word, const char *format, ...)
{
    struct doctor_note *note = &notes->at[notes->count];
    va_list values;

    for (size_t i = 0; i < notes->count; i++)
        if (strcmp(notes->at[i].word, word) == 0)
            return;
    if (notes->count == NOTES_MAX)
        return;
    note->word = word;
    va_start(values, format);
    vsnprintf(note->text, sizeof note->text, format, values);
    va_end(values);
    notes->count++;
}
