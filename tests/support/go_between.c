#include "support/check.h"

#include "base/alloc.h"
#include "net/dial.h"
#include "support/go_between.h"

struct go_between_line {
    struct go_between *relay;
    struct go_between_line *next, **link;
    struct stream *client, *server;
    struct dial *dial;
    struct buf early; /* what the client said before the server was there */
    bool servers_turn;
};

static void line_free(struct go_between_line *line)
{
    *line->link = line->next;
    if (line->next)
        line->next->link = line->link;
    stream_free(line->client);
    stream_free(line->server);
    dial_free(line->dial);
    buf_done(&line->early);
    mem_free(line);
}

static void pass_on(struct go_between_line *line, struct span bytes)
{
    struct go_between *relay = line->relay;

    assert_int_equal(stream_write(line->server, bytes), bytes.len);
    relay->sent += bytes.len;
    if (relay->cut_at && relay->sent >= relay->cut_at)
        line_free(line);
    else if (stream_pending(line->server) > STREAM_QUEUE_MAX - STREAM_READ_MAX)
        stream_read(line->client, false);
}

static void from_client(void *who, struct span bytes)
{
    struct go_between_line *line = who;

    if (!line->servers_turn)
        line->relay->turns++;
    line->servers_turn = true;
    if (line->server)
        pass_on(line, bytes);
    else
        buf_add_span(&line->early, bytes);
}

static void from_server(void *who, struct span bytes)
{
    struct go_between_line *line = who;

    line->servers_turn = false;
    if (line->relay->cut_answer) {
        line->relay->cut_answer = false;
        line_free(line);
        return;
    }
    assert_int_equal(stream_write(line->client, bytes), bytes.len);
    if (stream_pending(line->client) > STREAM_QUEUE_MAX - STREAM_READ_MAX)
        stream_read(line->server, false);
}

static void client_writable(void *who)
{
    stream_read(((struct go_between_line *)who)->server, true);
}

static void server_writable(void *who)
{
    stream_read(((struct go_between_line *)who)->client, true);
}

static void client_ended(void *who, const struct err *why)
{
    struct go_between_line *line = who;
    (void)why;

    if (line->server)
        stream_finish(GIVE(line->server));
    line_free(line);
}

static void server_ended(void *who, const struct err *why)
{
    struct go_between_line *line = who;
    (void)why;

    stream_finish(GIVE(line->client));
    line_free(line);
}

static void dialled(void *who, struct stream *stream, const struct err *why)
{
    static const struct stream_events events = { from_server, server_writable, server_ended };
    struct go_between_line *line = who;

    if (!stream) {
        line_free(line);
        return;
    }
    (void)why;
    line->server = stream;
    stream_on(stream, &events, line);
    if (line->early.len)
        pass_on(line, buf_span(&line->early));
}

static void came(void *who, struct stream *stream)
{
    static const struct stream_events events = { from_client, client_writable, client_ended };
    struct go_between *relay = who;
    struct go_between_line *line = NEW(go_between_line);
    const struct dial_plan plan = { .host = "127.0.0.1", .port = relay->to_port,
                                    .deadline = UINT64_MAX };

    assert_non_null(line);
    relay->calls++;
    *line = (struct go_between_line){ .relay = relay, .next = relay->lines, .link = &relay->lines,
                                 .client = stream, .early = BUF(1 << 20) };
    if (line->next)
        line->next->link = &line->next;
    relay->lines = line;
    assert_true(dial_start(relay->loop, &plan, dialled, line, &line->dial, NULL));
    stream_on(stream, &events, line);
}

void go_between_start(struct go_between *relay, struct loop *loop, uint16_t to_port)
{
    const struct listen_plan plan = { .address = "127.0.0.1" };

    *relay = (struct go_between){ .loop = loop, .to_port = to_port };
    assert_true(listen_open(loop, &plan, came, relay, &relay->listener, NULL));
    relay->port = listener_port(relay->listener);
}

void go_between_cut(struct go_between *relay)
{
    while (relay->lines)
        line_free(relay->lines);
}

void go_between_stop(struct go_between *relay)
{
    go_between_cut(relay);
    listener_free(relay->listener);
}
