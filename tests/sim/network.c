/* net/stream.h, net/dial.h and net/listen.h, between loops of one process. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "net/dial.h"
#include "net/listen.h"
#include "network_int.h"

enum {
    LATENCY_MS = 40,
    STALL_MS = 40 * SECOND,    /* that a bad line holds bytes back now and then, at most */
    EARLY_OCTETS = 1500,       /* within which most lines that break do, and of replies: */
    EARLY_REPLIES = 400,
    LATE_OCTETS = 200 * 1000,
    PARTS = 8,                 /* of what is written together, and arrives in so many pieces at most */
    FIRST_PORT = 20000,
    NAME_MAX = 32,
};

/* What travels one way. */
struct part {
    struct part *next;
    uint64_t arrives, written;
    enum part_kind { PART_BYTES, PART_END, PART_RESET } kind;
    size_t len;
};

struct way {
    struct stream *to, *from; /* NULL: gone */
    struct buf bytes;         /* that travel, or have arrived and are not read */
    size_t arrived;           /* of these */
    struct part *first, *last;
    struct event arrival;
    uint64_t lost;            /* octets that nobody will ever hear of */
    uint64_t carried, came;   /* octets in all */
    uint64_t read_written;    /* when what was read last had been written */
    bool over;                /* an end or a reset is on its way: nothing comes behind it */
};

enum break_kind { BREAK_NONE, BREAK_END, BREAK_RESET, BREAK_SILENT };

struct line {
    struct way ways[2];
    unsigned ends;            /* streams that are there */
    uint64_t latency;
    bool stalls, dead;        /* dead: what is written arrives nowhere */
    enum break_kind breaks;
    unsigned breaks_way;
    uint64_t breaks_after;    /* octets of that way */
};

struct stream {
    struct loop *loop;
    struct stream *next, **link;
    struct line *line;
    unsigned side;            /* its way out is ways[side], its way in ways[1 - side] */
    struct event news;
    struct listener *knocks;  /* it was not let in yet; NULL: it was */
    struct stream *behind;    /* at the same door */
    struct stream_events events;
    void *who;
    bool heard;               /* stream_on() was called */
    bool wants_reading, short_of_room, told_end, may_write, write_failed;
    enum part_kind end;       /* PART_BYTES: not yet */
    uint16_t port;            /* that was called */
    char peer[NAME_MAX], local[NAME_MAX];
};

struct dial {
    struct loop *loop;
    struct dial *next, **link;
    struct event event;
    uint64_t began;
    uint16_t port;
    bool fails;
    int sys;
    struct dial_attempt attempt;
    bool over;
    void (*done)(void *who, struct stream *stream, const struct err *why);
    void *who;
};

struct listener {
    struct loop *loop;
    struct listener *next;
    uint16_t port;
    bool paused;
    struct stream *door;      /* who knocks, the first */
    void (*came)(void *who, struct stream *stream);
    void *who;
};

static struct {
    unsigned faults;          /* percent */
    struct listener *listeners;
    uint16_t next_port;
} net;

void network_begin(unsigned fault_percent)
{
    net.faults = fault_percent;
    net.listeners = NULL;
    net.next_port = FIRST_PORT;
}

void network_faults(unsigned fault_percent)
{
    net.faults = fault_percent;
}

/* Ways -------------------------------------------------------------------------------------------------------- */

static struct way *out_of(const struct stream *stream)
{
    return &stream->line->ways[stream->side];
}

static struct way *into(const struct stream *stream)
{
    return &stream->line->ways[1 - stream->side];
}

static void have_news(struct stream *stream)
{
    if (stream && !event_is_set(&stream->news))
        event_set(&stream->news, sim_now());
}

static void drop_parts(struct way *way)
{
    event_cancel(&way->arrival);
    while (way->first) {
        struct part *part = way->first;
        way->first = part->next;
        mem_free(part);
    }
    way->last = NULL;
}

static void next_arrival(struct way *way)
{
    if (way->first && !event_is_set(&way->arrival))
        event_set(&way->arrival, way->first->arrives);
}

