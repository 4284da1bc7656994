#include "cli/secrets.h"

#include "account/pending.h"
#include "cli/world.h"
#include "net/loop.h"

#include "base/banned.h"

/* What is at hand needs no loop. */
static bool is_at_hand(const char *source)
{
    return source && (span_is(span_of(source), "file") || span_starts(span_of(source), "systemd:"));
}

static bool world_for(struct cli *cli, const struct account *account, enum secret_which which,
                      struct secret_world *ret_world, uint64_t *ret_deadline, struct err *err)
{
    bool waits = !is_at_hand(secret_source(account, which));
    const struct network *network = waits ? cli_network(cli, err) : NULL;

    *ret_deadline = UINT64_MAX;
    if ((waits && !network) || !cli_secrets(cli, ret_world, err))
        return false;
    if (waits) {
        bool sooner = network->timeout_ms && network->timeout_ms < SECRETS_PATIENCE_MS;
        *ret_deadline = loop_now(network->loop) + (sooner ? network->timeout_ms : SECRETS_PATIENCE_MS);
    }
    return true;
}

struct waiting {
    struct secret *secret;
    struct err err;
    bool done;
};

static void fetched(void *data, struct secret *secret, const struct err *err)
{
    struct waiting *waiting = data;

    waiting->secret = secret;
    if (err)
        waiting->err = *err;
    waiting->done = true;
}

static void told(void *data, const struct err *err)
{
    fetched(data, NULL, err);
}

static bool wait_for(const struct secret_world *world, struct waiting *waiting, struct err *err)
{
    if (!waiting->done)
        loop_run_until(world->loop, &waiting->done);
    if (err && waiting->err.kind != ERR_NONE)
        *err = waiting->err;
    return waiting->err.kind == ERR_NONE;
}

bool secrets_fetch(struct cli *cli, const struct account *account, enum secret_which which,
                   struct secret **ret_secret, struct err *err)
{
    struct secret_world world;
    struct secret_fetch *fetch;
    struct waiting waiting = { 0 };
    uint64_t deadline;

    if (!world_for(cli, account, which, &world, &deadline, err) ||
        !secret_source_read(&world, account, which, deadline, fetched, &waiting, &fetch, err) ||
        !wait_for(&world, &waiting, err))
        return false;
    *ret_secret = waiting.secret;
    return true;
}

/* What waited for the account is older than what was said now. */
static bool forget_waiting(const struct secret_world *world, const struct account *account,
                           enum secret_which which, struct err *err)
{
    return which != SECRET_SIGN_IN || pending_forget(world, account->name, err);
}

bool secrets_keep(struct cli *cli, const struct account *account, enum secret_which which,
                  const struct secret *secret, struct err *err)
{
    struct secret_world world;
    struct secret_fetch *fetch;
    struct waiting waiting = { 0 };
    uint64_t deadline;

    return world_for(cli, account, which, &world, &deadline, err) &&
           secret_keep(&world, account, which, secret, deadline, told, &waiting, &fetch, err) &&
           wait_for(&world, &waiting, err) && forget_waiting(&world, account, which, err);
}

bool secrets_forget(struct cli *cli, const struct account *account, enum secret_which which,
                    struct err *err)
{
    struct secret_world world;
    struct secret_fetch *fetch;
    struct waiting waiting = { 0 };
    uint64_t deadline;

    if (!secret_is_ours(account, which))
        return true;
    return world_for(cli, account, which, &world, &deadline, err) &&
           secret_forget(&world, account, which, deadline, told, &waiting, &fetch, err) &&
           wait_for(&world, &waiting, err) && forget_waiting(&world, account, which, err);
}
