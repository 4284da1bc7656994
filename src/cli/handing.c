#include "cli/handing.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/absence.h"
#include "cli/asking.h"
#include "cli/doors.h"
#include "cli/progress.h"
#include "net/dial.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/timer.h"
#include "os/file.h"

#include "base/banned.h"

enum {
    REACH_MS = 10 * 1000,  /* so long another may hold the lock and not answer yet */
    AGAIN_MS = 100,
    ANSWER_MAX = 64 * 1024,
    SILENT_MS = 120 * 1000, /* for a commit, on the slowest of disks */
    OUT_MAX = SUBMISSION_HEAD_MAX + SUBMISSION_PIECE_MAX + 64,
    LOOK_MS = 250,
    HEARD_MS = 2, /* between looks whether the owner has read it all */
    TOLD_MAX = 100, /* recipients: a story names no more */
};

struct hand {
    struct cli *cli;
    const struct handing *handing;
    struct loop *loop;
    struct stream *stream;
    struct timer *patience; /* with an owner who takes no more, or does not answer */
    struct buf out, answer;
    uint64_t at, size;
    struct progress progress;
    bool all_read, done, good;
    bool gone;           /* whom we talked to */
    bool ended;          /* the end was said: it may be in the queue. While it was not, it is not */
    struct timer *hears; /* and that is not said before the owner has read all that stands before it */
    struct err err;
    struct handed handed;
    /* Where we are the owner: */
    struct owner owner;
    bool owns;
    struct doors doors;
    bool settled, look;
    bool idle; /* nobody sent it when it was looked at last */
    struct timer *timer;
    struct control_asked *asked;
};

static void give_up(struct hand *hand)
{
    hand->good = false;
    hand->done = true;
}

/* ---- the message goes over ---- */