static void arrive(void *of)
{
    struct way *way = of;
    struct part *part = way->first;

    way->first = part->next;
    if (!way->first)
        way->last = NULL;
    next_arrival(way);
    way->came += part->len;
    if (way->to && part->kind == PART_BYTES) {
        way->arrived += part->len;
        way->read_written = part->written;
    } else if (way->to) {
        way->to->end = part->kind;
        if (part->kind == PART_RESET && sim_chance(50)) { /* what was not read is gone, too */
            buf_clear(&way->bytes);
            way->arrived = 0;
        }
    } else {
        buf_clear(&way->bytes); /* nobody reads it any more */
        way->arrived = 0;
    }
    mem_free(part);
    have_news(way->to);
    have_news(way->from);
}

static uint64_t travel_time(const struct line *line)
{
    uint64_t time = line->latency + sim_below(line->latency + 1);

    return line->stalls && sim_chance(20) ? time + sim_below(STALL_MS) : time;
}

static void send_part(struct line *line, struct way *way, enum part_kind kind, size_t len)
{
    struct part *part = NEW(part);
    uint64_t arrives = sim_now() + travel_time(line);

    if (!part)
        abort();
    if (way->last && arrives < way->last->arrives)
        arrives = way->last->arrives;
    *part = (struct part){ NULL, arrives, sim_now(), kind, len };
    if (way->last)
        way->last->next = part;
    else
        way->first = part;
    way->last = part;
    way->over |= kind != PART_BYTES;
    next_arrival(way);
}

static void send_end(struct line *line, struct way *way, enum part_kind kind)
{
    if (!way->over && !line->dead)
        send_part(line, way, kind, 0);
}

static void break_line(struct line *line)
{
    enum part_kind kind = line->breaks == BREAK_END ? PART_END : PART_RESET;

    sim_count(SIM_LINES);
    for (unsigned i = 0; i < 2 && line->breaks != BREAK_SILENT; i++)
        send_end(line, &line->ways[i], kind);
    line->dead = true;
}

static void put(struct line *line, struct way *way, struct span bytes)
{
    if (!bytes.len)
        return;
    if (line->dead || !way->to) {
        way->lost += line->dead && line->breaks == BREAK_SILENT ? bytes.len : 0;
        return;
    }
    buf_add_span(&way->bytes, bytes);
    if (way->bytes.full)
        abort();
    for (size_t len; bytes.len; bytes = span_from(bytes, len)) {
        len = sim_chance(70) ? bytes.len : 1 + (size_t)sim_below(bytes.len / (1 + sim_below(PARTS)) + 1);
        len = len < bytes.len ? len : bytes.len;
        send_part(line, way, PART_BYTES, len);
    }
}

/* Up to the octet at which it breaks. */
static void carry(struct line *line, unsigned side, struct span bytes)
{
    struct way *way = &line->ways[side];
    uint64_t left = line->breaks_after - way->carried;

    way->carried += bytes.len;
    if (line->dead || line->breaks == BREAK_NONE || line->breaks_way != side || bytes.len < left) {
        put(line, way, bytes);
        return;
    }
    put(line, way, span_cut(bytes, 0, (size_t)left));
    break_line(line);
    put(line, way, span_from(bytes, (size_t)left));
}

static void line_free(struct line *line)
{
    for (unsigned i = 0; i < 2; i++) {
        drop_parts(&line->ways[i]);
        buf_done(&line->ways[i].bytes);
    }
    mem_free(line);
}

static void choose_fate(struct line *line)
{
    line->latency = 1 + sim_below(LATENCY_MS);
    if (!sim_chance(net.faults))
        return;
    line->stalls = sim_chance(25);
    if (line->stalls)
        return;
    line->breaks = BREAK_END + (enum break_kind)sim_below(3);
    line->breaks_way = (unsigned)sim_below(2);
    line->breaks_after = 1 + sim_below(sim_chance(10)        ? LATE_OCTETS
                                       : line->breaks_way == 0 ? EARLY_OCTETS
                                                               : EARLY_REPLIES);
}

static struct line *line_new(void)
{
    struct line *line = NEW(line);

