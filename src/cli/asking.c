#include "cli/asking.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/absence.h"
#include "cli/owner.h"
#include "net/dial.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/timer.h"
#include "os/clock.h"

#include "base/banned.h"

enum { PATIENCE_MS = 60 * 1000, REACH_MS = 5 * 1000, AGAIN_MS = 50 };

struct asking_now {
    const struct asking_events *events;
    void *who;
    struct span question;
    struct stream *stream;
    struct buf answer;
    bool connected, done, good, gave_up;
    uint64_t matched, sending;
    struct err err;
};

/* ---- answers, from either side ---- */

static void last(struct asking_now *a, const struct json_value *line)
{
    a->good = !control_failure(line, &a->err);
    if (!json_number_at(line, "matched", &a->matched) || !json_number_at(line, "sending", &a->sending))
        a->matched = a->sending = 0;
    a->done = true;
}

static void take_line(void *who, struct span text)
{
    struct asking_now *a = who;
    OWN(json_tree) tree = NULL;
    bool end = false;

    if (!json_read(text, CONTROL_LINE_MAX, &tree, &a->err)) {
        err_in(&a->err, "the answer");
        a->done = true;
        return;
    }
    if (json_bool_at(json_root(tree), "done", &end) && end && !json_member(json_root(tree), "id"))
        last(a, json_root(tree));
    else if (a->events && a->events->line)
        a->events->line(a->who, json_root(tree), text);
}

/* ---- patience ---- */

static void had_enough(void *who)
{
    struct asking_now *a = who;

    err_set(&a->err, ERR_LATER, "no answer came in time");
    a->gave_up = a->done = true;
}

/* Until it is answered, or has taken too long. */
static bool wait_for_answer(struct loop *loop, struct asking_now *a, struct err *err)
{
    uint64_t patience = a->events ? a->events->patience_ms : 0;
    OWN(timer) timer = timer_new(loop, had_enough, a);

    if (!timer)
        return err_no_memory(err);
    timer_set(timer, patience ? loop_now(loop) + patience : UINT64_MAX);
    return loop_run_until(loop, &a->done);
}

/* ---- the process that runs ---- */

static void came(void *who, struct span bytes)
{
    struct asking_now *a = who;
    struct span rest;
    size_t end;

    buf_add_span(&a->answer, bytes);
    rest = buf_span(&a->answer);
    while (!a->done && (end = span_find(rest, '\n')) < rest.len) {
        take_line(a, span_cut(rest, 0, end));
        rest = span_from(rest, end + 1);
    }
    buf_drop_front(&a->answer, a->answer.len - rest.len);
}

static void ended(void *who, const struct err *why)
{
    struct asking_now *a = who;

    (void)why;
    err_found(&a->err, ERR_NETWORK, "daemon:unreachable", "the outpost that runs here hung up");
    a->done = true;
}

static void dialled(void *who, struct stream *stream, const struct err *why)
{
    static const struct stream_events events = { came, NULL, ended };
    struct asking_now *a = who;

    a->stream = stream;
    a->connected = stream != NULL;
    if (!stream) {
        a->err = *why;
        a->done = true;
        return;
    }
    stream_on(stream, &events, a);
    if (stream_write(stream, a->question) + stream_write(stream, SPAN("\n")) != a->question.len + 1)
        ended(a, why);
}

static bool ask_at(struct cli *cli, const char *door, struct asking_now *a, struct err *err)
{
    const struct network *network = cli_network(cli, err);
    char *path = network ? place_socket(cli_place(cli, NULL), door) : NULL;
    struct dial *dial = NULL;

    if (!path)
        return network ? err_no_memory(err) : false;
    const struct dial_plan plan = {
        .host = path, .resolver = network->resolver, .deadline = loop_now(network->loop) + PATIENCE_MS,
    };
    a->done = false;
    bool began = dial_start(network->loop, &plan, dialled, a, &dial, err);
    mem_free(path);
    if (!began)
        return false;
    bool good = wait_for_answer(network->loop, a, err);
    stream_free(a->stream);
    dial_free(dial);
    buf_done(&a->answer);
    return good || a->done;
}

