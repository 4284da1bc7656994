/* A queue that plays from a seed for whoever pulls the plug (tests/integration/test_power_cut.py).
 *
 *     queue-player play DIR SEED             prints the number of each batch that was told to be done, until it is killed
 *     queue-player compare DIR SEED TOLD     is that what is there, or that and one batch more? Says so by its status
 */
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "acts.h"
#include "queue/sqlite.h"
#include "stage.h"

static struct store *open_store(const char *directory)
{
    struct sqlite_options options = { .directory = directory, .disk = &disk_system };
    struct store_opened opened;
    struct store *store = NULL;
    struct err err = { 0 };

    if (store_sqlite_open(&options, &store, &opened, &err))
        return store;
    printf("%s\n", err.text);
    exit(1);
}

static int play(const char *directory, uint64_t seed)
{
    struct player player = { .store = open_store(directory) };

    for (unsigned step = 0; play_batch(&player, seed, step, NULL).batch; step++) {
        printf("%u\n", step + 1);
        fflush(stdout);
    }
    return 1; /* the disk is gone: so is this process, at once */
}

static void dump_memory(uint64_t seed, unsigned batches, uint64_t now, struct buf *out)
{
    struct player player = { 0 };
    struct err err = { 0 };

    if (!store_memory_open(&player.store, &err))
        exit(1);
    for (unsigned step = 0; step < batches; step++)
        play_batch(&player, seed, step, NULL);
    play_rebirth(&player, now);
    dump(player.store, now, out);
    store_free(player.store);
}

static int compare(const char *directory, uint64_t seed, unsigned told)
{
    struct player player = { .store = open_store(directory) };
    HELD(buf) is = BUF(64 << 20);
    uint64_t now = stage_time(told + 10);
    long line = 0;

    play_rebirth(&player, now);
    dump(player.store, now, &is);
    stage_check(player.store, "checked", told);
    store_free(player.store);
    for (unsigned more = 0; more < 2; more++) {
        HELD(buf) want = BUF(64 << 20);
        dump_memory(seed, told + more, now, &want);
        line = stage_differ(&is, &want);
        if (line < 0)
            return 0;
    }
    printf("after %u batches it differs here: %.400s\n", told, buf_text(&is) + line);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "play") == 0)
        return play(argv[2], strtoull(argv[3], NULL, 10));
    if (argc == 5 && strcmp(argv[1], "compare") == 0)
        return compare(argv[2], strtoull(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10));
    return 64;
}
