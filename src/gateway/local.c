#include "gateway/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "gateway/submission.h"
#include "intake/enqueue.h"
#include "intake/intake.h"
#include "intake/local.h"
#include "intake/peek.h"
#include "intake/spool.h"
#include "net/stream.h"
#include "net/timer.h"

#include "base/banned.h"

enum { PATIENCE_MS = 5 * 60 * 1000, ANSWER_MAX = 16 * 1024, HOUR_MS = 3600 * 1000, UIDS_MAX = 256 };

struct caller {
    struct local_door *door;
    struct stream *stream;
    struct timer *patience;
    uint32_t uid;
    char submitter[32], received[32];
    struct submission_reader *reader;
    bool began; /* to say something */
    struct spool spool;
    struct config_lane lane; /* of zeros: not chosen */
    unsigned char digest[CRYPTO_SHA256_LEN];
    struct enqueue *enqueue;
    struct caller *next;
};

/* How many messages a uid handed in within this hour. */
struct quota {
    uint32_t uid, used;
    uint64_t hour;
};

struct local_door {
    struct local_door_plan plan;
    const struct local_settings *settings;
    struct listener *listener;
    struct caller *callers;
    size_t count;
    struct quota quotas[UIDS_MAX];
};

static void caller_free(struct caller *caller)
{
    struct caller **at = &caller->door->callers;

    while (*at != caller)
        at = &(*at)->next;
    *at = caller->next;
    caller->door->count--;
    enqueue_abandon(caller->enqueue);
    stream_free(caller->stream);
    timer_free(caller->patience);
    submission_reader_free(caller->reader);
    spool_done(&caller->spool);
    mem_free(caller);
}

/* ---- the answer ---- */

static void say(struct caller *caller, struct buf *answer)
{
    if (stream_write(caller->stream, buf_span(answer)) == answer->len)
        stream_finish(GIVE(caller->stream));
    caller_free(caller);
}

/* A status, a line for people, an object for programs: what `fail` makes of an err at the other end. */
static void refuse(struct caller *caller, const struct err *why)
{
    HELD(buf) answer = BUF(ANSWER_MAX);
    struct json json;

    if (caller->door->plan.saw)
        caller->door->plan.saw(caller->door->plan.who, caller->uid, caller->lane.name, 0,
                               why);
    buf_addf(&answer, "%d %s\n", err_exit_status(why->kind), why->text);
    json = json_to(&answer);
    json_open(&json, NULL, '{');
    json_number(&json, "kind", (uint64_t)why->kind);
    json_text(&json, "fact", why->fact);
    json_text(&json, "text", why->text);
    json_close(&json);
    buf_add(&answer, "\n");
    say(caller, &answer);
}

static void accepted(void *who, const struct store_accepted *accepted, const struct err *why)
{
    struct caller *caller = who;
    HELD(buf) answer = BUF(ANSWER_MAX);
    struct json json;

    caller->enqueue = NULL;
    if (!accepted) {
        refuse(caller, why);
        return;
    }
    if (caller->door->plan.saw)
        caller->door->plan.saw(caller->door->plan.who, caller->uid, caller->lane.name, accepted->id, NULL);
    buf_addf(&answer, "0 queued as %llu\n", (unsigned long long)accepted->id);
    json = json_to(&answer);
    json_open(&json, NULL, '{');
    json_number(&json, "id", accepted->id);
    json_bool(&json, "repeated", accepted->repeated);
    json_text(&json, "account", caller->lane.name);
    json_close(&json);
    buf_add(&answer, "\n");
    say(caller, &answer);
}

/* ---- a message that came whole ---- */

/* Of this hour. Where more users than there is room for hand in within one, those without a place share them. */
static struct quota *quota_of(struct local_door *door, uint32_t uid, uint64_t hour)
{
    struct quota *free_one = NULL;