/* Whom the control socket does not let in asks where he hands in mail: there the daemon says what is his. */
static bool ask_process(struct cli *cli, struct asking_now *a, struct err *err)
{
    bool asked = ask_at(cli, "control", a, err);

    if (asked && !a->connected && place_is_anothers(cli_place(cli, NULL)) && (a->err.sys == EACCES || a->err.sys == EPERM))
        asked = ask_at(cli, "submit", a, err);
    return asked;
}

/* ---- this process ---- */

static void own_done(void *who)
{
    (void)who; /* its last line said so */
}

static bool ask_ourselves(struct owner *owner, struct asking_now *a, struct err *err)
{
    static const struct control_events events = { .line = take_line, .done = own_done };
    struct control_caller caller = { .may_all = true };
    struct control_asked *asked = NULL;

    snprintf(caller.submitter, sizeof caller.submitter, "uid:%u", getuid());
    if (!control_ask(&owner->control, &caller, a->question, &events, a, &asked, err))
        return false;
    bool good = wait_for_answer(cli_network(owner->cli, NULL)->loop, a, err);
    if (a->gave_up || !good)
        control_abandon(asked);
    return good;
}

bool asking_process(struct cli *cli, struct span question, const struct asking_events *events, void *who,
                    bool *ret_there, struct err *err)
{
    struct asking_now a = { .events = events, .who = who, .question = question, .answer = BUF(CONTROL_LINE_MAX) };
    const struct place *place = cli_place(cli, err);
    char *socket = place ? place_socket(place, "control") : NULL;

    *ret_there = socket && file_exists(socket);
    mem_free(socket);
    if (!place || !*ret_there)
        return place != NULL;
    if (!ask_process(cli, &a, err))
        return false;
    *ret_there = a.connected;
    if (a.connected && !a.good && err)
        *err = a.err;
    return !a.connected || a.good;
}

static bool nobody_there(const struct place *place, const struct asking_now *a, struct err *err)
{
    return err_found(err, ERR_LATER, "daemon:unreachable", "the outpost of this machine does not run: %s%s", a->err.text,
                     absence_remedy(place, a->err.sys));
}

/* Nobody is there: then we are. In system scope only who may write the state directory. *ret_asked is false where
 * another is the owner and listens at no door: for a moment, at his beginning and at his end. */
static bool ask_once(struct cli *cli, struct asking_now *a, bool *ret_asked, struct err *err)
{
    struct owner owner;
    bool taken = false;

    *ret_asked = false;
    if (!ask_process(cli, a, err))
        return false;
    if (a->connected) {
        *ret_asked = true;
        return true;
    }
    if (place_is_anothers(cli_place(cli, NULL)) && geteuid() != 0)
        return nobody_there(cli_place(cli, NULL), a, err);
    a->done = false;
    if (!owner_take(cli, &owner, &taken, err))
        return false;
    if (!taken)
        return true;
    *ret_asked = ask_ourselves(&owner, a, err);
    owner_done(&owner);
    return *ret_asked;
}

bool asking(struct cli *cli, struct span question, const struct asking_events *events, void *who,
            uint64_t *ret_matched, uint64_t *ret_sending, struct err *err)
{
    struct asking_now a = { .events = events, .who = who, .question = question, .answer = BUF(CONTROL_LINE_MAX) };
    uint64_t until = clock_now(&clock_system) + REACH_MS;
    bool asked = false;

    while (!asked) {
        if (!cli_place(cli, err) || !ask_once(cli, &a, &asked, err))
            return false;
        if (!asked && clock_now(&clock_system) >= until) {
            *err = a.err;
            err->fact = "daemon:unreachable";
            return err_in(err, "another outpost owns %s and does not answer", cli_place(cli, NULL)->state);
        }
        if (!asked)
            poll(NULL, 0, AGAIN_MS); /* nothing else is under way here */
    }
    *ret_matched = a.matched;
    *ret_sending = a.sending;
    if (!a.good && err)
        *err = a.err;
    return a.good;
}
