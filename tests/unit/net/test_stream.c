#include "support/check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/dial.h"
#include "net/listen.h"
#include "net/timer.h"
#include "support/identity.h"

#define HOST "smtp.example.org"

static struct identity identity;

/* One end and all that befell it. */
struct end {
    struct stream *stream;
    struct buf got;
    struct err why;
    bool ended, secured, wrote;
    size_t left;           /* to be written still */
    size_t stop_at;        /* stops reading when so much has come */
    size_t want;           /* `enough` when so much has come */
    bool enough;
    bool free_on_read;
};

struct line {
    struct loop *loop;
    struct listener *listener;
    struct dial *dial;
    struct end client, server;
    bool dialled, came, both;
};

static void write_on(struct end *end)
{
    static const char filler[100000] = { 'x' };

    while (end->left) {
        size_t len = end->left < sizeof filler ? end->left : sizeof filler;
        size_t taken = stream_write(end->stream, (struct span){ filler, len });
        assert_true(stream_pending(end->stream) <= STREAM_QUEUE_MAX + 20000);
        end->left -= taken;
        if (taken < len)
            return;
    }
}

static void on_read(void *who, struct span bytes)
{
    struct end *end = who;

    assert_true(bytes.len > 0 && bytes.len <= STREAM_READ_MAX);
    buf_add_span(&end->got, bytes);
    if (end->stop_at && end->got.len >= end->stop_at)
        stream_read(end->stream, false);
    if (end->want && end->got.len >= end->want)
        end->enough = true;
    if (end->free_on_read) {
        stream_free(end->stream);
        end->stream = NULL;
        end->enough = true;
    }
}

static void on_writable(void *who)
{
    struct end *end = who;

    write_on(end);
    end->wrote = !end->left && !stream_pending(end->stream);
}

static void on_ended(void *who, const struct err *why)
{
    struct end *end = who;

    assert_false(end->ended);
    end->ended = true;
    end->why = *why;
}

static const struct stream_events events = { on_read, on_writable, on_ended };

static void on_secured(void *who, const struct err *why)
{
    struct end *end = who;

    assert_false(end->secured);
    end->secured = true;
    end->why = *why;
}

static void on_came(void *who, struct stream *stream)
{
    struct line *line = who;

    line->server.stream = stream;
    line->came = true;
    line->both = line->dialled;
}

static void on_dialled(void *who, struct stream *stream, const struct err *why)
{
    struct line *line = who;

    assert_int_equal(why->kind, ERR_NONE);
    line->client.stream = stream;
    line->dialled = true;
    line->both = line->came;
}

static void line_make(struct line *line, bool is_unix)
{
    char path[64];
    struct err err;

    *line = (struct line){ .client.got = BUF(100000000), .server.got = BUF(100000000) };
    assert_true(loop_new(&line->loop, &err));
    snprintf(path, sizeof path, "/tmp/outpost-test-%ld", (long)getpid());
    const struct listen_plan plan = { .address = is_unix ? NULL : "127.0.0.1",
                                      .unix_path = is_unix ? path : NULL };
    assert_true(listen_open(line->loop, &plan, on_came, line, &line->listener, &err));
    const struct dial_plan call = { .host = is_unix ? path : "127.0.0.1",
                                    .port = listener_port(line->listener),
                                    .deadline = UINT64_MAX };
    assert_true(dial_start(line->loop, &call, on_dialled, line, &line->dial, &err));
    assert_true(loop_run_until(line->loop, &line->both));
    stream_on(line->client.stream, &events, &line->client);
    stream_on(line->server.stream, &events, &line->server);
}

static void line_done(struct line *line)
{
    stream_free(line->client.stream);
    stream_free(line->server.stream);
    listener_free(line->listener);
    dial_free(line->dial);
    loop_free(line->loop);
    buf_done(&line->client.got);
    buf_done(&line->server.got);
}

static void secure_server(struct line *line, struct tls_context *context)
{
    struct tls *tls = NULL;
    struct err err;

    assert_true(tls_server(context, &tls, &err));
    stream_secure(line->server.stream, tls, on_secured, &line->server);
}

