/* Every dialogue of a folder: whole, byte by byte, cut in two at every place, and with every
 * allocation failing once. */
#include "support/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/alloc_fails.h"
#include "support/player.h"

static const char *folder;

enum { DIALOGUES_MAX = 400, CUTS_MAX = 3000 };

static struct dialogue *dialogues[DIALOGUES_MAX];
static size_t dialogue_count;

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct dialogue *const *)a)->name, (*(struct dialogue *const *)b)->name);
}

static int read_all(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[4096];
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".dlg") != 0 || dialogue_count == DIALOGUES_MAX)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (!(dialogues[dialogue_count] = dialogue_read(path)))
            return -1;
        dialogue_count++;
    }
    if (dir)
        closedir(dir);
    qsort(dialogues, dialogue_count, sizeof dialogues[0], by_name);
    return dialogue_count >= 40 ? 0 : -1; /* fewer: they were not found */
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < dialogue_count; i++)
        dialogue_free(dialogues[i]);
    return 0;
}

/* Plays all in one way; tells of every one that goes wrong, then fails. */
static void play_all(const char *how_words, const struct playing *how)
{
    size_t wrong = 0;

    for (size_t i = 0; i < dialogue_count; i++) {
        HELD(buf) complaint = BUF(1 << 16);
        if (play(dialogues[i], how, &complaint))
            continue;
        print_error("%s: %s\n", how_words, buf_text(&complaint));
        wrong++;
    }
    if (wrong)
        fail_msg("%zu of %zu dialogues went wrong", wrong, dialogue_count);
}

static void test_whole(void **state)
{
    (void)state;
    play_all("whole", &(struct playing)PLAY_WHOLE);
}

static void test_bytewise(void **state)
{
    (void)state;
    play_all("byte by byte", &(struct playing){ .bytewise = true, .cut = SIZE_MAX });
}

static void test_cut_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < dialogue_count; i++) {
        size_t places = dialogue_server_bytes(dialogues[i]);
        size_t step = places / CUTS_MAX + 1;
        for (size_t cut = 1; cut < places; cut += step) {
            HELD(buf) complaint = BUF(1 << 16);
            struct playing how = { .cut = cut };
            if (!play(dialogues[i], &how, &complaint))
                fail_msg("cut after %zu bytes: %s", cut, buf_text(&complaint));
        }
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < dialogue_count; i++) {
        size_t before = alloc_alive();
        for (unsigned n = 1;; n++) {
            struct buf complaint = BUF(0);
            struct playing how = { .cut = SIZE_MAX, .faulty = true };
            alloc_fail_at(n);
            bool good = play(dialogues[i], &how, &complaint);
            bool failed = alloc_failed();
            alloc_fail_at(0);
            buf_done(&complaint);
            check_row(dialogues[i]->name, good || failed);
            check_row(dialogues[i]->name, alloc_alive() == before);
            if (!failed)
                break;
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_bytewise),
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_no_memory),
    };
    folder = argc == 2 ? argv[1] : "tests/dialogue/client";
    return cmocka_run_group_tests(tests, read_all, free_all);
}
