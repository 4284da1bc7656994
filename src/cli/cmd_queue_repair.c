/* outpost queue repair: a new file of what can be read of a damaged one. */
#include "base/alloc.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/world.h"
#include "os/file.h"
#include "os/lock.h"
#include "queue/sqlite.h"

#include "base/banned.h"

static void tell(struct cli *cli, const struct sqlite_mended *mended)
{
    HELD(buf) text = BUF(400);
    struct json json = json_to(&text);

    if (cli->json) {
        json_open(&json, NULL, '{');
        json_number(&json, "messages", mended->messages);
        json_number(&json, "held", mended->held);
        json_number(&json, "history", mended->history);
        json_number(&json, "unreadable", mended->places);
        json_text(&json, "kept", mended->kept);
        json_close(&json);
        say_json(&text);
        return;
    }
    say(cli, "%llu waiting message%s whole, and %llu that %s over.", (unsigned long long)mended->messages,
        mended->messages == 1 ? " is" : "s are", (unsigned long long)mended->history, mended->history == 1 ? "is" : "are");
    if (mended->held)
        say(cli, "Of %llu a part is missing: they are held (outpost queue --state held).", (unsigned long long)mended->held);
    if (mended->places)
        say(cli, "In %llu place%s nothing could be read.", (unsigned long long)mended->places,
            mended->places == 1 ? "" : "s");
    say(cli, "The old file is kept beside it: %s", mended->kept);
}

/* Nobody else may have it meanwhile. */
static bool mend(const char *state, struct sqlite_mended *ret_mended, struct err *err)
{
    const struct sqlite_options options = { .directory = state, .disk = &disk_system };
    struct lock lock = LOCK_NONE;
    char *path = file_path(state, "lock");
    bool taken = false;
    bool ok = path ? lock_try(path, &lock, &taken, err) : err_no_memory(err);

    mem_free(path);
    if (ok && !taken)
        ok = err_found(err, ERR_LATER, "store:locked", "outpost is running, and has the queue open: stop it first");
    ok = ok && store_sqlite_mend(&options, ret_mended, err);
    lock_done(&lock);
    return ok;
}

static int run(struct cli *cli)
{
    struct err err = { 0 };
    struct sqlite_mended mended;
    const struct place *place = cli_may_manage(cli, &err) ? cli_place(cli, &err) : NULL;
    char *path = place ? file_path(place->state, "queue.db") : NULL;
    bool there = path && file_exists(path);

    mem_free(path);
    if (place && path && !there) {
        say(cli, "There is no queue.");
        return 1;
    }
    if (!there || !cli_state(cli, &err) || !mend(place->state, &mended, &err))
        return fail_here(cli, &err);
    tell(cli, &mended);
    return 0;
}

const struct command command_queue_repair = {
    .name = "queue repair",
    .takes = "",
    .does = "carry what can be read of a damaged queue into a new file",
    .run = run,
};