    if (!line)
        abort();
    for (unsigned i = 0; i < 2; i++) {
        line->ways[i].bytes = (struct buf)BUF(8 * STREAM_QUEUE_MAX);
        line->ways[i].arrival = (struct event){ .happen = arrive, .of = &line->ways[i] };
    }
    choose_fate(line);
    return line;
}

/* Streams ----------------------------------------------------------------------------------------------------- */

static void tell_read(struct stream *stream)
{
    static char room[STREAM_READ_MAX]; /* the line may be gone before the callee returns */
    struct way *way = into(stream);
    size_t len = way->arrived < sizeof room ? way->arrived : sizeof room;

    if (sim_chance(15))
        len = 1 + (size_t)sim_below(len);
    memcpy(room, way->bytes.at, len);
    buf_drop_front(&way->bytes, len);
    way->arrived -= len;
    have_news(way->from); /* there is room */
    stream->events.read(stream->who, (struct span){ room, len });
}

static void tell_end(struct stream *stream)
{
    struct err why = { 0 };

    if (stream->end == PART_RESET)
        err_found(&why, ERR_NETWORK, "line:reset", "reading from the peer: Connection reset by peer");
    stream->told_end = true;
    stream->events.ended(stream->who, &why);
}

static void let_in(struct stream *stream);

/* One thing at a time; the callee may free the stream. */
static void on_news(void *of)
{
    struct stream *stream = of;
    bool reads = stream->heard && stream->wants_reading && stream->events.read && !stream->told_end;

    if (stream->loop->unplugged)
        return;
    if (stream->knocks) {
        let_in(stream);
        return;
    }
    if (!stream->heard)
        return;
    if (reads && into(stream)->arrived) {
        have_news(stream);
        tell_read(stream);
    } else if (!stream->told_end && stream->end != PART_BYTES && (reads || stream->write_failed)) {
        tell_end(stream);
    } else if (!stream->told_end && stream->may_write && stream->events.writable &&
               (stream_pending(stream) == 0 ||
                (stream->short_of_room && stream_pending(stream) < STREAM_QUEUE_MAX))) {
        stream->may_write = stream->short_of_room = false;
        stream->events.writable(stream->who);
    }
}

static struct stream *stream_make(struct loop *loop, struct line *line, unsigned side, uint16_t port)
{
    struct stream *stream = NEW(stream);

    if (!stream)
        abort();
    *stream = (struct stream){ .loop = loop, .line = line, .side = side, .port = port, .next = loop->streams,
                               .link = &loop->streams };
    stream->news = (struct event){ .happen = on_news, .of = stream };
    if (stream->next)
        stream->next->link = &stream->next;
    loop->streams = stream;
    out_of(stream)->from = stream;
    into(stream)->to = stream;
    line->ends++;
    loop_count(loop, 1);
    return stream;
}

void stream_on(struct stream *stream, const struct stream_events *events, void *who)
{
    stream->events = *events;
    stream->who = who;
    if (!stream->heard)
        stream->wants_reading = true;
    stream->heard = true;
    have_news(stream);
}

void stream_read(struct stream *stream, bool on)
{
    stream->wants_reading = on;
    if (on)
        have_news(stream);
}

size_t stream_pending(const struct stream *stream)
{
    const struct way *way = out_of(stream);

    return way->bytes.len - way->arrived + (size_t)way->lost;
}

size_t stream_write(struct stream *stream, struct span bytes)
{
    size_t waits = out_of(stream)->bytes.len + (size_t)out_of(stream)->lost;
    size_t room = waits < STREAM_QUEUE_MAX ? STREAM_QUEUE_MAX - waits : 0;
    size_t len = bytes.len < room ? bytes.len : room;

    if (stream->told_end || !bytes.len)
        return 0;
    stream->may_write = true;
    stream->short_of_room |= len < bytes.len;
    if (stream->loop->unplugged)
        return len;
    if (stream->end == PART_RESET) { /* noticed by whoever reads or writes */
        stream->write_failed = true;
        have_news(stream);
        return bytes.len;
    }
    carry(stream->line, stream->side, span_cut(bytes, 0, len));
    return len;
}

uint64_t stream_sent(const struct stream *stream)
{
    return out_of(stream)->carried;
}