/* 0 where it can't be told: then no bar is drawn. */
static uint64_t size_of(int fd)
{
    struct stat st;

    return disk_system.stat(&disk_system, fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static bool read_piece(struct hand *hand)
{
    char piece[SUBMISSION_PIECE_MAX];
    size_t len;

    if (!file_read_at(hand->handing->fd, hand->at, piece, sizeof piece, &len, &hand->err))
        return false;
    hand->at += len;
    hand->all_read = len == 0;
    progress_show(&hand->progress, hand->at, hand->size, loop_now(hand->loop));
    if (len)
        submission_write_piece((struct span){ piece, len }, &hand->out);
    return true;
}

/* An owner that is gone before that, or was about to go when we came, leaves us a message that no one has. */
static void say_end(void *who)
{
    struct hand *hand = who;

    if (stream_pending(hand->stream) || stream_arrived(hand->stream) < stream_sent(hand->stream)) {
        timer_set(hand->hears, loop_now(hand->loop) + HEARD_MS);
        return;
    }
    if (stream_hung_up(hand->stream))
        return; /* which is told in a moment, or his answer is */
    timer_set(hand->hears, UINT64_MAX); /* that there is room again may have called us before it did */
    hand->ended = true;
    submission_write_piece(SPAN_NONE, &hand->out);
    buf_drop_front(&hand->out, stream_write(hand->stream, buf_span(&hand->out)));
}

static void write_on(void *who)
{
    struct hand *hand = who;

    for (;;) {
        size_t taken = stream_write(hand->stream, buf_span(&hand->out));
        buf_drop_front(&hand->out, taken);
        timer_set(hand->patience, loop_now(hand->loop) + SILENT_MS);
        if (hand->out.len || hand->ended)
            return;
        if (hand->all_read) {
            say_end(hand);
            return;
        }
        if (!read_piece(hand)) {
            give_up(hand);
            return;
        }
    }
}

/* ---- the answer comes back ---- */

static bool understand(struct hand *hand, struct span words, struct span object)
{
    OWN(json_tree) tree = NULL;
    uint64_t status = 0;

    if (!str_to_u64(span_cut(words, 0, span_find(words, ' ')), 0, 255, &status) ||
        !json_read(object, ANSWER_MAX, &tree, &hand->err))
        return err_set(&hand->err, ERR_PROTOCOL, "the owner of the queue answers strangely");
    if (control_failure(json_root(tree), &hand->err))
        return false;
    struct span account = json_text_at(json_root(tree), "account");
    snprintf(hand->handed.account, sizeof hand->handed.account, "%.*s", SPAN_ARG(account));
    return (json_number_at(json_root(tree), "id", &hand->handed.id) &&
            json_bool_at(json_root(tree), "repeated", &hand->handed.repeated)) ||
           err_set(&hand->err, ERR_PROTOCOL, "the owner of the queue answers strangely");
}

static void came(void *who, struct span bytes)
{
    struct hand *hand = who;

    buf_add_span(&hand->answer, bytes);
    struct span rest = buf_span(&hand->answer);
    size_t first = span_find(rest, '\n');
    struct span object = first < rest.len ? span_from(rest, first + 1) : SPAN_NONE;
    size_t second = span_find(object, '\n');
    if (hand->done || first == rest.len || second == object.len)
        return;
    hand->good = understand(hand, span_cut(rest, 0, first), span_cut(object, 0, second));
    hand->done = true;
}

static void hangs(void *who)
{
    struct hand *hand = who;

    err_found(&hand->err, ERR_LATER, "daemon:unreachable", "the outpost that runs here does not go on%s",
              hand->ended ? "; it may have queued the message, or not" : "");
    give_up(hand);
}

static void ended(void *who, const struct err *why)
{
    struct hand *hand = who;

    (void)why;
    if (hand->done)
        return;
    err_found(&hand->err, ERR_LATER, "daemon:unreachable", "the outpost that runs here hung up%s",
              hand->ended ? "; it may have queued the message, or not" : " before it had it all");
    hand->gone = true;
    give_up(hand);
}

static void dialled(void *who, struct stream *stream, const struct err *why)
{
    static const struct stream_events events = { came, write_on, ended };
    struct hand *hand = who;

    hand->stream = stream;
    if (!stream) {
        hand->err = *why;
        give_up(hand);
        return;
    }
    stream_on(stream, &events, hand);
    write_on(hand);
}

/* One try over the socket. *ret_reached false: nobody listens there, or he left before he had it. */
static bool hand_over(struct hand *hand, bool *ret_reached, struct err *err)
{
    const struct network *network = cli_network(hand->cli, NULL);
    char *path = place_socket(cli_place(hand->cli, NULL), "submit");
    struct dial *dial = NULL;

    if (!path)
        return err_no_memory(err);
    const struct dial_plan plan = {
        .host = path, .resolver = network->resolver, .deadline = loop_now(hand->loop) + REACH_MS,
    };
    buf_clear(&hand->out);
    buf_clear(&hand->answer);
    hand->at = 0;
    hand->done = hand->all_read = hand->gone = false;
    bool began = submission_write(hand->handing->submission, &hand->out, err) &&
                 dial_start(hand->loop, &plan, dialled, hand, &dial, err);
    mem_free(path);
    if (!began)
        return false;
    loop_run_until(hand->loop, &hand->done);
    timer_set(hand->patience, UINT64_MAX);
    timer_set(hand->hears, UINT64_MAX);
    *ret_reached = hand->stream && (!hand->gone || hand->ended);
    stream_free(GIVE(hand->stream));
    dial_free(dial);
    return true;
}

/* ---- being the owner ---- */

static void saw(void *who, const struct relay_event *event)
{
    struct hand *hand = who;

    (void)event;
    hand->look = true;
    if (hand->handed.id)
        timer_set(hand->timer, 0);
}

/* The relay reads the other messages of the queue, too. */
static void moved(void *who, uint64_t id, uint64_t sent, uint64_t size)
{
    struct hand *hand = who;

    if (id == hand->handed.id)
        progress_show(&hand->progress, sent, size, loop_now(hand->loop));
}

static void rang(void *who);

static bool become_owner(struct hand *hand, bool *ret_taken, struct err *err)
{
    if (!owner_take(hand->cli, &hand->owner, ret_taken, err))
        return false;
    hand->owns = *ret_taken;
    hand->owner.moved = moved;
    hand->owner.looks_around = hand->handing != NULL;
    return !hand->owns ||
           (owner_deliver(&hand->owner, saw, hand, err) && doors_open(&hand->owner, NULL, NULL, &hand->doors, err));
}

static void pass_time(void *who)
{
    bool *over = who;

    *over = true;
}

static bool wait_a_little(struct hand *hand, struct err *err)
{
    bool over = false;
    OWN(timer) timer = timer_new(hand->loop, pass_time, &over);

    if (!timer)
        return err_no_memory(err);
    timer_set(timer, loop_now(hand->loop) + AGAIN_MS);
    loop_run_until(hand->loop, &over);
    return true;
}

static bool unreachable(const struct hand *hand, bool is_guest, struct err *err)
{
    const struct place *place = cli_place(hand->cli, NULL);

    return is_guest ? err_found(err, ERR_LATER, "daemon:unreachable", "nobody takes mail within %d seconds: %s%s",
                                REACH_MS / 1000, hand->err.text, absence_remedy(place, hand->err.sys))
                    : err_found(err, ERR_LATER, "daemon:unreachable", "another outpost owns %s and does not answer",
                                place->state);
}

/* Another may be the owner for a moment and listen at no door, or be about to. */
static bool reach(struct hand *hand, struct err *err)
{
    uint64_t until = loop_now(hand->loop) + REACH_MS;
    bool reached = false, taken = false, is_guest = place_is_anothers(cli_place(hand->cli, NULL));

    for (;;) {
        if (!hand_over(hand, &reached, err))
            return false;
        if (reached)
            return true;
        if (!hand->owns && !is_guest && !become_owner(hand, &taken, err))
            return false;
        if (!taken && loop_now(hand->loop) >= until)
            return unreachable(hand, is_guest, err);
        if (!taken && !wait_a_little(hand, err))
            return false;
    }
}

/* ---- what became of it ---- */

/* It was being sent when it was looked at, and nobody sends now: what became of it is there at the next look. If it still
 * is being sent then, its lease was lost. */
static bool is_left_behind(struct hand *hand)
{
    bool idle = !relay_is_busy(hand->owner.relay), before = hand->idle;

    hand->idle = idle;
    return idle && before;
}

static bool is_over(struct hand *hand, const struct json_value *story)
{
    struct span state = json_text_at(story, "state");
    struct relay_status status;

    if (span_is(state, "sending"))
        return is_left_behind(hand);
    if (!span_is(state, "queued"))
        return true;
    for (size_t i = 0; relay_status(hand->owner.relay, i, &status); i++)
        if (strcmp(status.account, hand->handed.account) == 0)
            return status.health != RELAY_READY && status.health != RELAY_SENDING;
    return true;
}

static void told(void *who, struct span line)
{
    struct hand *hand = who;
    struct json_tree *tree = NULL;

    if (!json_read(line, CONTROL_LINE_MAX, &tree, &hand->err))
        return;
    if (!json_member(json_root(tree), "id")) {
        json_tree_free(tree);
        return;
    }
    json_tree_free(hand->handed.story);
    hand->handed.story = tree;
    hand->settled = is_over(hand, json_root(tree));
}

static void all_told(void *who)
{
    struct hand *hand = who;

    hand->asked = NULL;
    timer_set(hand->timer, hand->look ? 0 : loop_now(hand->loop) + LOOK_MS);
}

static void rang(void *who)
{
    static const struct control_events events = { .line = told, .done = all_told };
    const struct control_caller caller = { .may_all = true, .submitter = "owner" };
    struct hand *hand = who;
    HELD(buf) question = BUF(100);

    if (hand->asked || !hand->handed.id)
        return;
    hand->look = false;
    buf_addf(&question, "{\"verb\":\"queue show\",\"ids\":[%llu]}", (unsigned long long)hand->handed.id);
    if (!control_ask(&hand->owner.control, &caller, buf_span(&question), &events, hand, &hand->asked, &hand->err))
        hand->settled = true;
}

static void drained(void *who)
{
    bool *over = who;

    *over = true;
}

/* As far as it goes now; then whatever else came in meanwhile. */
static void see_it_off(struct hand *hand)
{
    bool over = false;

    hand->progress = progress_on(hand->cli, "sending");
    rang(hand);
    loop_run_until(hand->loop, &hand->settled);
    progress_clear(&hand->progress);
    control_abandon(hand->asked);
    relay_drain(hand->owner.relay, drained, &over);
    loop_run_until(hand->loop, &over);
}

static void take_story(void *who, const struct json_value *line, struct span text)
{
    struct hand *hand = who;

    (void)line;
    json_tree_free(GIVE(hand->handed.story));
    hand->settled = json_read(text, CONTROL_LINE_MAX, &hand->handed.story, &hand->err) &&
                    !span_is(json_text_at(json_root(hand->handed.story), "state"), "queued") &&
                    !span_is(json_text_at(json_root(hand->handed.story), "state"), "sending");
}

/* The process that runs answers when something has become of it; one of another version at once, and is asked again. */
static void ask_about_it(struct hand *hand)
{
    struct asking_events events = { .line = take_story };
    uint64_t until = loop_now(hand->loop) + hand->handing->wait_ms, matched, sending;
    HELD(buf) question = BUF(100);

    buf_addf(&question, "{\"verb\":\"queue show\",\"wait\":true,\"ids\":[%llu]}", (unsigned long long)hand->handed.id);
    for (uint64_t now; !hand->settled && (now = loop_now(hand->loop)) < until;) {
        events.patience_ms = until - now;
        if (!asking(hand->cli, buf_span(&question), &events, hand, &matched, &sending, &hand->err) ||
            (!hand->settled && !wait_a_little(hand, &hand->err)))
            return;
    }
}

/* ---- who was told of it ---- */

struct noting {
    uint64_t id;
    uint32_t numbers[TOLD_MAX];
    size_t count;
    bool *over;
};

static bool run_note(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct noting *noting = data;
    const struct store_told told = {
        .id = noting->id,
        .kinds = REPORT_FAILURE | REPORT_DELAY,
        .recipients = noting->numbers,
        .count = noting->count,
        .how = "the command that sent it",
    };

    return store_told(store, &told, now, err);
}

static void noted(void *data, const struct err *err)
{
    struct noting *noting = data;

    (void)err; /* then it is told once more, by whoever runs next */
    *noting->over = true;
}

static void drop_noting(void *data)
{
    mem_free(data);
}

static void note_told(struct hand *hand)
{
    const struct json_value *recipients = json_member(json_root(hand->handed.story), "recipients");
    bool over = false;
    struct noting *noting = NEW(noting);
    const struct queue_job job = { .run = run_note, .done = noted, .drop = drop_noting, .data = noting };

    if (!noting)
        return;
    *noting = (struct noting){ .id = hand->handed.id, .over = &over };
    for (uint32_t i = 0; i < json_count(recipients) && i < TOLD_MAX; i++) {
        struct span state = json_text_at(json_element(recipients, i), "state");
        if (span_is(state, "failed") || span_is(state, "unknown"))
            noting->numbers[noting->count++] = i;
    }
    if (!noting->count || !queue_ask(hand->owner.port, &job, NULL, NULL))
        mem_free(noting);
    else
        loop_run_until(hand->loop, &over);
}

static void tell(struct hand *hand)
{
    hand->handed.owner = hand->owns;
    if (!hand->handing->tell)
        return;
    hand->handing->tell(hand->handing->who, &hand->handed);
    if (hand->owns)
        note_told(hand);
}

static void hand_done(struct hand *hand)
{
    doors_close(&hand->doors);
    if (hand->owns)
        owner_done(&hand->owner);
    timer_free(hand->timer);
    timer_free(hand->patience);
    timer_free(hand->hears);
    buf_done(&hand->out);
    buf_done(&hand->answer);
}

/* ---- what waits ---- */

static void look_if_idle(void *who)
{
    struct hand *hand = who;

    hand->settled = !relay_is_busy(hand->owner.relay);
    timer_set(hand->timer, loop_now(hand->loop) + AGAIN_MS);
}

bool handing_deliver(struct cli *cli, struct err *err)
{
    const struct network *network = cli_network(cli, err);
    struct hand hand = { .cli = cli, .out = BUF(OUT_MAX), .answer = BUF(ANSWER_MAX) };
    bool taken = false, over = false;

    if (!network)
        return false;
    if (cli_place(cli, NULL)->scope == PLACE_SYSTEM)
        return true; /* there the daemon does it */
    hand.loop = network->loop;
    hand.timer = timer_new(hand.loop, look_if_idle, &hand);
    bool good = hand.timer ? become_owner(&hand, &taken, err) : err_no_memory(err);
    if (good && taken) {
        timer_set(hand.timer, loop_now(hand.loop) + AGAIN_MS);
        loop_run_until(hand.loop, &hand.settled);
        relay_drain(hand.owner.relay, drained, &over);
        loop_run_until(hand.loop, &over);
    }
    hand_done(&hand);
    return good;
}

bool handing_run(struct cli *cli, const struct handing *handing, struct handed *ret_handed, struct err *err)
{
    const struct network *network = cli_network(cli, err);
    struct hand hand = { .cli = cli, .handing = handing, .out = BUF(OUT_MAX), .answer = BUF(ANSWER_MAX) };

    *ret_handed = (struct handed){ 0 };
    if (!network)
        return false;
    hand.loop = network->loop;
    hand.progress = progress_on(cli, "queueing");
    hand.size = size_of(handing->fd);
    hand.timer = timer_new(hand.loop, rang, &hand);
    hand.patience = timer_new(hand.loop, hangs, &hand);
    hand.hears = timer_new(hand.loop, say_end, &hand);
    bool good = hand.timer && hand.patience && hand.hears ? reach(&hand, err) : err_no_memory(err);
    progress_clear(&hand.progress);
    if (good && !hand.good) {
        good = false;
        if (err)
            *err = hand.err;
    }
    if (good && hand.owns)
        see_it_off(&hand);
    else if (good && handing->wait_ms)
        ask_about_it(&hand);
    if (good)
        tell(&hand);
    hand_done(&hand);
    *ret_handed = hand.handed;
    return good;
}

void handed_done(struct handed *handed)
{
    json_tree_free(handed->story);
    *handed = (struct handed){ 0 };
}
