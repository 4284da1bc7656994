#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "books.h"
#include "clockwork.h"
#include "disk.h"
#include "gateway/gateway.h"
#include "intake/local.h"
#include "judge.h"
#include "know/embedded.h"
#include "know/knowledge.h"
#include "letters.h"
#include "network.h"
#include "os/clock.h"
#include "queue/queue_int.h"
#include "relay/notice.h"
#include "relay/notify.h"
#include "relay/relay.h"
#include "relay/settings.h"
#include "support/scratch.h"

enum {
    TURN_MS = 15,              /* that a commit takes, at most */
    SLOW_TURN_MS = 3 * SECOND, /* and on a disk that is busy */
    IDLE_MS = 5 * MINUTE,      /* the queue sweeps at least so often */
    CALM_MS = MINUTE,          /* after the wall's clock was set, it is written down before anything stops */
    UNKNOWN_MS = MINUTE,
    CONFIG_OCTETS = 4000,
};

static const uint64_t wall_is_set = 1577836800000; /* 2020 */

static const struct config_part *const parts[] = { &listen_part, &user_part, &local_part, &queue_part, &route_part, &notify_part,
                                               NULL };

static struct {
    struct scratch *scratch;
    struct knowledge *know;
} all;

static struct {
    struct machine_plan plan;
    struct config *config;
    bool runs, calm, behaves;
    int64_t wall;          /* the wall's clock is ahead of sim_now() by this */
    int64_t wall_wrong;    /* of this, what somebody will put right */
    uint64_t started;
    uint64_t boot;         /* what clock_now() is ahead of it */
    uint64_t calm_until;
    struct event turn, idle, stop, start, putting_right, reach;
    /* Of one life: */
    struct loop *loop;
    struct queue *queue;
    struct queue_port *port;
    struct relay *relay;
    struct notices *notices;
    struct gateway *gateway;
    struct transport_world transport;
} machine;

/* Doors --------------------------------------------------------------------------------------------------------- */

static uint64_t now_of(const struct clock *clock)
{
    (void)clock;
    return machine.boot + sim_now();
}

static uint64_t wall_of(const struct clock *clock)
{
    (void)clock;
    return (uint64_t)machine.wall + sim_now();
}

static bool fill(const struct dice *dice, void *at, size_t len)
{
    unsigned char *bytes = at;

    (void)dice;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)sim_any();
    return true;
}

static const struct clock sim_clock = { now_of, wall_of };
static const struct dice sim_dice = { fill };

/* Its configuration ----------------------------------------------------------------------------------------------- */

static void add_limit(struct buf *text, const char *name, uint64_t most)
{
    if (most)
        buf_addf(text, "limit.%s = %llu\n", name, (unsigned long long)most);
}

static void write_config(struct buf *text)
{
    for (unsigned i = 0; i < PARTIES; i++) {
        const struct party *party = &books.parties[i];
        buf_addf(text, "[account %s]\naddress = %s\nserver = 127.0.0.1:%u\nsecurity = none\nauth = password\n"
                       "mechanisms = plain\nother_senders = keep\nsend_as = *@live.example, *@backup.example\n",
                 party->name, party->address, party->port);
        add_limit(text, "messages_per_minute", party->per_minute);
        add_limit(text, "messages_per_hour", party->per_hour);
        add_limit(text, "recipients_per_day", party->recipients_per_day);
        add_limit(text, "recipients_per_message", party->recipients_per_message);
        add_limit(text, "connections", party->connections);
    }
    buf_addf(text, "[route either]\naccounts = live, backup\nadvance = connect, auth, quota%s\n",
             books.goes_on ? ", refused" : "");
    buf_addf(text, "[local]\naliases = %s\n", scratch_path(all.scratch, "aliases"));
    static const char listener[] = "[listen %s]\naddress = 127.0.0.1:%d\nsecurity = none\ndeliver = %s\n"
                                   "no_password_from = 127.0.0.0/8\n";

    buf_addf(text, listener, "here", MACHINE_PORT, "queued");
    buf_addf(text, listener, "waiting", MACHINE_WAITING_PORT, "while-waiting");
}