    for (size_t i = 0; i < UIDS_MAX; i++) {
        struct quota *quota = &door->quotas[(uid + i) % UIDS_MAX];
        if (quota->hour != hour && !free_one)
            free_one = quota;
        else if (quota->hour == hour && quota->uid == uid)
            return quota;
    }
    if (!free_one)
        return &door->quotas[uid % UIDS_MAX];
    *free_one = (struct quota){ uid, 0, hour };
    return free_one;
}

static bool within_quota(struct caller *caller, struct err *err)
{
    struct local_door *door = caller->door;
    uint64_t most = door->settings->messages_per_hour, hour = clock_now(door->plan.clock) / HOUR_MS;

    if (caller->uid == 0 || most == 0)
        return true;
    return quota_of(door, caller->uid, hour)->used++ < most ||
           err_found(err, ERR_LATER, "local:too-many",
                     "user %u has handed in %llu messages this hour, as many as [local] messages_per_hour allows",
                     caller->uid, (unsigned long long)most);
}

static bool choose(struct caller *caller, int fd, struct err *err)
{
    const struct submission *said = submission_lines(caller->reader);
    const struct config *config = caller->door->plan.config;
    HELD(buf) sender = BUF(1000);

    if (said->sender && *said->sender)
        peek_bare_address(said->sender, &sender);
    else if (!said->account && !peek_sender(fd, &sender, err))
        return false;
    return config_choose_lane(config, said->account, buf_span(&sender), &caller->lane, err);
}

static bool prepare(struct caller *caller, int fd, struct prepared **ret_prepared, struct err *err)
{
    const struct local_door_plan *plan = &caller->door->plan;
    const struct submission *said = submission_lines(caller->reader);
    OWN(aliases) aliases = NULL;
    uint64_t wall = clock_wall(plan->clock);
    struct account account = *caller->lane.account; /* but for the name of whoever sends this one */
    struct intake_order order = {
        .account = &account,
        .disk = plan->disk,
        .directory = plan->directory,
        .wall = wall / 1000,
        .zone_minutes = clock_zone_minutes(wall),
        .hostname = plan->hostname,
        .received_from = caller->received,
        .fd = fd,
        .sender = said->sender,
        .recipients = said->recipients,
        .recipient_count = said->recipient_count,
        .header_recipients = said->header_recipients,
        .notify = said->notify,
        .ret = said->ret,
        .envid = said->envid,
        .key = said->key,
        .admin = caller->door->settings->admin,
    };

    if (!local_aliases(caller->door->settings, plan->disk, &aliases, err))
        return false;
    order.aliases = aliases;
    if (said->name)
        account.person = (char *)(uintptr_t)said->name;
    return random_fill(plan->dice, order.random, sizeof order.random, err) &&
           intake_prepare(&order, ret_prepared, err);
}

static bool take(struct caller *caller, struct err *err)
{
    const struct disk *disk = caller->door->plan.disk;
    OWN(prepared) prepared = NULL;
    int fd = -1;

    bool good = within_quota(caller, err) && spool_give(&caller->spool, &fd, err) && choose(caller, fd, err) &&
                prepare(caller, fd, &prepared, err) &&
                (!prepared->envelope->key || enqueue_digest(fd, caller->digest, err));
    if (fd >= 0)
        disk->close(disk, fd);
    if (!good)
        return false;
    const struct enqueue_plan plan = {
        .port = caller->door->plan.port, .account = caller->lane.name, .submitter = caller->submitter,
        .content = { (const char *)caller->digest, sizeof caller->digest },
    };
    return enqueue_start(&plan, GIVE(prepared), accepted, caller, &caller->enqueue, err);
}

/* ---- bytes ---- */

static bool is_question(const struct caller *caller, struct span bytes)
{
    return !caller->began && caller->door->plan.asks && bytes.len && bytes.at[0] == '{';
}

