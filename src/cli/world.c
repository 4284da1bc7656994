#include "cli/world.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/logging.h"
#include "gateway/settings.h"
#include "intake/local.h"
#include "know/embedded.h"
#include "mail/address.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "os/file.h"
#include "os/random.h"
#include "os/rights.h"
#include "relay/notify.h"
#include "relay/settings.h"

#include "base/banned.h"

enum { PROFILE_FILE_MAX = 1024 * 1024, OVERRIDES_MAX = 1000, DETOURS_MAX = 64 };

struct cli_world {
    struct place *place;
    struct knowledge *know, *profiles, *built_in;
    struct config *config;
    struct network network;
    bool networked;
    struct dial_detour detours[DETOURS_MAX];
    char hostname[256];
};

static struct cli_world *world_of(struct cli *cli, struct err *err)
{
    if (!cli->world && !(cli->world = NEW(cli_world)))
        err_no_memory(err);
    return cli->world;
}

const struct place *cli_place(struct cli *cli, struct err *err)
{
    struct cli_world *world = world_of(cli, err);
    struct place_wish wish = {
        .config = arguments_text(&cli->args, "config"),
        .state = arguments_everyday(&cli->args, "state"),
        .user_scope = arguments_has(&cli->args, "user"),
        .system_scope = arguments_has(&cli->args, "system"),
        .begins = cli->args.command && strcmp(cli->args.command->name, "setup") == 0,
    };
    const struct place_asker asker = place_asker();

    if (!world || world->place)
        return world ? world->place : NULL;
    return place_find(&wish, &asker, &world->place, err) ? world->place : NULL;
}

/* ---- what is known ---- */

struct overrides {
    struct knowledge_text *texts;
    size_t count, built_in;
};

static void overrides_done(struct overrides *o)
{
    for (size_t i = o->built_in; i < o->count; i++)
        mem_free((void *)(uintptr_t)o->texts[i].text.at);
    mem_free(o->texts);
}

static bool add_override(struct overrides *o, const char *directory, const char *name,
                         struct err *err)
{
    HELD(buf) text = BUF(PROFILE_FILE_MAX);
    char *path = file_path(directory, name);

    if (!path)
        return err_no_memory(err);
    bool read = file_read(&disk_system, path, PROFILE_FILE_MAX, FILE_TRUSTED, &text, err);
    size_t len = text.len;
    char *owned = read ? buf_give(&text) : NULL;
    mem_free(path);
    if (!owned)
        return read ? err_no_memory(err) : false;
    o->texts[o->count++] = (struct knowledge_text){ name, { owned, len } };
    return true;
}

static bool load_overrides(const struct place *place, struct file_names *names, size_t most,
                           struct overrides *o, struct err *err)
{
    const struct knowledge_text *built_in = know_embedded(&o->built_in);

    o->texts = mem_array(o->built_in + most, sizeof *o->texts);
    if (!o->texts)
        return err_no_memory(err);
    memcpy(o->texts, built_in, o->built_in * sizeof *o->texts);
    o->count = o->built_in;
    for (size_t d = 0; place && place->providers[d]; d++)
        for (size_t i = 0; i < names[d].count; i++)
            if (!add_override(o, place->providers[d], names[d].at[i], err))
                return false;
    return true;
}

const struct knowledge *cli_knowledge(struct cli *cli, struct err *err)
{
    const struct place *place = cli_place(cli, err);
    struct overrides overrides = { 0 };
    struct file_names names[COUNT(place->providers)] = { 0 };
    size_t most = 0;
    bool good = place != NULL;

    if (!good || cli->world->know)
        return good ? cli->world->know : NULL;
    for (size_t d = 0; good && place->providers[d]; d++) {
        good = file_list(place->providers[d], ".ini", &names[d], err);
        most += names[d].count;
    }
    if (good && most > OVERRIDES_MAX)
        good = err_set(err, ERR_CONFIG, "%zu provider files are more than %d", most, OVERRIDES_MAX);
    if (good)
        good = load_overrides(place, names, most, &overrides, err) &&
               know_new(overrides.texts, overrides.count, &cli->world->know, err);
    overrides_done(&overrides);
    for (size_t d = 0; d < COUNT(names); d++)
        file_names_done(&names[d]);
    return good ? cli->world->know : NULL;
}

