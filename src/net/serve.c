#include "net/serve.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "net/serve_face.h"
#include "net/stream_int.h"
#include "net/timer.h"
#include "os/module.h"

#include "base/banned.h"

enum { SERVE_MAGIC = 0x73657276, LINE_MAGIC = 0x6c696e65 };

/* A caller. What it says goes to the reader through `inner`, what the reader says goes to it. */
struct line {
    uint32_t magic;
    struct serve *serve;
    struct line *next, **link; /* link: what points at this one */
    struct stream *outer, *inner;
    struct reader_line *reading; /* NULL before, and when the reader has had enough */
    struct serve_request *request; /* began, and is not answered */
    bool answering;                /* the answer has not left yet */
    uint64_t since;                /* it has said nothing that counts */
    struct timer *timer;
};

struct serve {
    uint32_t magic;
    struct loop *loop;
    const struct serve_face *face;
    struct reader *reader;
    struct reader_events reader_events;
    struct serve_events events;
    void *who;
    struct tls_context *tls;
    uint64_t patience_ms;
    struct listener *listener;
    struct line *lines;
    unsigned count;
    bool finishing;
};

/* ---- the end ---- */

static void release(struct serve *serve)
{
    listener_free(serve->listener);
    if (serve->reader)
        serve->face->free(serve->reader);
    OBJ_GONE(serve);
    mem_free(serve);
}

/* The line goes; the last one of a server that finishes takes it along. */
static void line_free(struct line *line)
{
    struct serve *serve = line->serve;

    *line->link = line->next;
    if (line->next)
        line->next->link = line->link;
    if (line->request)
        line->request->line = NULL;
    if (line->reading)
        serve->face->forget(line->reading);
    stream_free(line->outer);
    stream_free(line->inner);
    timer_free(line->timer);
    OBJ_GONE(line);
    mem_free(line);
    serve->count--;
    if (serve->finishing && !serve->lines)
        release(serve);
}

/* The same, and whoever keeps its request hears of it. That one's memory is the reader's, who clears away
 * later. */
static void line_over(struct line *line)
{
    const struct serve *serve = line->serve;
    struct serve_request *request = line->request;
    void (*dropped)(void *who, struct serve_request *request) =
        serve->finishing ? NULL : serve->events.dropped;
    void *who = serve->who;

    line_free(line);
    if (request && dropped)
        dropped(who, request);
}

static void on_timer(void *who)
{
    line_over(OBJ(line, LINE_MAGIC, who));
}

static void wait_for(struct line *line, uint64_t bytes)
{
    uint64_t seconds = bytes / SERVE_BODY_RATE;

    timer_set(line->timer, loop_now(line->serve->loop) + line->serve->patience_ms + seconds * 1000);
}

/* ---- bytes ---- */

/* On to the other side, which has room for a whole read as long as it is not full. */
static void pass_on(struct stream *from, struct stream *to, struct span bytes)
{
    (void)stream_write(to, bytes);
    if (stream_pending(to) > STREAM_QUEUE_MAX - STREAM_READ_MAX)
        stream_read(from, false);
}

static void on_outer_read(void *who, struct span bytes)
{
    struct line *line = OBJ(line, LINE_MAGIC, who);

    pass_on(line->outer, line->inner, bytes);
}

static void on_outer_writable(void *who)
{
    struct line *line = OBJ(line, LINE_MAGIC, who);

    stream_read(line->inner, true);
}

static void on_outer_ended(void *who, const struct err *why)
{
    (void)why;
    line_over(OBJ(line, LINE_MAGIC, who));
}

static void on_inner_read(void *who, struct span bytes)
{
    struct line *line = OBJ(line, LINE_MAGIC, who);

    pass_on(line->inner, line->outer, bytes);
}

static void on_inner_writable(void *who)
{
    struct line *line = OBJ(line, LINE_MAGIC, who);

    stream_read(line->outer, true);
}

/* The reader has had enough of this caller: its last words leave. */
static void on_inner_ended(void *who, const struct err *why)
{
    struct line *line = OBJ(line, LINE_MAGIC, who);
    (void)why;

    stream_finish(GIVE(line->outer));
    line_over(line);
}

static void start_reading(struct line *line)
{
    static const struct stream_events outer = { on_outer_read, on_outer_writable, on_outer_ended };
    static const struct stream_events inner = { on_inner_read, on_inner_writable, on_inner_ended };
    struct serve *serve = line->serve;
    int fd;

    if (!stream_pair(serve->loop, &line->inner, &fd, NULL) ||
        !serve->face->add(serve->reader, fd, line, &line->reading, NULL)) {
        line_free(line);
        return;
    }
    stream_on(line->inner, &inner, line);
    stream_on(line->outer, &outer, line);
}

/* ---- requests ---- */

static uint64_t on_began(void *who, struct serve_request *request)
{
    struct line *line = OBJ(line, LINE_MAGIC, who);
    struct serve *serve = line->serve;

    request->line = line;
    line->request = request;
    uint64_t most = serve->events.began ? serve->events.began(serve->who, request) : 0;
    if (request->line && line->request && most)
        wait_for(line, request->body_len < most ? request->body_len : most);
    return most;
}

