#include "net/stream.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/stream_int.h"

#include "base/banned.h"

enum {
    FINISH_MS = 5 * 1000,
    WAITING_MAX = 2 * STREAM_QUEUE_MAX, /* TLS adds a little to what was taken */
};

/* ---- news ---- */

static void on_errand(uv_idle_t *errand);

static void tell_later(struct stream *stream, enum stream_news news)
{
    stream->news |= news;
    if (!stream->closing)
        uv_idle_start(&stream->errand, on_errand);
}

static void stop_reading(struct stream *stream)
{
    if (stream->reads)
        uv_read_stop(&stream->handle.stream);
    stream->reads = false;
}

/* The line is over. The first reason stays. */
static void end(struct stream *stream)
{
    if (stream->ended)
        return;
    stream->ended = true;
    stop_reading(stream);
    tell_later(stream, stream->secured ? NEWS_SECURED : NEWS_ENDED);
}

/* libuv's errors of a line that worked once. */
static void break_off(struct stream *stream, int uv_error, const char *doing)
{
    int sys = loop_errno(uv_error);

    if (!stream->ended && stream->why.kind == ERR_NONE) {
        if (sys)
            err_sys(&stream->why, ERR_NETWORK, sys, "%s", doing);
        else
            err_set(&stream->why, ERR_NETWORK, "%s: %s", doing, uv_strerror(uv_error));
        stream->why.fact = sys == ECONNRESET || sys == EPIPE ? "line:reset"
                           : sys == ETIMEDOUT                ? "line:timeout"
                                                             : "line:closed";
        if (stream->secured)
            stream->why.fact = "tls:closed";
    }
}

/* ---- writing ---- */

static void flush(struct stream *stream);
static void say_end(struct stream *stream);
static bool is_paused(const struct stream *stream);

static void write_broke(struct stream *stream, int uv_error)
{
    stream->write_failed = true;
    buf_done(&stream->waiting);
    if (stream->tls)
        tls_sent(stream->tls, SIZE_MAX);
    break_off(stream, uv_error, "writing to the peer");
    if (stream->finishing)
        stream_free(stream);
    else if (!stream->reads || is_paused(stream))
        end(stream); /* else the peer's last words are read first, and their end ends it */
}

static void on_written(uv_write_t *write, int status)
{
    struct stream *stream = OBJ(stream, STREAM_MAGIC, write->data);

    if (status == 0)
        stream->sent += stream->flying.len;
    buf_done(&stream->flying);
    if (stream->closing)
        return;
    if (status < 0)
        write_broke(stream, status);
    else
        flush(stream);
}

/* Moves what waits into the hands of the system, which tells when it has all been taken. */
static void fly(struct stream *stream)
{
    stream->flying = stream->waiting;
    stream->waiting = (struct buf)BUF(WAITING_MAX);
    uv_buf_t bytes = uv_buf_init(stream->flying.at, (unsigned)stream->flying.len);
    int bad = uv_write(&stream->write, &stream->handle.stream, &bytes, 1, on_written);
    if (bad < 0) {
        buf_done(&stream->flying);
        write_broke(stream, bad);
    }
}

static bool nothing_waits(const struct stream *stream)
{
    return !stream->flying.len && !stream->waiting.len;
}

/* Nothing is on the way: as much as the system takes at once. How much it was. */
static size_t try_now(struct stream *stream, struct span bytes)
{
    uv_buf_t all = uv_buf_init((char *)(uintptr_t)bytes.at, (unsigned)bytes.len);
    int taken = uv_try_write(&stream->handle.stream, &all, 1);

    if (taken == UV_EAGAIN)
        return 0;
    if (taken < 0) {
        write_broke(stream, taken);
        return bytes.len;
    }
    stream->sent += (uint64_t)taken;
    return (size_t)taken;
}

