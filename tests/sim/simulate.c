/* Gateway, queue and relay in one thread, from a seed: a made-up network, clock and disk, with faults and crashes.
 *
 *     simulate                       as many seeds as the test run has
 *     simulate --seeds 10000         from the first on
 *     simulate --first 301 --seeds 50
 *     simulate --seed 4711           this one, twice: is it the same both times? Then told step by step
 *     simulate --outage 720          nothing goes wrong but that every provider is away for so many minutes: what came in
 *                                    before and meanwhile leaves by itself soon after
 *
 * Prints the seeds that failed, and what broke. The same seed does the same, as long as the program is the same.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "books.h"
#include "clockwork.h"
#include "files.h"
#include "judge.h"
#include "letters.h"
#include "machine.h"
#include "network.h"
#include "provider.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"

enum {
    SEEDS = 300,
    TWICE_EVERY = 10,         /* one of so many is played twice */
    STEPS_MAX = 2 * 1000 * 1000,
    LOOK_EVERY = HOUR,        /* for the end */
    WATCH_EVERY = 30 * MINUTE, /* over what waits too long */
    END_WITHIN_DAYS = 120,
    BEFORE_OUTAGE = 10 * MINUTE,
    OUTAGE_END_WITHIN = 14 * MINUTE, /* an account waits ten after a broken line, and a quarter of it more, at most */
};

static char playing[100]; /* said where the program ends by a signal */

static void died(int number)
{
    if (write(STDERR_FILENO, playing, strlen(playing)) < 0)
        _exit(1);
    signal(number, SIG_DFL);
    raise(number);
}

/* A run ----------------------------------------------------------------------------------------------------------- */

static struct {
    uint64_t outage; /* of all providers; 0: none that is planned */
    struct event change, behave, look, leave, watch;
    bool behaves, over;
    uint64_t patience; /* until when all must be over */
} run;

/* From when all is well until nothing may be left. */
static uint64_t patience(void)
{
    return run.outage ? OUTAGE_END_WITHIN : END_WITHIN_DAYS * (uint64_t)DAY;
}

static uint64_t look_every(void)
{
    return run.outage ? MINUTE : LOOK_EVERY;
}

/* Somebody sets the wall's clock while outpost runs: nothing may come of it. */
static void set_clock(void *of)
{
    (void)of;
    if (!machine_runs()) {
        event_set(&run.change, sim_now() + MINUTE);
        return;
    }
    int64_t by = (int64_t)sim_below(60 * (uint64_t)DAY) - 30 * (int64_t)DAY;

    machine_set_wall(by);
    if (sim_chance(50))
        event_set(&run.change, sim_now() + sim_below(DAY));
}

static void behave(void *of)
{
    (void)of;
    sim_trace("from now on all is well");
    run.behaves = true;
    network_faults(0);
    providers_behave();
    machine_behave();
    run.patience = sim_now() + patience();
    event_set(&run.look, sim_now() + look_every());
}

static void look(void *of)
{
    (void)of;
    run.over = (machine_runs() && letters_are_in() && judge_all_over()) || sim_now() > run.patience;
    machine_release();
    event_set(&run.look, sim_now() + look_every());
}

static void watch(void *of)
{
    (void)of;
    judge_watch(machine_up_for());
    event_set(&run.watch, sim_now() + WATCH_EVERY);
}

static void leave(void *of)
{
    (void)of;
    sim_trace("every provider goes away");
    providers_leave();
}

static void begin_outage(struct loop *outside)
{
    const struct machine_plan plan = { .is_sqlite = sim_chance(10) };

    books_begin(true);
    books.calm = true;
    judge_begin();
    network_begin(0);
    providers_begin(outside, 0);
    letters_begin(outside, (unsigned)sim_between(10, 60), BEFORE_OUTAGE + run.outage);
    machine_begin(&plan);
    event_set(&run.leave, sim_now() + BEFORE_OUTAGE);
    event_set(&run.behave, sim_now() + BEFORE_OUTAGE + run.outage);
}