const struct knowledge *cli_built_in(struct cli *cli, struct err *err)
{
    struct cli_world *world = world_of(cli, err);
    size_t count = 0;
    const struct knowledge_text *texts = know_embedded(&count);

    if (!world || world->built_in)
        return world ? world->built_in : NULL;
    return know_new(texts, count, &world->built_in, err) ? world->built_in : NULL;
}

/* ---- the configuration ---- */

/* What an owner wrote may stand in any order; then all of it is read. */
static bool owner_has_files(const struct place *place)
{
    bool some = false;

    for (size_t d = 0; place->providers[d]; d++) {
        struct file_names names = { 0 };
        some |= !file_list(place->providers[d], ".ini", &names, NULL) || names.count;
        file_names_done(&names);
    }
    return some;
}

static bool read_few(const struct config *config, struct knowledge **ret_know, struct err *err)
{
    size_t count = 0, name_count = CONFIG_NAMES * config->account_count;
    const struct knowledge_text *texts = know_embedded(&count);
    struct span *names = mem_array(name_count, sizeof *names);

    if (!names)
        return err_no_memory(err);
    config_names(config, names);
    bool good = know_new_few(texts, count, know_embedded_index(), names, name_count, ret_know, err);
    mem_free(names);
    return good;
}

/* What the accounts are filled from. To send a message that goes through, their profiles are enough; who
 * asked for all that is known has it already. */
static const struct knowledge *profiles_for(struct cli *cli, const struct config *config, struct err *err)
{
    struct cli_world *world = cli->world;

    if (world->know || owner_has_files(world->place))
        return cli_knowledge(cli, err);
    knowledge_free(world->profiles); /* of an attempt before */
    world->profiles = NULL;
    return read_few(config, &world->profiles, err) ? world->profiles : NULL;
}

/* The sections of rooms above `account`. */
static const struct config_part *const parts[] = { &listen_part, &user_part, &local_part, &queue_part, &route_part,
                                                   &notify_part, &log_part, NULL };

const struct config *cli_config(struct cli *cli, struct err *err)
{
    const struct place *place = cli_place(cli, err);
    OWN(config) config = NULL;

    if (!place || cli->world->config)
        return place ? cli->world->config : NULL;
    if (!config_load(place, &disk_system, parts, &config, err)) {
        if (access(place->config, R_OK) < 0 && errno == EACCES)
            (void)!cli_may_manage(cli, err); /* rather than of a file's mode, which is right */
        return NULL;
    }
    const struct knowledge *know = profiles_for(cli, config, err);
    if (know && config_fill(config, know, err))
        cli->world->config = GIVE(config);
    return cli->world->config;
}

static struct cli_old_config take_config(struct cli *cli)
{
    struct cli_old_config taken = { cli->world->config, cli->world->profiles };

    cli->world->config = NULL;
    cli->world->profiles = NULL;
    return taken;
}

void cli_old_config_free(struct cli_old_config old)
{
    config_free(old.config);
    knowledge_free(old.profiles);
}

void cli_config_changed(struct cli *cli)
{
    cli_old_config_free(take_config(cli));
}

void cli_config_restore(struct cli *cli, struct cli_old_config old)
{
    cli_config_changed(cli);
    cli->world->config = old.config;
    cli->world->profiles = old.profiles;
}

bool cli_config_renew(struct cli *cli, struct cli_old_config *ret_old, struct err *err)
{
    struct cli_old_config old = take_config(cli);

    if (!cli_config(cli, err)) {
        cli_config_restore(cli, old);
        return false;
    }
    *ret_old = old;
    return true;
}

const char *cli_machine(struct cli *cli)
{
    HELD(buf) domain = BUF(sizeof cli->world->hostname - 1);

    if (!world_of(cli, NULL))
        return "localhost";
    char *name = cli->world->hostname;
    if (gethostname(name, sizeof cli->world->hostname - 1) != 0 ||
        !address_domain_parse(span_of(name), &domain, NULL) || domain.len == 0)
        return "localhost";
    memcpy(name, buf_text(&domain), domain.len + 1);
    return name;
}

const char *cli_hostname(struct cli *cli)
{
    const struct config *config = cli_config(cli, NULL);

    return config && config->outpost.hostname ? config->outpost.hostname : cli_machine(cli);
}

const char *cli_hello(struct cli *cli)
{
    const struct config *config = cli_config(cli, NULL);
    const char *name = cli_hostname(cli);
    bool full = strchr(name, '.') && strncmp(name, "localhost.", sizeof "localhost." - 1) != 0;

    return full || (config && config->outpost.hostname) ? name : NULL;
}