/* Bytes for the line: at once, or kept until they can go. */
static void put(struct stream *stream, struct span bytes)
{
    if (nothing_waits(stream) && bytes.len)
        bytes = span_from(bytes, try_now(stream, bytes));
    if (!bytes.len || stream->write_failed)
        return;
    buf_add_span(&stream->waiting, bytes);
    if (stream->waiting.full) {
        err_no_memory(&stream->why);
        write_broke(stream, UV_ENOMEM);
    } else if (!stream->flying.len) {
        fly(stream);
    }
}

static void put_records(struct stream *stream)
{
    struct span records = tls_output(stream->tls);

    if (!records.len)
        return;
    put(stream, records);
    tls_sent(stream->tls, records.len);
}

/* After a flight: the next one, or what was waiting for this. */
static void flush(struct stream *stream)
{
    if (stream->waiting.len)
        fly(stream);
    if (stream->flying.len || stream->write_failed)
        return;
    if (stream->finishing)
        say_end(stream);
    else
        tell_later(stream, NEWS_WRITABLE);
}

/* Of what flies the system takes a part now and then. */
static size_t still_flying(const struct stream *stream)
{
    return stream->flying.len ? uv_stream_get_write_queue_size(&stream->handle.stream) : 0;
}

size_t stream_pending(const struct stream *stream)
{
    return still_flying(stream) + stream->waiting.len;
}

uint64_t stream_sent(const struct stream *stream)
{
    return stream->sent + stream->flying.len - still_flying(stream);
}

size_t stream_write(struct stream *stream, struct span bytes)
{
    size_t pending = stream_pending(stream);
    size_t room = pending < STREAM_QUEUE_MAX ? STREAM_QUEUE_MAX - pending : 0;
    struct span now = span_cut(bytes, 0, room);

    if (stream->ended || stream->write_failed || stream->secured || stream->finishing)
        return 0;
    if (!now.len)
        return 0;
    if (!stream->tls) {
        put(stream, now);
        return now.len;
    }
    size_t taken = tls_write(stream->tls, now);
    if (taken < now.len && tls_state(stream->tls) == TLS_FAILED) {
        stream->why = *tls_error(stream->tls);
        end(stream);
    }
    put_records(stream);
    return taken;
}

/* ---- reading ---- */

static void pump(struct stream *stream);

/* Nobody wants to hear what comes now. Mostly nothing does: who is not read for a moment waits for our answer, and to
 * stop and begin again would be two calls for each message. So only here, when something has come, it is. */
static bool is_paused(const struct stream *stream)
{
    return !stream->wants_reading && !stream->secured && !stream->finishing;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    struct stream *stream = OBJ(stream, STREAM_MAGIC, handle->data);

    (void)suggested;
    if (is_paused(stream)) {
        *ret_room = uv_buf_init(NULL, 0); /* UV_ENOBUFS, then, and nothing was read */
        return;
    }
    *ret_room = uv_buf_init(loop_raw(stream->loop), stream->read_most ? (unsigned)stream->read_most : LOOP_ROOM);
}

/* The peer ended it. Under TLS that must have been said inside, or bytes may be missing. */
static void came_end(struct stream *stream)
{
    if (stream->why.kind != ERR_NONE) {
        /* a write had failed before */
    } else if (stream->secured) {
        err_found(&stream->why, ERR_TLS, "tls:closed",
                  "the line was closed during the TLS handshake");
    } else if (stream->tls) {
        /*= RFC 8446 6.1
         *# Any data received after a closure alert has been received MUST be ignored. ... if the
         *# transport is closed without it, the data may have been truncated. */
        err_found(&stream->why, ERR_NETWORK, "line:closed",
                  "the line was cut: it ended without TLS's own goodbye");
    }
    end(stream);
}

static void came_bytes(struct stream *stream, struct span bytes)
{
    if (!stream->tls) {
        if (stream->events.read)
            stream->events.read(stream->who, bytes);
        return;
    }
    tls_feed(stream->tls, bytes);
    pump(stream);
}

