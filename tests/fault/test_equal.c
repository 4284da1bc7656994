/* Whatever a queue lives through, SQLite and memory tell the same of it. A seed that fails is printed: run this test
 * with it as its argument, and how many there are to be played from there as the next. */
#include "support/check.h"

#include <stdlib.h>

#include "stage.h"
#include "vfs.h"

enum { STEPS = 150 };

static uint64_t first_seed = 1, seeds = 12;

static void play_seed(uint64_t seed)
{
    SCRATCH(scratch);
    struct stage stage;
    struct err err = { 0 };

    stage_open(&stage, scratch);
    for (unsigned step = 0; step < STEPS; step++) {
        struct played played = play_batch(&stage.sqlite, seed, step, NULL);
        struct played also = play_batch(&stage.memory, seed, step, NULL);
        if (memcmp(&played, &also, sizeof played) != 0)
            fail_msg("seed %llu, step %u: they don't agree on what can be done", (unsigned long long)seed, step);
        stage_compare(&stage, stage_time(step), "played", seed, step);
        if (step % 50 == 49) {
            bool crashed;
            store_free(stage.sqlite.store);
            assert_true(stage_open_sqlite(&stage, &crashed, &err));
            assert_false(crashed);
            stage_reborn(&stage, stage_time(step));
            stage_compare(&stage, stage_time(step), "opened again", seed, step);
        }
    }
    stage_check(stage.sqlite.store, "played", STEPS);
    stage_close(&stage);
}

static void test_the_same_happens_to_both(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++)
        play_seed(seed);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_happens_to_both),
    };

    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        seeds = strtoull(argv[2], NULL, 10);
    vfs_install(); /* which syncs nothing: faster */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