static void on_piece(void *who, struct serve_request *request, struct span piece)
{
    const struct line *line = OBJ(line, LINE_MAGIC, who);

    line->serve->events.piece(line->serve->who, request, piece);
}

static void on_asked(void *who, struct serve_request *request)
{
    struct line *line = OBJ(line, LINE_MAGIC, who);

    timer_set(line->timer, UINT64_MAX); /* how long the answer takes is not the caller's fault */
    line->serve->events.asked(line->serve->who, request);
}

/* Refused by the reader after we were told of it, answered, or cut short. */
static void on_over(void *who, struct serve_request *request, bool answered)
{
    struct line *line = OBJ(line, LINE_MAGIC, who);
    const struct serve *serve = line->serve;
    bool waits = line->request != NULL;

    line->request = NULL;
    line->answering = false;
    if (answered) {
        line->since = loop_now(serve->loop);
        wait_for(line, 0);
    }
    if (waits && serve->events.dropped && !serve->finishing)
        serve->events.dropped(serve->who, request);
}

static void on_gone(void *who)
{
    struct line *line = OBJ(line, LINE_MAGIC, who);

    line->reading = NULL;
}

void serve_answer(struct serve_request *request, const struct serve_answer *answer)
{
    struct line *line = OBJ(line, LINE_MAGIC, request->line);

    line->request = NULL;
    line->answering = true;
    wait_for(line, answer->body.len);
    line->serve->face->answer(request, answer);
}

/* ---- callers ---- */

static void on_secured(void *who, const struct err *why)
{
    struct line *line = OBJ(line, LINE_MAGIC, who);

    if (why->kind == ERR_NONE)
        start_reading(line);
    else
        line_free(line);
}

/* Who has asked for nothing for longest makes room; where all are being answered, that is the newcomer. */
static void make_room(struct serve *serve)
{
    struct line *idlest = NULL;

    for (struct line *line = serve->lines; line; line = line->next)
        if (!line->request && !line->answering && (!idlest || line->since <= idlest->since))
            idlest = line;
    if (idlest)
        line_free(idlest);
}

static struct line *line_new(struct serve *serve, struct stream *stream)
{
    struct line *line = NEW(line);

    if (!line)
        return NULL;
    line->timer = timer_new(serve->loop, on_timer, line);
    if (!line->timer) {
        mem_free(line);
        return NULL;
    }
    line->magic = LINE_MAGIC;
    line->serve = serve;
    line->outer = stream;
    line->since = loop_now(serve->loop);
    line->next = serve->lines;
    line->link = &serve->lines;
    if (line->next)
        line->next->link = &line->next;
    serve->lines = line;
    serve->count++;
    return line;
}

static void came(void *who, struct stream *stream)
{
    struct serve *serve = OBJ(serve, SERVE_MAGIC, who);
    struct tls *tls = NULL;

    struct line *line = line_new(serve, stream);
    if (!line) {
        stream_free(stream);
        return;
    }
    wait_for(line, 0);
    if (!serve->tls)
        start_reading(line);
    else if (tls_server(serve->tls, &tls, NULL))
        stream_secure(stream, tls, on_secured, line);
    else
        line_free(line);
    if (serve->count > SERVE_CALLERS_MAX)
        make_room(serve);
}

/* ---- birth and death ---- */

bool serve_open(struct loop *loop, const struct serve_plan *plan, const struct serve_events *events,
                void *who, struct serve **ret_serve, struct err *err)
{
    const void *face;

    if (!module_load(SERVE_MODULE, SERVE_SYMBOL, &face, err))
        return false;
    OWN(serve) serve = NEW(serve);
    if (!serve)
        return err_no_memory(err);
    *serve = (struct serve){
        .magic = SERVE_MAGIC,
        .loop = loop,
        .face = face,
        .reader_events = { on_began, events->piece ? on_piece : NULL, on_asked, on_over,
                           on_gone },
        .events = *events,
        .who = who,
        .tls = plan->tls,
        .patience_ms = plan->patience_ms ? plan->patience_ms : SERVE_PATIENCE_MS,
    };
    if (!serve->face->open(loop_uv(loop), &serve->reader_events, &serve->reader, err) ||
        !listen_open(loop, &plan->where, came, serve, &serve->listener, err))
        return false;
    *ret_serve = GIVE(serve);
    return true;
}

uint16_t serve_port(const struct serve *serve)
{
    return listener_port(serve->listener);
}

void serve_finish(struct serve *serve)
{
    listener_free(GIVE(serve->listener));
    for (struct line *line = serve->lines, *next; line; line = next) {
        next = line->next;
        if (!line->inner || line->request) {
            line_free(line);
            continue;
        }
        /* The reader says what it has to say, and then, hearing no more, hangs up. */
        stream_pair_end(line->inner);
        wait_for(line, 0);
    }
    serve->finishing = true;
    if (!serve->lines)
        release(serve);
}

void serve_free(struct serve *serve)
{
    if (!serve)
        return;
    listener_free(GIVE(serve->listener));
    while (serve->lines)
        line_free(serve->lines);
    release(serve);
}
