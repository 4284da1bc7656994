/* A machine's files and its disk. */
#include "support/check.h"

#include <stdio.h>
#include <sys/stat.h>

#include "doctor/machine.h"
#include "know/classify.h"
#include "support/knowledge.h"
#include "support/scratch.h"

static void test_full(void **state)
{
    static const struct {
        const char *label;
        struct space space;
        bool known;
        unsigned reserve;
        const char *text; /* NULL: there is room */
    } cases[] = {
        { "room", { 1000, 500, 1000, 500 }, true, 5, NULL },
        { "just enough", { 1000, 50, 0, 0 }, true, 5, NULL },
        { "too little", { 1000, 49, 0, 0 }, true, 5, "4 % of the disk with the queue is free, and below 5 %" },
        { "too few files", { 1000, 500, 1000, 10 }, true, 5, "1 % of the disk" },
        { "nothing is kept free", { 1000, 0, 0, 0 }, true, 0, NULL },
        { "nobody knows", { 1000, 0, 0, 0 }, false, 5, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct machine_sight sight = { .has_space = cases[i].known, .space = cases[i].space,
                                             .reserve_percent = cases[i].reserve };
        struct evidence evidence;
        struct verdict verdict;
        struct ladder ladder;

        bool full = machine_is_full(&sight, &evidence);
        check_row(cases[i].label, full == (cases[i].text != NULL));
        ladder_begin(&ladder, 0, NULL, NULL);
        machine_climb(&sight, full ? &evidence : NULL, &ladder, 0);
        check_row(cases[i].label, ladder.count == cases[i].known);
        check_row(cases[i].label, !ladder.count || (ladder.steps[0].state == STEP_FAILED) == full);
        if (!full)
            continue;
        check_row(cases[i].label, strstr(evidence.err.text, cases[i].text) != NULL);
        check_row(cases[i].label, classify(know, &evidence, &verdict) && strcmp(verdict.cause->id, "disk_full") == 0);
    }
}

static void test_modes(void **state)
{
    static const struct {
        const char *label;
        mode_t config, drop_in, state;
        const char *notes;
    } cases[] = {
        { "as they should be", 0600, 0600, 0700, "" },
        { "a group of the owner's", 0640, 0640, 0700, "" },
        { "everybody reads", 0644, 0600, 0700, "config-readable" },
        { "everybody reads a part", 0600, 0604, 0700, "config-readable" },
        { "everybody looks in", 0600, 0600, 0755, "state-readable" },
        { "a group looks in", 0600, 0600, 0750, "state-readable" },
        { "both", 0644, 0644, 0777, "config-readable state-readable" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        SCRATCH(dir);
        const char *parts = scratch_path(dir, "outpost.conf.d"), *own = scratch_path(dir, "state");
        struct machine_place place = { .config = scratch_file(dir, "outpost.conf", "x", cases[i].config), .drop_in = parts,
                                       .state = own, .reserve_percent = 0 };
        struct machine_sight sight;
        struct doctor_notes notes = { 0 };
        char words[100] = "";

        assert_true(mkdir(parts, 0700) == 0 && mkdir(own, 0700) == 0 && chmod(own, cases[i].state) == 0);
        scratch_file(dir, "outpost.conf.d/a.conf", "x", cases[i].drop_in);
        machine_look(&place, &sight);
        machine_notes(&sight, &notes);
        for (size_t k = 0; k < notes.count; k++)
            snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", k ? " " : "", notes.at[k].word);
        check_bytes(cases[i].label, span_of(words), span_of(cases[i].notes));
        check_row(cases[i].label, sight.has_space);
    }

    const struct machine_place nowhere = { "/nowhere/a", "/nowhere/a.d", "/nowhere/state", 5 };
    struct machine_sight sight;
    machine_look(&nowhere, &sight);
    assert_true(!sight.open_config[0] && !sight.open_state && !sight.has_space);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_full), cmocka_unit_test(test_modes) };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
