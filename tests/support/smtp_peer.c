#include "support/check.h"

#include "base/alloc.h"
#include "net/listen.h"
#include "support/smtp_peer.h"

static const struct smtp_peer_row honest[] = {
    { .begins = "", .reply = "220 peer ESMTP\r\n" },
    { .begins = "EHLO ", .reply = "250-peer\r\n250-8BITMIME\r\n250 AUTH XOAUTH2 PLAIN\r\n" },
    { .begins = "AUTH ", .reply = "535 5.7.8 no\r\n" },
    { .begins = "MAIL ", .reply = "250 ok\r\n" },
    { .begins = "RCPT ", .reply = "250 ok\r\n" },
    { .begins = "RSET", .reply = "250 ok\r\n" },
    { .begins = "DATA", .reply = "354 go on\r\n" },
    { .begins = ".", .reply = "250 2.0.0 taken\r\n" },
    { .begins = "QUIT", .reply = "221 bye\r\n", .hangs_up = true },
};

static const struct smtp_peer_row *row_for(struct smtp_peer *peer, struct span line)
{
    for (size_t i = 0; i < peer->row_count; i++) {
        const struct smtp_peer_row *row = &peer->rows[i];
        bool fits = row->begins[0] ? span_starts(line, row->begins) : line.at == NULL;
        if (!fits || (row->call && row->call != peer->calls))
            continue;
        peer->times[i]++;
        if (!row->time || row->time == peer->times[i])
            return row;
    }
    for (size_t i = 0; i < COUNT(honest); i++)
        if (honest[i].begins[0] ? span_starts(line, honest[i].begins) : line.at == NULL)
            return &honest[i];
    return NULL;
}

void smtp_peer_hang_up(struct smtp_peer *peer)
{
    stream_free(GIVE(peer->stream));
    buf_clear(&peer->in);
}

static void answer(struct smtp_peer *peer, struct span line)
{
    if (peer->in_data && !span_is(line, "."))
        return;
    const struct smtp_peer_row *row = row_for(peer, line);
    peer->in_data = row && row->reply && row->reply[0] == '3' && span_starts(line, "DATA");
    if (!row)
        stream_write(peer->stream, SPAN("500 what?\r\n"));
    else if (row->reply)
        stream_write(peer->stream, span_of(row->reply));
    if (row && row->hangs_up && row->reply)
        stream_finish(GIVE(peer->stream));
    else if (row && row->hangs_up)
        smtp_peer_hang_up(peer);
}

static void came(void *who, struct span bytes)
{
    struct smtp_peer *peer = who;
    size_t used = 0;

    buf_add_span(&peer->in, bytes);
    while (peer->stream) {
        struct span rest = span_from(buf_span(&peer->in), used);
        size_t end = span_find(rest, '\n');
        if (end == rest.len)
            break;
        struct span line = span_trim(span_cut(rest, 0, end));
        used += end + 1;
        buf_add_span(&peer->heard, line);
        buf_add(&peer->heard, "\n");
        answer(peer, line);
    }
    buf_drop_front(&peer->in, used);
    if (peer->in.full || peer->heard.full || !peer->stream)
        smtp_peer_hang_up(peer); /* or no memory */
}

static void ended(void *who, const struct err *why)
{
    struct smtp_peer *peer = who;

    (void)why;
    smtp_peer_hang_up(peer);
}

static void called(void *who, struct stream *stream)
{
    static const struct stream_events events = { .read = came, .ended = ended };
    struct smtp_peer *peer = who;

    smtp_peer_hang_up(peer);
    memset(peer->times, 0, sizeof peer->times);
    peer->in_data = false;
    peer->stream = stream;
    peer->calls++;
    buf_add(&peer->heard, "{call}\n");
    stream_on(stream, &events, peer);
    answer(peer, SPAN_NONE);
}

void smtp_peer_start(struct smtp_peer *peer, struct loop *loop, const struct smtp_peer_row *rows,
                     size_t row_count)
{
    struct err err;

    *peer = (struct smtp_peer){ .rows = rows, .row_count = row_count, .in = BUF(1 << 20),
                                .heard = BUF(1 << 20) };
    assert_true(row_count <= SMTP_PEER_ROWS_MAX);
    assert_true(listen_open(loop, &(struct listen_plan){ .address = "127.0.0.1" }, called, peer,
                            &peer->listener, &err));
    peer->port = listener_port(peer->listener);
}

void smtp_peer_stop(struct smtp_peer *peer)
{
    smtp_peer_hang_up(peer);
    listener_free(GIVE(peer->listener));
    buf_done(&peer->in);
    buf_done(&peer->heard);
}