static void on_bytes(uv_stream_t *handle, ssize_t len, const uv_buf_t *room)
{
    struct stream *stream = OBJ(stream, STREAM_MAGIC, handle->data);

    if (stream->finishing) {
        if (len < 0)
            stream_free(stream); /* it has heard us, or is gone */
        return;
    }
    if (len == UV_ENOBUFS) {
        stop_reading(stream);
    } else if (len > 0) {
        came_bytes(stream, (struct span){ room->base, (size_t)len });
    } else if (len == UV_EOF) {
        came_end(stream);
    } else if (len < 0) {
        break_off(stream, (int)len, "reading from the peer");
        end(stream);
    }
}

static void start_reading(struct stream *stream)
{
    if (stream->reads || stream->ended || stream->closing)
        return;
    int bad = uv_read_start(&stream->handle.stream, on_room, on_bytes);
    if (bad < 0) {
        break_off(stream, bad, "reading from the peer");
        end(stream);
        return;
    }
    stream->reads = true;
}

/* ---- TLS ---- */

static void shaken(struct stream *stream)
{
    if (tls_state(stream->tls) == TLS_SHAKING)
        return;
    if (tls_state(stream->tls) == TLS_FAILED) {
        stream->why = *tls_error(stream->tls);
        end(stream);
        return;
    }
    tell_later(stream, NEWS_SECURED);
}

static bool may_read(const struct stream *stream)
{
    return !stream->closing && !stream->finishing && !stream->ended && stream->wants_reading &&
           stream->events.read;
}

/* Plain text to whom it is for, as long as it is wanted; then what TLS itself wants to say. The
 * callback may stop reading, or free the stream: `closing` then. */
static void pump(struct stream *stream)
{
    size_t len = 0;

    if (stream->secured) {
        shaken(stream);
        put_records(stream);
        return;
    }
    char *plain = loop_plain(stream->loop);
    while (may_read(stream) && (len = tls_read(stream->tls, plain, LOOP_ROOM))) {
        stream->events.read(stream->who, (struct span){ plain, len });
        str_wipe(plain, len);
    }
    if (stream->closing || stream->finishing || stream->ended)
        return;
    put_records(stream);
    if (tls_state(stream->tls) == TLS_FAILED)
        stream->why = *tls_error(stream->tls);
    if (tls_state(stream->tls) != TLS_OPEN)
        end(stream);
}

void stream_secure(struct stream *stream, struct tls *tls,
                   void (*secured)(void *who, const struct err *err), void *who)
{
    stream->tls = tls;
    stream->secured = secured;
    stream->secured_who = who;
    if (stream->ended) {
        tell_later(stream, NEWS_SECURED);
        return;
    }
    tls_feed(tls, SPAN_NONE);
    shaken(stream);
    put_records(stream);
    start_reading(stream);
}

struct tls *stream_tls(const struct stream *stream)
{
    return stream->tls;
}

static void tell_secured(struct stream *stream)
{
    static const struct err none;
    void (*secured)(void *who, const struct err *err) = stream->secured;

    stream->secured = NULL;
    if (!stream->ended) {
        tell_later(stream, NEWS_PLAIN); /* what came right behind the handshake */
    }
    secured(stream->secured_who, stream->ended ? &stream->why : &none);
}

/* ---- what the owner is told ---- */

static void on_errand(uv_idle_t *errand)
{
    struct stream *stream = OBJ(stream, STREAM_MAGIC, errand->data);
    unsigned news = stream->news;

    uv_idle_stop(errand);
    stream->news = 0;
    if (stream->finishing)
        return;
    if (news & NEWS_SECURED) {
        tell_secured(stream);
        return;
    }
    if (news & NEWS_PLAIN && !stream->ended)
        pump(stream);
    if (news & NEWS_WRITABLE && !stream->ended && !stream->closing && !stream->finishing) {
        if (stream->events.writable)
            stream->events.writable(stream->who);
    }
    if (news & NEWS_ENDED && !stream->closing && !stream->finishing && stream->events.ended)
        stream->events.ended(stream->who, &stream->why);
}