static void secure_client(struct line *line, struct tls_context *context)
{
    struct tls *tls = NULL;
    struct err err;

    assert_true(tls_client(context, HOST, SPAN_NONE, &tls, &err));
    stream_secure(line->client.stream, tls, on_secured, &line->client);
}

static void secure(struct line *line)
{
    OWN(tls_context) client = identity_client(&identity);
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, false);

    secure_server(line, server);
    secure_client(line, client);
    assert_true(loop_run_until(line->loop, &line->client.secured));
    assert_true(loop_run_until(line->loop, &line->server.secured));
    assert_int_equal(line->client.why.kind, ERR_NONE);
    assert_int_equal(line->server.why.kind, ERR_NONE);
}

enum kind { PLAIN, UNIX, SECURE, SECURE_UNIX };

static const struct {
    const char *label;
    enum kind kind;
} kinds[] = { { "TCP", PLAIN }, { "Unix", UNIX }, { "TLS", SECURE }, { "TLS over Unix", SECURE_UNIX } };

static void line_of_kind(struct line *line, enum kind kind)
{
    line_make(line, kind == UNIX || kind == SECURE_UNIX);
    if (kind == SECURE || kind == SECURE_UNIX)
        secure(line);
}

static void expect(struct line *line, struct end *end, const char *text)
{
    end->want = strlen(text);
    end->enough = end->got.len >= end->want;
    assert_true(loop_run_until(line->loop, &end->enough));
    assert_string_equal(buf_text(&end->got), text);
    buf_clear(&end->got);
}

/* A word each way, then a long one against a reader who stops, then an end in order. */
static void test_talk(void **state)
{
    enum { LONG = 8 * 1024 * 1024 };

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct line line;
        line_of_kind(&line, kinds[i].kind);
        struct end *client = &line.client, *server = &line.server;

        check_row(kinds[i].label, stream_is_loopback(client->stream));
        check_row(kinds[i].label, !strcmp(stream_peer(client->stream), stream_local(server->stream)));
        check_row(kinds[i].label, stream_write(server->stream, SPAN("220 hi\r\n")) == 8);
        expect(&line, client, "220 hi\r\n");
        check_row(kinds[i].label, stream_write(client->stream, SPAN("EHLO me\r\n")) == 9);
        expect(&line, server, "EHLO me\r\n");

        stream_read(server->stream, false);
        client->left = LONG;
        write_on(client);
        for (int turn = 0; turn < 100; turn++)
            loop_turn(line.loop);
        check_row(kinds[i].label, client->left > 0 && !server->got.len);
        uint64_t before = stream_sent(client->stream);
        check_row(kinds[i].label, before + stream_pending(client->stream) >= LONG - client->left);
        stream_read(server->stream, true);
        server->want = LONG;
        server->enough = false;
        check_row(kinds[i].label, loop_run_until(line.loop, &server->enough));
        check_row(kinds[i].label, server->got.len == LONG && client->left == 0);
        check_row(kinds[i].label, loop_run_until(line.loop, &client->wrote));
        check_row(kinds[i].label, stream_sent(client->stream) >= LONG);

        stream_write(server->stream, SPAN("221 bye\r\n"));
        stream_finish(GIVE(server->stream));
        expect(&line, client, "221 bye\r\n");
        check_row(kinds[i].label, loop_run_until(line.loop, &client->ended));
        check_row(kinds[i].label, client->why.kind == ERR_NONE);
        check_row(kinds[i].label, stream_write(client->stream, SPAN("QUIT\r\n")) == 0);
        line_done(&line);
    }
}

static void test_starttls(void **state)
{
    struct line line;

    (void)state;
    line_make(&line, false);
    stream_write(line.client.stream, SPAN("STARTTLS\r\n"));
    expect(&line, &line.server, "STARTTLS\r\n");
    stream_write(line.server.stream, SPAN("220 go ahead\r\n"));
    expect(&line, &line.client, "220 go ahead\r\n");
    secure(&line);
    stream_write(line.client.stream, SPAN("EHLO me\r\n"));
    expect(&line, &line.server, "EHLO me\r\n");
    assert_string_equal(stream_tls(line.client.stream) ? "tls" : "clear", "tls");
    line_done(&line);
}

