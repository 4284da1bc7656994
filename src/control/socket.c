#include "control/socket.h"

#include <stdio.h>

#include "base/alloc.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/timer.h"

#include "base/banned.h"

enum {
    ANSWER_MAX = 8 * 1024 * 1024,  /* a page of long lines and more */
    ANSWER_ROOM = 1024 * 1024,     /* so much may lie unread, and the next page is asked for all the same */
};

struct caller {
    struct control_socket *socket;
    struct stream *stream;
    uint32_t uid;
    struct control_caller who;
    struct timer *patience; /* with a guest; NULL: he is none */
    struct buf question, answer;
    struct control_asked *asked; /* NULL: nothing is under way */
    struct caller *next;
};

struct control_socket {
    struct control_socket_plan plan;
    struct listener *listener;
    struct caller *callers;
    size_t count;
};

static void caller_free(struct caller *caller)
{
    struct caller **at = &caller->socket->callers;

    while (*at != caller)
        at = &(*at)->next;
    *at = caller->next;
    caller->socket->count--;
    control_abandon(caller->asked);
    stream_free(caller->stream);
    timer_free(caller->patience);
    buf_done(&caller->question);
    buf_done(&caller->answer);
    mem_free(caller);
}

/* ---- answers ---- */

static void write_on(struct caller *caller)
{
    struct span rest = buf_span(&caller->answer);
    size_t taken = stream_write(caller->stream, rest);

    buf_drop_front(&caller->answer, taken);
    if (caller->answer.len < ANSWER_ROOM)
        control_go_on(caller->asked);
}

static bool room(void *who)
{
    const struct caller *caller = who;

    return caller->answer.len < ANSWER_ROOM;
}

static void line(void *who, struct span json)
{
    struct caller *caller = who;

    buf_add_span(&caller->answer, json);
    buf_add(&caller->answer, "\n");
    write_on(caller);
}

/* He may say more meanwhile: that waits. */
static void lasts(void *who)
{
    struct caller *caller = who;

    stream_read(caller->stream, true);
}

static void ask_next(struct caller *caller);

static void done(void *who)
{
    struct caller *caller = who;

    caller->asked = NULL;
    stream_read(caller->stream, true);
    ask_next(caller);
}

/* ---- questions ---- */

static void ask_next(struct caller *caller)
{
    static const struct control_events events = { line, done, room, lasts };
    struct span question = buf_span(&caller->question);
    size_t end = span_find(question, '\n');
    struct err err;

    if (caller->asked || end == question.len)
        return;
    stream_read(caller->stream, false); /* one at a time */
    if (!control_ask(caller->socket->plan.control, &caller->who, span_cut(question, 0, end), &events, caller,
                     &caller->asked, &err)) {
        stream_finish(GIVE(caller->stream));
        caller_free(caller);
        return;
    }
    buf_drop_front(&caller->question, end + 1);
}

static void came_bytes(void *who, struct span bytes)
{
    struct caller *caller = who;

    buf_add_span(&caller->question, bytes);
    if (caller->question.full || caller->answer.full)
        caller_free(caller);
    else
        ask_next(caller);
}

static void writable(void *who)
{
    write_on(who);
}

static void ended(void *who, const struct err *why)
{
    (void)why;
    caller_free(who);
}

/* ---- who calls ---- */

static bool may_all(const struct control_socket *socket, uint32_t uid)
{
    return uid == 0 || uid == socket->plan.owner;
}

static bool has_place(const struct control_socket *socket, uint32_t uid, bool is_guest)
{
    size_t guests = 0, same = 0;

    for (const struct caller *caller = socket->callers; caller; caller = caller->next) {
        guests += caller->who.is_guest;
        same += caller->who.is_guest && caller->uid == uid;
    }
    return is_guest ? guests < CONTROL_GUESTS_MAX && same < CONTROL_GUESTS_OF_A_UID
                    : socket->count - guests < CONTROL_CALLERS_MAX;
}

static void rang(void *who)
{
    caller_free(who);
}

static struct caller *caller_new(struct control_socket *socket, struct stream *stream, bool by_another_door)
{
    static const struct stream_events events = { came_bytes, writable, ended };
    struct caller *caller = NULL;
    uint32_t uid;
    bool is_guest = false;

    if (stream_peer_user(stream, &uid)) {
        is_guest = by_another_door && !may_all(socket, uid);
        caller = has_place(socket, uid, is_guest) ? NEW(caller) : NULL;
    }
    struct timer *patience = caller && is_guest ? timer_new(socket->plan.loop, rang, caller) : NULL;
    if (!caller || (is_guest && !patience)) {
        mem_free(caller);
        stream_free(stream);
        return NULL;
    }
    *caller = (struct caller){
        .socket = socket,
        .stream = stream,
        .uid = uid,
        .who = { .may_all = may_all(socket, uid), .is_guest = is_guest },
        .patience = patience,
        .question = BUF(CONTROL_QUESTION_MAX),
        .answer = BUF(ANSWER_MAX),
        .next = socket->callers,
    };
    snprintf(caller->who.submitter, sizeof caller->who.submitter, "uid:%u", uid);
    socket->callers = caller;
    socket->count++;
    if (patience)
        timer_set(patience, loop_now(socket->plan.loop) + CONTROL_GUEST_MS);
    stream_on(stream, &events, caller);
    return caller;
}

static void came(void *who, struct stream *stream)
{
    (void)caller_new(who, stream, false);
}

void control_socket_take(struct control_socket *socket, struct stream *stream, struct span said)
{
    struct caller *caller = caller_new(socket, stream, true);

    if (caller)
        came_bytes(caller, said);
}

bool control_socket_open(const struct control_socket_plan *plan, struct control_socket **ret_socket,
                         struct err *err)
{
    const struct listen_plan listen = {
        .unix_path = plan->inherited ? NULL : plan->path, .unix_mode = plan->mode, .inherited = plan->inherited,
    };
    OWN(control_socket) socket = NEW(control_socket);

    if (!socket)
        return err_no_memory(err);
    socket->plan = *plan;
    if (!listen_open(plan->loop, &listen, came, socket, &socket->listener, err))
        return false;
    *ret_socket = GIVE(socket);
    return true;
}

bool control_socket_is_busy(const struct control_socket *socket)
{
    for (const struct caller *caller = socket->callers; caller; caller = caller->next)
        if (caller->asked || caller->answer.len)
            return true;
    return false;
}

void control_socket_free(struct control_socket *socket)
{
    if (!socket)
        return;
    while (socket->callers)
        caller_free(socket->callers);
    listener_free(socket->listener);
    mem_free(socket);
}