static void begin_chance(struct loop *outside)
{
    unsigned faults = sim_chance(20) ? 0 : 5;
    uint64_t within = sim_between(HOUR, 3 * DAY);
    const struct machine_plan plan = {
        .is_sqlite = sim_chance(10),
        .unknown_held = sim_chance(25),
        .disk_faults = sim_chance(30) ? (unsigned)sim_between(1, 5) : 0,
        .stops = sim_chance(30) ? 0 : (unsigned)sim_between(1, 6),
        .within = within / 3,
    };

    books_begin(false);
    books.calm = !faults && !plan.stops;
    judge_begin();
    network_begin(faults);
    providers_begin(outside, faults);
    letters_begin(outside, (unsigned)sim_between(1, sim_chance(10) ? LETTERS_MAX : 30), within);
    machine_begin(&plan);
    event_set(&run.behave, sim_now() + within * 2);
    event_set(&run.watch, sim_now() + WATCH_EVERY);
    if (sim_chance(30))
        event_set(&run.change, sim_now() + sim_below(within));
}

static void begin_run(struct loop *outside)
{
    uint64_t outage = run.outage;

    memset(&run, 0, sizeof run);
    run.outage = outage;
    run.change.happen = set_clock;
    run.behave.happen = behave;
    run.look.happen = look;
    run.leave.happen = leave;
    run.watch.happen = watch;
    (outage ? begin_outage : begin_chance)(outside);
}

static void play(void)
{
    struct loop *outside = NULL;
    unsigned steps = 0;

    if (!loop_new(&outside, NULL))
        abort();
    network_loop_base(outside, 1);
    begin_run(outside);
    while (!run.over && !sim_what_broke() && sim_step()) {
        machine_look();
        if (++steps == STEPS_MAX)
            sim_broken("it never comes to an end");
    }
    if (!sim_what_broke())
        judge_end();
    machine_end();
    letters_end();
    providers_end();
    loop_free(outside);
}

/* What its end leaves behind is a promise, too. */
static void play_seed(uint64_t seed, bool shows)
{
    size_t alive = alloc_alive();

    snprintf(playing, sizeof playing, "seed %llu ends the program\n", (unsigned long long)seed);
    sim_begin(seed, shows);
    play();
    if (alloc_alive() != alive)
        sim_broken("%zu blocks of memory are left", alloc_alive() - alive);
    if (network_alive())
        sim_broken("%u things of the network are left", network_alive());
    sim_end();
}

/* Runs ------------------------------------------------------------------------------------------------------------ */

static bool is_good(uint64_t seed, bool shows, bool twice)
{
    play_seed(seed, false);
    uint64_t hash = sim_trace_hash();
    bool good = !sim_what_broke();

    if (!good)
        printf("seed %llu: %s\n", (unsigned long long)seed, sim_what_broke());
    if (!twice)
        return good;
    play_seed(seed, shows);
    if (sim_trace_hash() == hash)
        return good;
    printf("seed %llu: the second time it was another run\n", (unsigned long long)seed);
    return false;
}

static int usage(void)
{
    fputs("simulate [--outage MINUTES] [--seeds N] [--first N] | simulate [--outage MINUTES] --seed N\n", stderr);
    return 64;
}

static int play_all(uint64_t first, uint64_t count, bool one)
{
    uint64_t bad = 0;

    for (uint64_t seed = first; seed < first + count; seed++)
        bad += !is_good(seed, one, one || seed % TWICE_EVERY == 0);
    bool saw_all = one || run.outage || sim_tallies();
    printf("%llu seeds, %llu failed\n", (unsigned long long)count, (unsigned long long)bad);
    if (bad && !one)
        puts("simulate --seed N tells one of them step by step");
    if (count >= SEEDS && !saw_all)
        puts("something never happened: nothing was proven of it");
    return bad || (count >= SEEDS && !saw_all) ? 1 : 0;
}

int main(int argc, char **argv)
{
    uint64_t first = 1, count = SEEDS;
    bool one = false;
    SCRATCH(scratch);

    mallopt(M_TRIM_THRESHOLD, 1 << 30); /* memory is not given back from run to run */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    setvbuf(stdout, NULL, _IOLBF, 0);

    for (int i = 1; i < argc; i += 2) {
        uint64_t number = i + 1 < argc ? strtoull(argv[i + 1], NULL, 10) : 0;
        if (!number)
            return usage();
        if (strcmp(argv[i], "--seeds") == 0)
            count = number;
        else if (strcmp(argv[i], "--first") == 0)
            first = number;
        else if (strcmp(argv[i], "--outage") == 0)
            run.outage = number * MINUTE;
        else if (strcmp(argv[i], "--seed") == 0)
            first = number, count = 1, one = true;
        else
            return usage();
    }
    signal(SIGABRT, died);
    signal(SIGSEGV, died);
    signal(SIGALRM, died);
    files_install();
    machines_begin(scratch);
    int status = play_all(first, count, one);
    machines_end();
    return status;
}