/* What was sent right behind the handshake must not be lost between the two owners, also where it
 * was read together with the handshake's last bytes. */
static void test_words_behind_handshake(void **state)
{
    OWN(tls_context) client = identity_client(&identity);
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, false);
    struct line line;

    (void)state;
    line_make(&line, false);
    secure_server(&line, server);
    secure_client(&line, client);
    assert_true(loop_run_until(line.loop, &line.client.secured));
    stream_write(line.client.stream, SPAN("EHLO me\r\n"));
    expect(&line, &line.server, "EHLO me\r\n");
    line_done(&line);
}

/* C13: an end that TLS did not announce is a cut, not an end of file. */
static void test_cut_without_goodbye(void **state)
{
    OWN(tls_context) client = identity_client(&identity);
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, false);
    OWN(tls) by_hand = NULL;
    struct line line;
    struct err err;

    (void)state;
    line_make(&line, false);
    assert_true(tls_server(server, &by_hand, &err));
    secure_client(&line, client);
    while (!line.client.secured || tls_state(by_hand) != TLS_OPEN) {
        loop_turn(line.loop);
        tls_feed(by_hand, buf_span(&line.server.got));
        buf_clear(&line.server.got);
        struct span out = tls_output(by_hand);
        assert_int_equal(stream_write(line.server.stream, out), out.len);
        tls_sent(by_hand, out.len);
    }
    assert_int_equal(line.client.why.kind, ERR_NONE);
    tls_write(by_hand, SPAN("250-half a rep"));
    stream_write(line.server.stream, tls_output(by_hand));
    stream_finish(GIVE(line.server.stream));
    expect(&line, &line.client, "250-half a rep");
    assert_true(loop_run_until(line.loop, &line.client.ended));
    assert_int_equal(line.client.why.kind, ERR_NETWORK);
    assert_string_equal(line.client.why.fact, "line:closed");
    line_done(&line);
}

static void test_handshake_fails(void **state)
{
    static const struct {
        const char *label, *words, *fact;
    } cases[] = {
        { "clear text", "220 smtp.example.org ESMTP\r\n", "tls:plaintext" },
        { "hung up", NULL, "tls:closed" },
    };
    OWN(tls_context) client = identity_client(&identity);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct line line;
        line_make(&line, false);
        secure_client(&line, client);
        assert_int_equal(stream_write(line.client.stream, SPAN("AUTH PLAIN")), 0);
        if (cases[i].words)
            stream_write(line.server.stream, span_of(cases[i].words));
        else
            stream_finish(GIVE(line.server.stream));
        check_row(cases[i].label, loop_run_until(line.loop, &line.client.secured));
        check_row(cases[i].label, line.client.why.kind == ERR_TLS);
        check_row(cases[i].label, !strcmp(line.client.why.fact, cases[i].fact));
        for (int turn = 0; turn < 10; turn++)
            loop_turn(line.loop);
        check_row(cases[i].label, !line.client.ended && !line.client.got.len);
        line_done(&line);
    }
}

/* C24: a server refuses a body and hangs up while it is still being written. */
static void test_refused_while_writing(void **state)
{
    static const char refusal[] = "554 5.7.1 no\r\n";

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(kinds); i++) {
        struct line line;
        bool hard = i >= COUNT(kinds);
        const char *label = kinds[i % COUNT(kinds)].label;
        line_of_kind(&line, kinds[i % COUNT(kinds)].kind);

        line.client.left = 50000000;
        line.server.want = 100000;
        write_on(&line.client);
        check_row(label, loop_run_until(line.loop, &line.server.enough));
        stream_write(line.server.stream, span_of(refusal));
        if (hard)
            stream_free(line.server.stream);
        else
            stream_finish(line.server.stream);
        line.server.stream = NULL;
        expect(&line, &line.client, refusal);
        check_row(label, loop_run_until(line.loop, &line.client.ended));
        line_done(&line);
    }
}