uint64_t stream_arrived(const struct stream *stream)
{
    return out_of(stream)->came;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    struct line *line = stream->line;
    struct way *in = into(stream);
    enum part_kind kind = in->arrived ? PART_RESET : PART_END;

    if (stream->knocks) {
        struct stream **at = &stream->knocks->door;
        while (*at != stream)
            at = &(*at)->behind;
        *at = stream->behind;
        kind = PART_RESET;
    }
    if (!stream->loop->unplugged)
        send_end(line, out_of(stream), kind);
    out_of(stream)->from = NULL;
    in->to = NULL;
    buf_clear(&in->bytes);
    in->arrived = 0;
    drop_parts(in);
    event_cancel(&stream->news);
    *stream->link = stream->next;
    if (stream->next)
        stream->next->link = stream->link;
    loop_count(stream->loop, -1);
    mem_free(stream);
    if (--line->ends == 0)
        line_free(line);
}

/* All that was taken is on its way. */
void stream_finish(struct stream *stream)
{
    stream_free(stream);
}

const char *stream_peer(const struct stream *stream)
{
    return stream->peer;
}

const char *stream_local(const struct stream *stream)
{
    return stream->local;
}

bool stream_is_loopback(const struct stream *stream)
{
    (void)stream;
    return true;
}

bool stream_peer_ip(const struct stream *stream, struct ip *ret_ip)
{
    (void)stream;
    return ip_parse(SPAN("127.0.0.1"), ret_ip);
}

bool stream_own_ip(const struct stream *stream, struct ip *ret_ip)
{
    return stream_peer_ip(stream, ret_ip);
}

bool stream_peer_user(const struct stream *stream, uint32_t *ret_uid)
{
    (void)stream, (void)ret_uid;
    return false;
}

struct tls *stream_tls(const struct stream *stream)
{
    (void)stream;
    return NULL;
}

void stream_secure(struct stream *stream, struct tls *tls, void (*secured)(void *who, const struct err *err), void *who)
{
    (void)stream, (void)tls, (void)secured, (void)who;
    abort(); /* lines within the machine need none */
}

uint64_t network_written_at(const struct stream *stream)
{
    return into(stream)->read_written;
}

/* Listening --------------------------------------------------------------------------------------------------- */

static void let_in(struct stream *stream)
{
    struct listener *listener = stream->knocks;

    if (listener->paused || listener->door != stream)
        return;
    listener->door = stream->behind;
    stream->behind = NULL;
    stream->knocks = NULL;
    have_news(listener->door);
    listener->came(listener->who, stream);
}