static void hand_on(struct caller *caller, struct span bytes)
{
    const struct local_door_plan *plan = &caller->door->plan;
    struct stream *stream = GIVE(caller->stream);

    caller_free(caller);
    plan->asks(plan->who, stream, bytes);
}

static void came_bytes(void *who, struct span bytes)
{
    struct caller *caller = who;
    struct span piece;
    struct err err = { 0 };

    if (is_question(caller, bytes)) {
        hand_on(caller, bytes);
        return;
    }
    caller->began = true;
    timer_set(caller->patience, loop_now(caller->door->plan.loop) + PATIENCE_MS);
    for (;;) {
        switch (submission_read(caller->reader, &bytes, &piece, &err)) {
        case SUBMISSION_MORE:
            return;
        case SUBMISSION_BEGUN:
            continue;
        case SUBMISSION_PIECE:
            if (spool_add(&caller->spool, piece, &err))
                continue;
            break;
        case SUBMISSION_WHOLE:
            timer_set(caller->patience, UINT64_MAX);
            stream_read(caller->stream, false);
            if (take(caller, &err))
                return;
            break;
        case SUBMISSION_WRONG:
            break;
        }
        refuse(caller, &err);
        return;
    }
}

static void ended(void *who, const struct err *why)
{
    (void)why;
    caller_free(who); /* it was not whole: it never was */
}

static void rang(void *who)
{
    caller_free(who);
}

/* One user, or what runs under his name, does not keep the others out. */
static bool has_room(const struct local_door *door, uint32_t uid)
{
    size_t count = 0;

    for (const struct caller *caller = door->callers; caller; caller = caller->next)
        count += caller->uid == uid;
    return door->count < LOCAL_CALLERS_MAX && (count < LOCAL_CALLERS_OF_ONE || uid == 0 || uid == geteuid());
}

static void came(void *who, struct stream *stream)
{
    static const struct stream_events events = { came_bytes, NULL, ended };
    struct local_door *door = who;
    uint32_t uid;
    struct caller *caller = stream_peer_user(stream, &uid) && has_room(door, uid) ? NEW(caller) : NULL;

    if (!caller) {
        stream_free(stream);
        return;
    }
    caller->door = door;
    caller->stream = stream;
    caller->uid = uid;
    caller->next = door->callers;
    door->callers = caller;
    door->count++;
    snprintf(caller->submitter, sizeof caller->submitter, "uid:%u", uid);
    snprintf(caller->received, sizeof caller->received, "uid %u", uid);
    caller->spool = spool_begin(door->plan.disk, door->plan.directory);
    caller->reader = submission_reader_new();
    caller->patience = timer_new(door->plan.loop, rang, caller);
    if (!caller->reader || !caller->patience) {
        caller_free(caller);
        return;
    }
    timer_set(caller->patience, loop_now(door->plan.loop) + PATIENCE_MS);
    stream_on(stream, &events, caller);
}

bool local_door_open(const struct local_door_plan *plan, struct local_door **ret_door, struct err *err)
{
    const struct listen_plan listen = {
        .unix_path = plan->inherited ? NULL : plan->path, .unix_mode = plan->mode, .inherited = plan->inherited,
    };
    OWN(local_door) door = NEW(local_door);

    if (!door)
        return err_no_memory(err);
    door->plan = *plan;
    door->settings = config_section(plan->config, &local_part, NULL);
    if (!listen_open(plan->loop, &listen, came, door, &door->listener, err))
        return false;
    *ret_door = GIVE(door);
    return true;
}

void local_door_use(struct local_door *door, const struct config *config, const char *hostname)
{
    door->plan.config = config;
    door->plan.hostname = hostname;
    door->settings = config_section(config, &local_part, NULL);
}

bool local_door_is_busy(const struct local_door *door)
{
    return door->callers != NULL;
}

void local_door_free(struct local_door *door)
{
    if (!door)
        return;
    while (door->callers)
        caller_free(door->callers);
    listener_free(door->listener);
    mem_free(door);
}
