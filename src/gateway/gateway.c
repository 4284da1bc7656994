#include "gateway/gateway_int.h"

#include "base/alloc.h"
#include "base/str.h"
#include "net/interfaces.h"
#include "os/memory.h"

#include "base/banned.h"

enum {
    SECOND = 1000,
    LOOK_AFTER_MS = 60 * SECOND, /* between looks at the certificates' files */
    KNOCK_MS = 5 * SECOND,
    CALM_MS = SECOND / 2,        /* between the end of a crowd and giving back what it took */
    ALIASES_MS = 5 * SECOND,     /* that what was read of them is believed */
    PER_ADDRESS = 256,
    MESSAGES_A_MINUTE = 3000,
    RECIPIENTS_A_MINUTE = 30000,
    MEGABYTE = 1024 * 1024,
};

const char *gateway_hostname(const struct gateway *gateway, const struct config *config)
{
    return config->outpost.hostname ? config->outpost.hostname : gateway->world.hostname;
}

uint64_t gateway_wall(const struct gateway *gateway)
{
    return clock_wall(gateway->world.clock);
}

const struct local_settings *gateway_local(const struct gateway *gateway)
{
    return config_section(gateway->config, &local_part, NULL);
}

bool gateway_aliases(struct gateway *gateway, const struct aliases **ret_aliases, struct err *err)
{
    uint64_t now = loop_now(gateway->world.loop);
    struct aliases *fresh = NULL;

    if (!gateway->aliases || now - gateway->aliases_at >= ALIASES_MS) {
        struct err why = { 0 };
        if (!local_aliases(gateway_local(gateway), gateway->world.disk, &fresh, &why)) {
            if (gateway->world.log)
                log_event(gateway->world.log, LOG_AT_WARN, "aliases-left-out", log_text("why", why.text));
            if (!aliases_parse(SPAN_NONE, &fresh, err))
                return false;
        }
        aliases_free(gateway->aliases);
        gateway->aliases = fresh;
        gateway->aliases_at = now;
    }
    *ret_aliases = gateway->aliases;
    return true;
}

/* -- certificates -- */

static void rang(void *who)
{
    struct gateway *gateway = who;
    uint64_t now = gateway_wall(gateway) / SECOND;

    for (struct face *face = gateway->faces; face; face = face->next)
        face_renew(face, now);
    timer_set(gateway->timer, loop_now(gateway->world.loop) + LOOK_AFTER_MS);
}

static bool add_name(struct gateway *gateway, size_t at, struct span name, struct err *err)
{
    gateway->cert_names[at] = str_copy_span(name);
    return gateway->cert_names[at] || err_no_memory(err);
}

/* By what a client may call us: the host's names and addresses. */
static bool name_us(struct gateway *gateway, const struct config *config, struct err *err)
{
    const char *const known[] = { gateway_hostname(gateway, config), gateway->world.hostname, "localhost", "127.0.0.1",
                                  "::1" };
    struct ip ips[INTERFACES_MAX];
    size_t count = 0, names = 0;

    if (!interfaces_list(ips, &count, NULL))
        count = 0;
    gateway->cert_names = mem_array(COUNT(known) + count + 1, sizeof *gateway->cert_names);
    if (!gateway->cert_names)
        return err_no_memory(err);
    for (size_t i = strcmp(known[0], known[1]) == 0; i < COUNT(known); i++)
        if (!add_name(gateway, names++, span_of(known[i]), err))
            return false;
    for (size_t i = 0; i < count; i++) {
        HELD(buf) text = BUF(64);
        ip_write(&text, ips[i]);
        if (!add_name(gateway, names++, buf_span(&text), err))
            return false;
    }
    return true;
}

/* -- listeners -- */

struct change { /* one listener of a configuration that is not in force yet */
    struct face *face;
    struct door *stays; /* an old one, by another name, maybe... */
    char *name;
    struct door *door; /* ...or a new one */
};

static struct change *change_at(struct change *changes, size_t count, const struct door *stays)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].stays == stays)
            return &changes[i];
    return NULL;
}

static bool stands_at(const struct door *door, const struct listen_settings *settings)
{
    return strcmp(door->address, settings->address) == 0 && door->port == listen_port(settings);
}

/* The door that stands where the settings want one, and may stay: it has the name, or one that is gone. */
static struct door *fitting(const struct gateway *gateway, const struct config *config,
                            const struct listen_settings *settings, struct change *changes, size_t count)
{
    struct door *door = gateway->doors;

    while (door && (!stands_at(door, settings) || change_at(changes, count, door) ||
                    (strcmp(door->name, settings->name) != 0 && config_section(config, &listen_part, door->name))))
        door = door->next;
    return door;
}