void stream_on(struct stream *stream, const struct stream_events *events, void *who)
{
    bool first = !stream->events.read;

    stream->events = *events;
    stream->who = who;
    if (first)
        stream_read(stream, true);
}

void stream_read(struct stream *stream, bool on)
{
    if (on && stream->wants_reading)
        return; /* nothing was left unread */
    stream->wants_reading = on;
    if (stream->secured)
        return;
    if (!on) {
        if (stream->write_failed)
            end(stream); /* who neither takes nor is heard is gone: nothing else would tell */
        return;
    }
    start_reading(stream);
    if (stream->tls)
        tell_later(stream, NEWS_PLAIN);
}

/* ---- a life ---- */

static void on_closed(uv_handle_t *handle)
{
    struct stream *stream = OBJ(stream, STREAM_MAGIC, handle->data);

    if (--stream->handles)
        return;
    tls_free(stream->tls);
    buf_done(&stream->waiting);
    buf_done(&stream->flying);
    OBJ_GONE(stream);
    mem_free(stream);
}

struct stream *stream_new(struct loop *loop, bool is_unix)
{
    struct stream *stream = NEW(stream);

    if (!stream)
        return NULL;
    stream->magic = STREAM_MAGIC;
    stream->loop = loop;
    stream->is_unix = is_unix;
    stream->waiting = stream->flying = (struct buf)BUF(WAITING_MAX);
    if (is_unix)
        uv_pipe_init(loop_uv(loop), &stream->handle.pipe, 0);
    else
        uv_tcp_init(loop_uv(loop), &stream->handle.tcp);
    uv_idle_init(loop_uv(loop), &stream->errand);
    uv_timer_init(loop_uv(loop), &stream->patience);
    stream->handle.any.data = stream->errand.data = stream->patience.data = stream;
    stream->write.data = stream->shutdown.data = stream;
    stream->handles = 3;
    return stream;
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct stream *stream = OBJ(stream, STREAM_MAGIC, shutdown->data);

    if (status < 0 && !stream->closing)
        stream_free(stream);
}

/* All has left: says so (FIN), and reads on until the peer says the same. To close with its bytes
 * unread would send a reset, and that can overtake our last words. */
static void say_end(struct stream *stream)
{
    if (uv_shutdown(&stream->shutdown, &stream->handle.stream, on_shutdown) < 0)
        stream_free(stream);
    else
        start_reading(stream);
}

static void on_patience(uv_timer_t *patience)
{
    struct stream *stream = OBJ(stream, STREAM_MAGIC, patience->data);

    stream_free(stream);
}

/* TLS's own goodbye; what a peer doesn't take at once of it is not missed. */
static void say_goodbye(struct stream *stream)
{
    if (!stream->tls || stream->secured || stream->ended || stream->write_failed)
        return;
    tls_goodbye(stream->tls);
    put_records(stream);
}

void stream_finish(struct stream *stream)
{
    say_goodbye(stream);
    if (stream->ended || stream->write_failed) {
        stream_free(stream);
        return;
    }
    stream->finishing = true;
    uv_timer_start(&stream->patience, on_patience, FINISH_MS, 0);
    if (nothing_waits(stream))
        say_end(stream);
}

void stream_free(struct stream *stream)
{
    if (!stream || stream->closing)
        return;
    if (!stream->finishing && nothing_waits(stream))
        say_goodbye(stream);
    stream->closing = true;
    uv_close(&stream->handle.any, on_closed);
    uv_close((uv_handle_t *)&stream->errand, on_closed);
    uv_close((uv_handle_t *)&stream->patience, on_closed);
}