static void load_config(void)
{
    HELD(buf) text = BUF(CONFIG_OCTETS);
    struct err err = { 0 };

    write_config(&text);
    const struct place place = {
        .scope = PLACE_GIVEN,
        .config = (char *)(uintptr_t)scratch_file(all.scratch, "outpost.conf", buf_text(&text), 0600),
        .drop_in = (char *)(uintptr_t)scratch_path(all.scratch, "outpost.conf.d"),
    };
    if (!config_load(&place, &disk_system, parts, &machine.config, &err) ||
        !config_fill(machine.config, all.know, &err)) {
        fprintf(stderr, "the simulation's own configuration: %s\n", err.text);
        abort();
    }
}

/* Lives ----------------------------------------------------------------------------------------------------------- */

static void saw(void *who, const struct relay_event *event)
{
    (void)who;
    sim_trace("relay: %s %s %s, %s", relay_event_word(event->kind), event->account ? event->account : "-",
              event->recipient ? event->recipient : "-",
              event->cause ? event->cause : event->evidence ? event->evidence->err.text : "");
    judge_saw(event);
    if (event->reports)
        notices_look(machine.notices);
}

static void told(void *who, uint64_t id, const char *how, const struct err *err)
{
    (void)who;
    sim_trace("notices: of message %llu by %s%s%s", (unsigned long long)id, how, err ? ": " : "", err ? err->text : "");
}

static bool open_queue(struct err *err)
{
    const struct queue_options options = {
        .clock = &sim_clock,
        .in_line = true,
        .unknown_held = machine.plan.unknown_held,
        .unknown_ms = UNKNOWN_MS,
        .keep_history_ms = 10000 * (uint64_t)DAY,
    };
    struct store *store = NULL;
    struct store_opened opened = { 0 };

    if (!disk_open(&store, &opened, err))
        return false;
    judge_look_at(store);
    return queue_open(store, &opened, &options, &machine.queue, err) &&
           queue_port_new(machine.queue, NULL, NULL, NULL, &machine.port, err);
}

static bool open_relay(struct err *err)
{
    struct attempt_policy policy = ATTEMPT_USUAL;

    policy.retry.give_up_ms = books.give_up_ms;
    policy.unknown_held = machine.plan.unknown_held;
    machine.transport = (struct transport_world){ .hello = "outpost.example" };
    machine.transport.credentials.secrets.loop = machine.loop;
    const struct relay_plan plan = {
        .queue = machine.queue,
        .config = machine.config,
        .know = all.know,
        .world = &machine.transport,
        .disk = &disk_system,
        .dice = &sim_dice,
        .directory = scratch_root(all.scratch),
        .policy = policy,
        .in_line = true,
        .saw = saw,
    };
    return relay_start(&plan, &machine.relay, err);
}

static bool open_notices(struct err *err)
{
    const struct notices_plan plan = {
        .queue = machine.queue,
        .config = machine.config,
        .know = all.know,
        .world = &machine.transport,
        .disk = &disk_system,
        .dice = &sim_dice,
        .clock = &sim_clock,
        .state = scratch_root(all.scratch),
        .host = "outpost.example",
        .in_line = true,
        .saw = told,
    };

    return notices_start(&plan, &machine.notices, err);
}

static bool open_gateway(struct err *err)
{
    const struct gateway_world world = {
        .loop = machine.loop,
        .queue = machine.queue,
        .port = machine.port,
        .clock = &sim_clock,
        .dice = &sim_dice,
        .disk = &disk_system,
        .hostname = "outpost.example",
        .state = scratch_root(all.scratch),
    };

    return gateway_open(&world, machine.config, &machine.gateway, err);
}

/* Whatever it still does reaches neither disk nor network. */
static void tear_down(bool killed)
{
    network_unplug(machine.loop, killed);
    gateway_free(GIVE(machine.gateway));
    notices_stop(GIVE(machine.notices));
    relay_free(GIVE(machine.relay));
    queue_port_free(GIVE(machine.port));
    queue_free(GIVE(machine.queue));
    loop_free(GIVE(machine.loop));
    machine.runs = false;
    event_cancel(&machine.turn);
    event_cancel(&machine.idle);
}

static uint64_t any_absence(void)
{
    uint64_t any = sim_below(100);

    return machine.behaves ? SECOND
           : any < 70      ? sim_between(SECOND, MINUTE)
           : any < 90      ? sim_below(2 * HOUR)
                           : sim_below(2 * DAY);
}