static void changes_free(struct change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        door_free(changes[i].door);
        face_let_go(changes[i].face);
        mem_free(changes[i].name);
    }
    mem_free(changes);
}

/* Everything that may fail, before anything is changed. */
static bool prepare(struct gateway *gateway, const struct config *config, struct change *changes,
                    size_t *ret_count, struct err *err)
{
    const struct listen_settings *settings;

    *ret_count = 0;
    for (size_t at = 0; (settings = config_next(config, &listen_part, &at));) {
        struct change *change = &changes[*ret_count];
        *change = (struct change){ .stays = fitting(gateway, config, settings, changes, *ret_count) };
        ++*ret_count;
        if (!face_new(gateway, config, settings, &change->face, err))
            return false;
        if (!(change->name = str_copy(settings->name)))
            return err_no_memory(err);
        if (!change->stays && !door_open(gateway, change->face, !gateway->config, &change->door, err))
            return false;
    }
    return true;
}

static void show_face(struct door *door, struct change *change)
{
    face_let_go(door->face);
    door->face = face_hold(change->face);
    mem_free(door->name);
    door->name = GIVE(change->name);
}

/* Old doors that nobody wants any more go; the others get their new face; all stand in the configuration's order. */
static void put_in_force(struct gateway *gateway, const struct config *config, struct change *changes,
                         size_t count)
{
    struct door **end = &gateway->doors;

    gateway->config = config;
    for (struct door *old = gateway->doors, *next; old; old = next) {
        next = old->next;
        if (!change_at(changes, count, old))
            door_free(old);
    }
    for (size_t i = 0; i < count; i++) {
        if (changes[i].stays)
            show_face(changes[i].stays, &changes[i]);
        *end = changes[i].stays ? changes[i].stays : GIVE(changes[i].door);
        end = &(*end)->next;
    }
    *end = NULL;
}

bool gateway_reload(struct gateway *gateway, const struct config *config, struct err *err)
{
    size_t count = 0, at = 0;

    while (config_next(config, &listen_part, &at))
        count++;
    struct change *changes = mem_array(count, sizeof *changes);
    if (!changes)
        return err_no_memory(err);
    bool ok = prepare(gateway, config, changes, &count, err);
    if (ok) {
        put_in_force(gateway, config, changes, count);
        aliases_free(GIVE(gateway->aliases));
        rang(gateway);
    }
    changes_free(changes, count);
    return ok;
}

bool gateway_uses(const struct gateway *gateway, const struct config *config)
{
    if (gateway->config == config)
        return true;
    for (const struct face *face = gateway->faces; face; face = face->next)
        if (face->config == config)
            return true;
    return false;
}

/* -- for whoever shows it -- */

static bool show(const struct door *door, struct gateway_view *ret_view)
{
    if (!door)
        return false;
    *ret_view = (struct gateway_view){
        .settings = door->face->settings,
        .open = door->socket_count > 0,
        .why = door->waits ? door->why.text : NULL,
        .port = door->socket_count ? listener_port(door->sockets[0]) : 0,
        .certificate = door->face->cert ? server_cert_description(door->face->cert) : NULL,
        .refusals = &door->refusals,
    };
    for (const struct guest *guest = door->gateway->guests; guest; guest = guest->next)
        ret_view->sessions += guest->door == door;
    return true;
}

bool gateway_view(const struct gateway *gateway, size_t at, struct gateway_view *ret_view)
{
    const struct door *door = gateway->doors;

    while (door && at--)
        door = door->next;
    return show(door, ret_view);
}

bool gateway_find(const struct gateway *gateway, const char *listener, struct gateway_view *ret_view)
{
    return show(door_find(gateway, listener), ret_view);
}

const struct refusals *gateway_user_refusals(const struct gateway *gateway, const char *user)
{
    for (const struct known_user *known = gateway->users; known; known = known->next)
        if (span_is_word(span_of(known->name), user))
            return &known->refusals;
    return NULL;
}

/* -- listeners that wait for their address -- */

static void knock_later(struct gateway *gateway)
{
    uint64_t pause = gateway->world.knock_ms ? gateway->world.knock_ms : KNOCK_MS;

    for (const struct door *door = gateway->doors; door; door = door->next)
        if (door->waits) {
            timer_set(gateway->knocks, loop_now(gateway->world.loop) + pause);
            return;
        }
}