/* Who neither takes what is written nor is read is gone: nothing else would ever tell. */
static void test_gone_while_not_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct line line;
        line_of_kind(&line, kinds[i].kind);

        stream_read(line.server.stream, false);
        stream_write(line.server.stream, SPAN("250 never read\r\n"));
        stream_free(GIVE(line.client.stream)); /* with that unread: a reset */
        stream_write(line.server.stream, SPAN("250 nor this\r\n"));
        for (int turn = 0; turn < 100 && !line.server.ended; turn++)
            loop_turn(line.loop);
        check_row(kinds[i].label, line.server.ended && line.server.why.kind == ERR_NETWORK);
        line_done(&line);
    }
}

static void test_freed_while_reading(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct line line;
        line_of_kind(&line, kinds[i].kind);
        line.client.free_on_read = true;
        for (int n = 0; n < 3; n++)
            stream_write(line.server.stream, SPAN("one line and more\r\n"));
        check_row(kinds[i].label, loop_run_until(line.loop, &line.client.enough));
        check_row(kinds[i].label, loop_run_until(line.loop, &line.server.ended));
        line_done(&line);
    }
}

static void test_stop_in_the_middle(void **state)
{
    struct line line;

    (void)state;
    line_of_kind(&line, SECURE);
    line.server.stop_at = 1;
    line.client.left = 300000;
    write_on(&line.client);
    for (int turn = 0; turn < 50; turn++)
        loop_turn(line.loop);
    size_t first = line.server.got.len;
    assert_true(first > 0 && first < 300000);
    line.server.stop_at = 0;
    line.server.want = 300000;
    stream_read(line.server.stream, true);
    assert_true(loop_run_until(line.loop, &line.server.enough));
    line_done(&line);
}

static void test_unix_user(void **state)
{
    struct line line;
    uint32_t uid = UINT32_MAX;

    (void)state;
    line_make(&line, true);
    assert_true(stream_peer_user(line.server.stream, &uid));
    assert_int_equal(uid, getuid());
    line_done(&line);
    line_make(&line, false);
    assert_false(stream_peer_user(line.server.stream, &uid));
    line_done(&line);
}

static void rang(void *who)
{
    (*(int *)who)++;
}

static void test_timer(void **state)
{
    struct loop *loop;
    struct err err;
    int rings = 0;
    bool never = false;

    (void)state;
    assert_true(loop_new(&loop, &err));
    struct timer *timer = timer_new(loop, rang, &rings);
    assert_non_null(timer);
    timer_set(timer, UINT64_MAX);
    assert_false(loop_run_until(loop, &never)); /* nothing is left that could happen */
    timer_set(timer, loop_now(loop) + 5);
    timer_set(timer, loop_now(loop) + 1);
    loop_run(loop);
    assert_int_equal(rings, 1);
    timer_set(timer, 0);
    loop_run(loop);
    assert_int_equal(rings, 2);
    timer_set(timer, loop_now(loop) + 1);
    timer_free(timer);
    loop_free(loop);
    assert_int_equal(rings, 2);
}

/* What a timer makes true ends the waiting, with nothing else that could wake the loop. */
static void make_true(void *who)
{
    *(bool *)who = true;
}

static void test_timer_ends_waiting(void **state)
{
    struct line line;
    bool done = false;

    (void)state;
    line_make(&line, false);
    struct timer *timer = timer_new(line.loop, make_true, &done);
    timer_set(timer, loop_now(line.loop));
    assert_true(loop_run_until(line.loop, &done));
    timer_free(timer);
    line_done(&line);
}

static int setup(void **state)
{
    (void)state;
    identity_make(&identity);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    identity_done(&identity);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talk),
        cmocka_unit_test(test_starttls),
        cmocka_unit_test(test_words_behind_handshake),
        cmocka_unit_test(test_cut_without_goodbye),
        cmocka_unit_test(test_handshake_fails),
        cmocka_unit_test(test_refused_while_writing),
        cmocka_unit_test(test_gone_while_not_read),
        cmocka_unit_test(test_freed_while_reading),
        cmocka_unit_test(test_stop_in_the_middle),
        cmocka_unit_test(test_unix_user),
        cmocka_unit_test(test_timer),
        cmocka_unit_test(test_timer_ends_waiting),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