/* Its battery is empty, or somebody set the clock: it starts at another time than it should. */
static void mistime(void)
{
    uint64_t any = sim_below(100);

    if (any < 10)
        machine.wall_wrong -= (int64_t)sim_below(3 * DAY);
    else if (any < 15)
        machine.wall_wrong -= machine.wall + (int64_t)sim_now(); /* 1970 */
    if (machine.wall_wrong < 0) {
        machine.wall += machine.wall_wrong;
        event_set(&machine.putting_right, sim_now() + sim_below(HOUR));
    } else if (any > 95) {
        uint64_t ahead = sim_below(10 * MINUTE);
        machine.wall += (int64_t)ahead;
        books.leapt += ahead;
    }
}

static void start(void *of)
{
    struct err err = { 0 };

    (void)of;
    machine.boot = sim_below(10 * (uint64_t)DAY) - sim_now();
    if (!loop_new(&machine.loop, &err))
        abort();
    network_loop_base(machine.loop, machine.boot + sim_now());
    machine.runs = true;
    machine.started = sim_now();
    event_set(&machine.idle, sim_now() + IDLE_MS);
    if (!open_queue(&err) || !open_relay(&err) || !open_notices(&err) || !open_gateway(&err)) {
        sim_trace("it does not start: %s", err.text);
        disk_stop(true);
    }
    sim_trace("it %s", disk_has_power() ? "runs" : "stops at once");
    machine_look();
}

static void came_down(bool killed)
{
    sim_count(SIM_STOPS);
    sim_trace("it stopped%s", killed ? ", killed" : "");
    tear_down(killed);
    judge_forget();
    if (!machine.behaves)
        mistime();
    event_set(&machine.start, sim_now() + any_absence());
}

static void stop(void *of)
{
    (void)of;
    if (!machine.runs || sim_now() < machine.calm_until) {
        event_set(&machine.stop, sim_now() + MINUTE);
        return;
    }
    if (machine.plan.stops && --machine.plan.stops)
        event_set(&machine.stop, sim_now() + sim_below(machine.plan.within));
    if (sim_chance(50)) {
        disk_plan((unsigned)sim_between(1, 20));
        return;
    }
    bool killed = sim_chance(50);
    disk_stop(killed);
    came_down(killed);
}

/* A route comes, or what looks like one. */
static void reach(void *of)
{
    (void)of;
    if (machine.runs)
        relay_reaches(machine.relay);
    event_set(&machine.reach, sim_now() + sim_below(sim_chance(20) ? MINUTE : 12 * HOUR));
}

static void put_right(void *of)
{
    (void)of;
    machine_set_wall(-machine.wall_wrong);
    machine.wall_wrong = 0;
}

/* The queue's thread ------------------------------------------------------------------------------------------------ */

static void turn(void *of)
{
    (void)of;
    if (machine.runs && machine.queue)
        queue_turn(machine.queue);
    event_set(&machine.idle, sim_now() + IDLE_MS);
}

/* No more lines to a provider than the account may have. */
static void count_lines(void)
{
    for (unsigned i = 0; i < PARTIES; i++) {
        const struct party *party = &books.parties[i];
        unsigned lines = network_lines_to(machine.loop, party->port);
        if (party->connections && lines > party->connections)
            sim_broken("%u lines to %s, which may have %llu", lines, party->name,
                       (unsigned long long)party->connections);
    }
}

void machine_look(void)
{
    if (!machine.runs)
        return;
    if (!disk_has_power()) {
        came_down(false);
        return;
    }
    count_lines();
    if (machine.queue->waiting.count && !event_is_set(&machine.turn))
        event_set(&machine.turn, sim_now() + sim_below(sim_chance(1) ? SLOW_TURN_MS : TURN_MS));
}

/* From outside ------------------------------------------------------------------------------------------------------ */

void machines_begin(struct scratch *scratch)
{
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    all.scratch = scratch;
    if (!know_new(texts, count, &all.know, NULL))
        abort();
}

void machines_end(void)
{
    knowledge_free(GIVE(all.know));
}

void machine_begin(const struct machine_plan *plan)
{
    memset(&machine, 0, sizeof machine);
    machine.plan = *plan;
    machine.wall = 1795000000000 - (int64_t)sim_now();
    machine.turn.happen = machine.idle.happen = turn;
    machine.stop.happen = stop;
    machine.start.happen = start;
    machine.putting_right.happen = put_right;
    machine.reach.happen = reach;
    event_set(&machine.reach, sim_now() + sim_below(6 * HOUR));
    load_config();
    disk_begin(plan->is_sqlite, scratch_path(all.scratch, "state"), plan->disk_faults);
    disk_watch(judge_committed);
    if (plan->stops)
        event_set(&machine.stop, sim_now() + sim_below(plan->within));
    start(NULL);
}

