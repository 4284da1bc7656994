/* A day that is used up, by the account's own books; and notes. */
#include "support/check.h"

#include <stdio.h>

#include "doctor/books.h"
#include "doctor/notes.h"
#include "know/classify.h"
#include "support/knowledge.h"

enum { NOW = 1795389300 }; /* 2026-11-22T23:15:00Z */

static void test_used_up(void **state)
{
    static const struct {
        const char *label;
        struct doctor_books books;
        const char *text; /* NULL: it is not used up */
        const char *rung; /* NULL: none */
    } cases[] = {
        { "nobody knows", { .limit = 5, .sent = 5, .until = NOW + 60 }, NULL, NULL },
        { "no limit", { .known = true, .sent = 7 }, NULL, NULL },
        { "some of it", { .known = true, .sent = 4, .limit = 5 }, NULL, "4 5 messages" },
        { "all of it", { .known = true, .sent = 5, .limit = 5, .until = NOW + 60 },
          "all of the 5 messages that it may in a day; the next may go at 2026-11-22T23:16:00Z", "5 5 messages" },
        { "recipients", { .known = true, .sent = 9, .limit = 8, .counts_recipients = true, .until = NOW + 1 },
          "all of the 8 recipients", "9 8 recipients" },
        { "until a moment ago", { .known = true, .sent = 5, .limit = 5, .until = NOW }, NULL, "5 5 messages" },
        { "the provider said so", { .known = true, .sent = 2, .until = NOW + 60, .because = "rate_limit_daily" },
          "nothing more may go from the account until 2026-11-22T23:16:00Z", "2 - messages" },
        { "it said something else", { .known = true, .sent = 2, .limit = 5, .until = NOW + 60, .because = "concurrent_limit" },
          NULL, "2 5 messages" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct evidence evidence = { 0 };
        struct verdict verdict;
        struct ladder ladder;
        char rung[100] = "";

        ladder_begin(&ladder, 0, NULL, NULL);
        bool used_up = books_used_up(&cases[i].books, NOW, &evidence);
        check_row(cases[i].label, used_up == (cases[i].text != NULL));
        books_climb(&cases[i].books, used_up ? &evidence : NULL, &ladder, 0);
        check_row(cases[i].label, ladder.count == (cases[i].rung != NULL));
        if (ladder.count) {
            const struct doctor_step *step = &ladder.steps[0];
            const char *limit = doctor_step_detail(step, "limit");
            snprintf(rung, sizeof rung, "%s %s %s", doctor_step_detail(step, "sent"), limit ? limit : "-",
                     doctor_step_detail(step, "counts"));
            check_bytes(cases[i].label, span_of(rung), span_of(cases[i].rung));
            check_row(cases[i].label, step->rung == RUNG_LIMITS && (step->state == STEP_FAILED) == used_up);
        }
        if (!used_up)
            continue;
        check_row(cases[i].label, strstr(evidence.err.text, cases[i].text) != NULL);
        check_row(cases[i].label, evidence.wait_ms == (cases[i].books.until - NOW) * 1000);
        check_row(cases[i].label, classify(know, &evidence, &verdict) && !verdict.guess &&
                                      strcmp(verdict.cause->id, "rate_limit_daily") == 0 &&
                                      verdict.wait_ms == evidence.wait_ms);
    }
}

static void test_notes(void **state)
{
    static const char *const words[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n" };
    struct doctor_notes notes = { 0 };
    char longest[2 * NOTE_TEXT_MAX];

    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    notes_add(&notes, "a", "%s", longest);
    notes_add(&notes, "a", "again");
    assert_int_equal(notes.count, 1);
    assert_int_equal(strlen(notes.at[0].text), NOTE_TEXT_MAX - 1);
    for (size_t i = 0; i < COUNT(words); i++)
        notes_add(&notes, words[i], "%zu", i);
    assert_int_equal(notes.count, NOTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_used_up), cmocka_unit_test(test_notes) };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