static void knock(void *who)
{
    struct gateway *gateway = who;
    struct gateway_view view;

    for (struct door *door = gateway->doors; door; door = door->next)
        if (door->waits && door_knock(door) && gateway->world.opened && show(door, &view))
            gateway->world.opened(gateway->world.who, &view);
    knock_later(gateway);
}

/* -- birth and death -- */

static void tell_drained(void *who)
{
    struct gateway *gateway = who;

    gateway->drained(gateway->who);
}

/* The rest of the crowd goes meanwhile. */
static void give_back(void *who)
{
    (void)who;
    memory_give_back();
}

static bool make_parts(struct gateway *gateway, const struct config *config, struct err *err)
{
    const struct gateway_world *world = &gateway->world;
    const struct caps_limits limits = {
        .connections = world->connections ? world->connections : GATEWAY_CONNECTIONS,
        .connections_per_address = PER_ADDRESS,
        .messages_per_minute = MESSAGES_A_MINUTE,
        .recipients_per_minute = RECIPIENTS_A_MINUTE,
        .octets = 256ULL * MEGABYTE,
    };
    uint64_t seed;

    if (!random_fill(world->dice, &seed, sizeof seed, err) ||
        !random_fill(world->dice, gateway->secret, sizeof gateway->secret, err))
        return false;
    gateway->attempts = attempts_new(seed);
    gateway->caps = caps_new(&limits, seed);
    gateway->timer = timer_new(world->loop, rang, gateway);
    gateway->emptied = timer_new(world->loop, tell_drained, gateway);
    gateway->knocks = timer_new(world->loop, knock, gateway);
    gateway->calm = timer_new(world->loop, give_back, gateway);
    if (!gateway->attempts || !gateway->caps || !gateway->timer || !gateway->emptied || !gateway->knocks || !gateway->calm)
        return err_no_memory(err);
    return checks_new(world->loop, world->dice, &gateway->checks, err) && name_us(gateway, config, err);
}

static void look_whether_empty(struct gateway *gateway)
{
    if (gateway->drains && !gateway->guests)
        timer_set(gateway->emptied, loop_now(gateway->world.loop));
}

bool gateway_open(const struct gateway_world *world, const struct config *config, struct gateway **ret_gateway,
                  struct err *err)
{
    OWN(gateway) gateway = NEW(gateway);

    if (!gateway)
        return err_no_memory(err);
    gateway->world = *world;
    if (!make_parts(gateway, config, err) || !gateway_reload(gateway, config, err))
        return false;
    knock_later(gateway);
    *ret_gateway = GIVE(gateway);
    return true;
}

void gateway_free(struct gateway *gateway)
{
    if (!gateway)
        return;
    while (gateway->guests)
        guest_free(gateway->guests);
    for (struct door *door = gateway->doors, *next; door; door = next) {
        next = door->next;
        door_free(door);
    }
    for (struct known_user *user = gateway->users, *next; user; user = next) {
        next = user->next;
        mem_free(user->name);
        mem_free(user);
    }
    for (size_t i = 0; gateway->cert_names && gateway->cert_names[i]; i++)
        mem_free(gateway->cert_names[i]);
    mem_free(gateway->cert_names);
    aliases_free(gateway->aliases);
    checks_free(gateway->checks);
    timer_free(gateway->timer);
    timer_free(gateway->emptied);
    timer_free(gateway->knocks);
    timer_free(gateway->calm);
    attempts_free(gateway->attempts);
    caps_free(gateway->caps);
    str_wipe(gateway->secret, sizeof gateway->secret);
    mem_free(gateway);
}

void gateway_drain(struct gateway *gateway, void (*drained)(void *who), void *who)
{
    gateway->drains = true;
    gateway->drained = drained;
    gateway->who = who;
    timer_set(gateway->knocks, UINT64_MAX);
    for (struct door *door = gateway->doors; door; door = door->next)
        door_close(door);
    for (struct guest *guest = gateway->guests, *next; guest; guest = next) {
        next = guest->next;
        guest_drain(guest);
    }
    look_whether_empty(gateway);
}

void gateway_one_came(struct gateway *gateway)
{
    crowd_came(&gateway->crowd);
}

void gateway_one_left(struct gateway *gateway)
{
    if (crowd_left(&gateway->crowd))
        timer_set(gateway->calm, loop_now(gateway->world.loop) + CALM_MS);
    look_whether_empty(gateway);
}

bool gateway_is_idle(const struct gateway *gateway)
{
    return !gateway->guests;
}