void machine_end(void)
{
    if (machine.runs) {
        disk_stop(true);
        tear_down(true);
    }
    event_cancel(&machine.stop);
    event_cancel(&machine.start);
    event_cancel(&machine.putting_right);
    event_cancel(&machine.reach);
    disk_end();
    config_free(GIVE(machine.config));
}

void machine_behave(void)
{
    machine.behaves = true;
    machine.plan.stops = 0;
    event_cancel(&machine.stop);
    disk_plan(0);
    disk_faults(0);
    if (!machine.runs)
        event_set(&machine.start, sim_now());
}

bool machine_runs(void)
{
    return machine.runs;
}

uint64_t machine_up_for(void)
{
    return machine.runs && disk_has_power() ? sim_now() - machine.started : 0;
}

void machine_set_wall(int64_t by)
{
    bool was_set = wall_of(NULL) >= wall_is_set;

    machine.wall += by;
    sim_trace("the wall's clock is set by %lld s", (long long)(by / SECOND));
    if (!was_set)
        return;
    machine.calm_until = sim_now() + CALM_MS;
    disk_plan(0);
    if (machine.runs)
        event_set(&machine.turn, sim_now() + CALM_MS / 2);
}

/* A program of the machine's own ------------------------------------------------------------------------------------ */

struct handing {
    struct letter *letter;
    struct envelope *envelope;
    struct buf text;
    struct store_accepted accepted;
    bool told;
};

static bool run_accept(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct handing *handing = data;
    struct store_body body = { 0 };
    struct span rest = buf_span(&handing->text);

    for (; rest.len > STORE_PIECE_MAX; rest = span_from(rest, STORE_PIECE_MAX))
        if (!store_body_add(store, &body, span_cut(rest, 0, STORE_PIECE_MAX), now, err))
            return false;
    const struct store_order order = {
        .account = handing->letter->lane,
        .submitter = "uid:1000",
        .envelope = handing->envelope,
        .body = body.pieces ? &body : NULL,
        .last = rest,
        .deadline = handing->letter->by_ms ? now + handing->letter->by_ms : 0,
    };
    return store_accept(store, &order, now, &handing->accepted, err);
}

static void handed(void *data, const struct err *err)
{
    struct handing *handing = data;

    handing->told = true;
    letters_heard(handing->letter, err->kind == ERR_NONE ? LETTER_PROMISED : LETTER_REFUSED);
}

static void drop(void *data)
{
    struct handing *handing = data;

    if (!handing->told)
        letters_heard(handing->letter, LETTER_UNHEARD);
    envelope_free(handing->envelope);
    buf_done(&handing->text);
    mem_free(handing);
}

bool machine_hand_in(struct letter *letter)
{
    struct handing *handing = machine.runs ? NEW(handing) : NULL;
    const struct queue_job job = { .run = run_accept, .done = handed, .drop = drop, .data = handing };

    if (!handing)
        return false;
    *handing = (struct handing){ .letter = letter, .envelope = envelope_new(), .text = BUF(LETTER_OCTETS_MAX) };
    if (!handing->envelope || !envelope_set_sender(handing->envelope, span_of(letter->sender->address), NULL))
        abort();
    for (unsigned i = 0; i < letter->count; i++) {
        HELD(buf) address = BUF(100);
        books_address(letter->first + i, &address);
        if (!envelope_add(handing->envelope, buf_span(&address), NULL))
            abort();
    }
    books_text(letter, &handing->text);
    if (!queue_ask(machine.port, &job, NULL, NULL))
        abort();
    return true;
}

/* A person ---------------------------------------------------------------------------------------------------------- */

static bool run_release(void *data, struct store *store, uint64_t now, struct err *err)
{
    const struct store_filter held = { .states = STORE_IN(STORE_HELD) | STORE_IN(STORE_UNKNOWN) };
    struct store_cursor cursor = { 0 };
    struct store_changed changed = { 0 };

    (void)data;
    while (!cursor.end)
        if (!store_change(store, STORE_VERB_RELEASE, &held, &cursor, 1000, false, "somebody", now, &changed, err))
            return false;
    return true;
}

void machine_release(void)
{
    const struct queue_job job = { .run = run_release };

    if (machine.runs && !queue_ask(machine.port, &job, NULL, NULL))
        abort();
}