/* ---- the network ---- */

static bool add_detour(struct cli_world *world, struct span text, struct err *err)
{
    struct network *network = &world->network;

    if (network->detours.count == DETOURS_MAX)
        return err_set(err, ERR_USAGE, "--connect-to was given more than %d times", DETOURS_MAX);
    if (!dial_detour_parse(text, &world->detours[network->detours.count], err))
        return false;
    network->detours.at = world->detours;
    network->detours.count++;
    return true;
}

static bool read_detours(struct cli *cli, struct err *err)
{
    struct span rest = span_of(secure_getenv("OUTPOST_CONNECT_TO")), part;
    const char *text;

    for (size_t at = 0; (text = arguments_next(&cli->args, "connect-to", &at));)
        if (!add_detour(cli->world, span_of(text), err))
            return false;
    while (span_split(&rest, ',', &part))
        if (span_trim(part).len && !add_detour(cli->world, span_trim(part), err))
            return err_in(err, "$OUTPOST_CONNECT_TO");
    return true;
}

static const char *option_or_variable(const struct cli *cli, const char *option,
                                      const char *variable)
{
    const char *text = arguments_text(&cli->args, option);
    if (!text)
        text = secure_getenv(variable);
    return text && *text ? text : NULL;
}

const struct network *cli_network(struct cli *cli, struct err *err)
{
    struct cli_world *world = world_of(cli, err);
    struct resolver_plan plan = { .server = option_or_variable(cli, "dns", "OUTPOST_DNS") };

    if (!world || world->networked)
        return world ? &world->network : NULL;
    struct network *network = &world->network;
    network->ca_file = option_or_variable(cli, "ca-file", "OUTPOST_CA_FILE");
    network->connect_timeout_ms = 1000 * arguments_number(&cli->args, "connect-timeout", 0);
    network->timeout_ms = 1000 * arguments_number(&cli->args, "timeout", 0);
    if (!read_detours(cli, err) || !random_fill(&dice_system, &plan.seed, sizeof plan.seed, err) ||
        !loop_new(&network->loop, err))
        return NULL;
    if (!resolver_new(network->loop, &plan, &network->resolver, err)) {
        if (plan.server)
            err_in(err, arguments_has(&cli->args, "dns") ? "--dns" : "$OUTPOST_DNS");
        return NULL;
    }
    network->tickets = tickets_new(); /* without memory there are none, and nothing is lost but time */
    world->networked = true;
    return network;
}

bool cli_may_manage(struct cli *cli, struct err *err)
{
    const struct place *place = cli_place(cli, err);

    if (!place || geteuid() == 0 || !place_is_anothers(place))
        return place != NULL;
    return err_set(err, ERR_USAGE, "the machine's accounts are root's to see and to change (sudo outpost ...); anybody may send, "
                                   "and see and remove mail of his own: outpost send, outpost queue");
}

bool cli_state(struct cli *cli, struct err *err)
{
    const struct place *place = cli_place(cli, err);

    return place && cli_may_manage(cli, err) &&
           (place->scope != PLACE_SYSTEM || rights_become_owner(place->state, "outpost", err)) &&
           file_make_dirs(&disk_system, place->state, 0700, err);
}

bool cli_secrets(struct cli *cli, struct secret_world *ret_world, struct err *err)
{
    const struct place *place = cli_place(cli, err);

    if (!place || !cli_state(cli, err))
        return false;
    *ret_world = (struct secret_world){
        .state = place->state,
        .disk = &disk_system,
        .dice = &dice_system,
        .kernel = &kernel_keys_system,
        .credentials = secure_getenv("CREDENTIALS_DIRECTORY"),
        .loop = cli->world->network.loop,
        .may_ask = cli->may_ask,
    };
    return true;
}

/* The units know no configuration that was named. */
const char *cli_daemon_command(struct cli *cli)
{
    const struct place *place = cli_place(cli, NULL);

    return place && place->scope == PLACE_GIVEN ? "outpost serve" : "outpost service enable";
}

void cli_world_done(struct cli *cli)
{
    struct cli_world *world = cli->world;

    if (!world)
        return;
    tickets_free(world->network.tickets);
    resolver_free(world->network.resolver);
    loop_free(world->network.loop);
    config_free(world->config);
    knowledge_free(world->know);
    knowledge_free(world->profiles);
    knowledge_free(world->built_in);
    place_free(world->place);
    mem_free(world);
    cli->world = NULL;
}