bool listen_open(struct loop *loop, const struct listen_plan *plan, void (*came)(void *who, struct stream *stream),
                 void *who, struct listener **ret_listener, struct err *err)
{
    struct listener *listener = NEW(listener);

    if (!listener)
        return err_no_memory(err);
    if (plan->unix_path || plan->inherited)
        abort();
    *listener = (struct listener){ .loop = loop, .next = net.listeners, .port = plan->port, .came = came, .who = who };
    if (!listener->port)
        listener->port = net.next_port++;
    net.listeners = listener;
    loop_count(loop, 1);
    *ret_listener = listener;
    return true;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

void listener_pause(struct listener *listener, bool paused)
{
    listener->paused = paused;
    if (!paused)
        have_news(listener->door);
}

static void forget_listener(struct listener *listener)
{
    for (struct listener **at = &net.listeners; *at; at = &(*at)->next)
        if (*at == listener) {
            *at = listener->next;
            return;
        }
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    forget_listener(listener);
    while (listener->door)
        stream_free(listener->door);
    loop_count(listener->loop, -1);
    mem_free(listener);
}

static struct listener *find_listener(uint16_t port)
{
    struct listener *listener = net.listeners;

    while (listener && listener->port != port)
        listener = listener->next;
    return listener;
}

static void knock(struct listener *listener, struct line *line, uint16_t from)
{
    struct stream *stream = stream_make(listener->loop, line, 1, listener->port);
    struct stream **at = &listener->door;

    snprintf(stream->peer, sizeof stream->peer, "127.0.0.1:%u", from);
    snprintf(stream->local, sizeof stream->local, "127.0.0.1:%u", listener->port);
    stream->knocks = listener;
    while (*at)
        at = &(*at)->behind;
    *at = stream;
    event_set(&stream->news, sim_now() + line->latency);
}

/* Calling ----------------------------------------------------------------------------------------------------- */

static void fail(struct dial *dial)
{
    struct err why = { 0 };

    dial->attempt.fact = dial->sys == ETIMEDOUT ? "connect:timeout" : "connect:refused";
    dial->attempt.sys = dial->sys;
    err_found(&why, ERR_NETWORK, dial->attempt.fact, "connecting to port %u: %s", dial->port, strerror(dial->sys));
    dial->done(dial->who, NULL, &why);
}

static void answer(void *of)
{
    struct dial *dial = of;
    struct listener *listener = find_listener(dial->port);

    if (dial->loop->unplugged)
        return;
    dial->over = true;
    dial->attempt.ms = sim_now() - dial->began;
    if (!listener && !dial->sys)
        dial->sys = ECONNREFUSED;
    if (dial->sys) {
        fail(dial);
        return;
    }
    struct line *line = line_new();
    struct stream *stream = stream_make(dial->loop, line, 0, dial->port);
    uint16_t from = net.next_port++;
    snprintf(stream->peer, sizeof stream->peer, "127.0.0.1:%u", dial->port);
    snprintf(stream->local, sizeof stream->local, "127.0.0.1:%u", from);
    knock(listener, line, from);
    dial->done(dial->who, stream, &(struct err){ 0 });
}

bool dial_start(struct loop *loop, const struct dial_plan *plan,
                void (*done)(void *who, struct stream *stream, const struct err *why), void *who,
                struct dial **ret_dial, struct err *err)
{
    struct dial *dial = NEW(dial);

    if (!dial)
        return err_no_memory(err);
    *dial = (struct dial){ .loop = loop, .began = sim_now(), .port = plan->port, .done = done, .who = who,
                           .next = loop->dials, .link = &loop->dials };
    if (dial->next)
        dial->next->link = &dial->next;
    loop->dials = dial;
    loop_count(loop, 1);
    dial->event = (struct event){ .happen = answer, .of = dial };
    dial->attempt.port = plan->port;
    if (sim_chance(net.faults))
        dial->sys = sim_chance(50) ? ETIMEDOUT : ECONNREFUSED;
    if (!loop->unplugged && dial->sys != ETIMEDOUT)
        event_set(&dial->event, sim_now() + 1 + sim_below(2 * LATENCY_MS));
    else if (!loop->unplugged && plan->deadline != UINT64_MAX)
        event_set(&dial->event, loop_to_sim(loop, plan->deadline));
    *ret_dial = dial;
    return true;
}

const struct dial_attempt *dial_attempts(const struct dial *dial, size_t *ret_count)
{
    *ret_count = 1;
    return &dial->attempt;
}

void dial_free(struct dial *dial)
{
    if (!dial)
        return;
    event_cancel(&dial->event);
    *dial->link = dial->next;
    if (dial->next)
        dial->next->link = dial->link;
    loop_count(dial->loop, -1);
    mem_free(dial);
}

/* Processes --------------------------------------------------------------------------------------------------- */

unsigned network_lines_to(const struct loop *loop, uint16_t port)
{
    unsigned count = 0;

    for (const struct stream *stream = loop->streams; stream; stream = stream->next)
        count += stream->side == 0 && stream->port == port;
    for (const struct dial *dial = loop->dials; dial; dial = dial->next)
        count += !dial->over && dial->port == port;
    return count;
}

void network_unplug(struct loop *loop, bool killed)
{
    loop->unplugged = true;
    for (struct stream *stream = loop->streams; stream; stream = stream->next) {
        if (killed)
            send_end(stream->line, out_of(stream), sim_chance(50) ? PART_RESET : PART_END);
        event_cancel(&stream->news);
        drop_parts(into(stream));
    }
    for (struct listener **at = &net.listeners; *at;)
        if ((*at)->loop == loop)
            *at = (*at)->next;
        else
            at = &(*at)->next;
}
