#include "cli/owner.h"

#include "base/alloc.h"
#include "cli/looking.h"
#include "cli/transports.h"
#include "net/loop.h"
#include "net/reach.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "queue/sqlite.h"

#include "base/banned.h"

enum { UNKNOWN_MS = 15 * 60 * 1000 };

static bool take_lock(struct owner *owner, const struct place *place, bool *ret_taken, struct err *err)
{
    char *path = file_path(place->state, "lock");
    bool good = path ? lock_try(path, &owner->lock, ret_taken, err) : err_no_memory(err);

    mem_free(path);
    return good;
}

static bool open_queue(struct owner *owner, const struct place *place, struct loop *loop, struct err *err)
{
    const struct sqlite_options kept = {
        .directory = place->state,
        .disk = &disk_system,
        .reserve_percent = queue_reserve_percent(owner->settings),
    };
    const struct queue_options options = {
        .clock = &clock_system,
        .keep_history_ms = owner->settings->keep_history,
        .unknown_held = owner->settings->unknown == QUEUE_UNKNOWN_HOLD,
        .unknown_ms = UNKNOWN_MS,
    };
    struct store_opened opened;
    struct store *store = NULL;

    return store_sqlite_open(&kept, &store, &opened, err) &&
           queue_open(store, &opened, &options, &owner->queue, err) &&
           queue_port_new(owner->queue, loop, NULL, NULL, &owner->port, err);
}

bool owner_take(struct cli *cli, struct owner *ret_owner, bool *ret_taken, struct err *err)
{
    const struct config *config = cli_config(cli, err);
    const struct place *place = config ? cli_place(cli, err) : NULL;
    const struct network *network = place ? cli_network(cli, err) : NULL;
    struct owner owner = { .cli = cli, .lock = LOCK_NONE };

    *ret_taken = false;
    if (!network || !cli_state(cli, err) ||
        !take_lock(&owner, place, ret_taken, err))
        return false;
    if (!*ret_taken)
        return true;
    owner.settings = config_section(config, &queue_part, NULL);
    if (!open_queue(&owner, place, network->loop, err)) {
        owner_done(&owner);
        return false;
    }
    owner.control = (struct control){
        .queue = owner.queue,
        .port = owner.port,
        .config = config,
        .role = "command",
        .started = queue_now(owner.queue),
    };
    *ret_owner = owner;
    return true;
}

static void network_came(void *who)
{
    const struct owner *owner = who;

    if (owner->relay)
        relay_reaches(owner->relay);
}

/* Who can't be told, waits for his time. */
static void watch_network(struct owner *owner)
{
    if (!reach_watch(owner->world.credentials.secrets.loop, network_came, owner, &owner->reach, NULL))
        owner->reach = NULL;
}

static struct looking *look(void *who, const struct account *account, const struct evidence *why,
                            void (*looked)(void *of, const struct evidence *evidence), void *of)
{
    return looking_start(who, account, why, looked, of);
}

bool owner_deliver(struct owner *owner, void (*saw)(void *who, const struct relay_event *event), void *who,
                   struct err *err)
{
    const struct knowledge *rules = cli_knowledge(owner->cli, err);
    const struct place *place = cli_place(owner->cli, NULL);

    owner->control.relay = NULL;
    relay_free(GIVE(owner->relay));
    owner->control.config = cli_config(owner->cli, NULL);
    owner->settings = config_section(owner->control.config, &queue_part, NULL);
    if (!rules || !cli_transport_world(owner->cli, &owner->world, err))
        return false;
    struct relay_plan plan = {
        .queue = owner->queue,
        .config = owner->control.config,
        .know = rules,
        .world = &owner->world,
        .disk = &disk_system,
        .dice = &dice_system,
        .directory = place->state,
        .policy = ATTEMPT_USUAL,
        .saw = saw,
        .moved = owner->moved,
        .who = who,
        .looker = { owner->looks_around ? look : NULL, looking_free, owner->cli },
    };
    plan.policy.retry.give_up_ms = owner->settings->give_up_after;
    plan.policy.unknown_held = owner->settings->unknown == QUEUE_UNKNOWN_HOLD;
    if (!relay_start(&plan, &owner->relay, err))
        return false;
    owner->control.relay = owner->relay;
    if (!owner->reach)
        watch_network(owner);
    return true;
}

void owner_done(struct owner *owner)
{
    reach_free(owner->reach);
    relay_free(owner->relay);
    queue_port_free(owner->port);
    queue_free(owner->queue);
    lock_done(&owner->lock);
}
