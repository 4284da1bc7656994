/* The small HTTP server against callers who mean well and callers who don't. */
#include "support/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/dial.h"
#include "net/serve.h"
#include "net/timer.h"
#include "support/identity.h"
#include "support/world.h"

#define HOST "Host: localhost\r\n"
#define CLOSE "Connection: close\r\n"

enum { ECHO_MAX = 100 * 1000, MUCH_MAX = 5 * 1000 * 1000 };

struct scene {
    struct loop *loop;
    struct serve *serve;
    struct identity identity;
    struct tls_context *server_tls, *client_tls;
    unsigned began, answered, dropped;
    struct serve_request *kept; /* by /later */
    bool finishes, frees;       /* at the next request */
    uint64_t streamed;
};

/* -- the callee -- */

static void answer(struct scene *scene, struct serve_request *request, const struct serve_answer *said);

static uint64_t on_began(void *who, struct serve_request *request)
{
    struct scene *scene = who;

    scene->began++;
    if (span_is(request->path, "/no"))
        answer(scene, request, &(struct serve_answer){ 403, NULL, NULL, SPAN("not here\n") });
    return span_is(request->path, "/echo")   ? ECHO_MAX
           : span_is(request->path, "/few")  ? 5
           : span_is(request->path, "/much") ? MUCH_MAX
                                             : 0;
}

static void answer(struct scene *scene, struct serve_request *request, const struct serve_answer *said)
{
    scene->answered++;
    serve_answer(request, said);
}

static void on_asked(void *who, struct serve_request *request)
{
    static const char *const headers[] = { "X-Test: a b", "Cache-Control: no-store", NULL };
    struct scene *scene = who;

    if (scene->frees) {
        scene->dropped++;
        serve_free(GIVE(scene->serve));
        return;
    }
    if (span_is(request->path, "/later")) {
        scene->kept = request;
        return;
    }
    if (span_is(request->path, "/hello"))
        answer(scene, request, &(struct serve_answer){ 200, "text/plain", headers, SPAN("hello\n") });
    else if (span_is(request->path, "/query"))
        answer(scene, request, &(struct serve_answer){ 200, NULL, NULL, request->query });
    else if (span_is(request->path, "/echo"))
        answer(scene, request, &(struct serve_answer){ 200, NULL, NULL, request->body });
    else
        answer(scene, request, &(struct serve_answer){ 404, NULL, NULL, SPAN("nothing here\n") });
    if (scene->finishes)
        serve_finish(GIVE(scene->serve));
}

static void on_dropped(void *who, struct serve_request *request)
{
    struct scene *scene = who;

    scene->dropped++;
    if (scene->kept == request)
        scene->kept = NULL;
}

static const struct serve_events events = { .began = on_began, .asked = on_asked,
                                            .dropped = on_dropped };

static void on_piece(void *who, struct serve_request *request, struct span piece)
{
    struct scene *scene = who;

    (void)request;
    scene->streamed += piece.len;
}

static const struct serve_events streaming = { .began = on_began, .piece = on_piece,
                                               .asked = on_asked, .dropped = on_dropped };

static void scene_begin(struct scene *scene, const struct serve_plan *more, const struct serve_events *how)
{
    struct serve_plan plan = *more;
    struct err err = { 0 };

    *scene = (struct scene){ 0 };
    assert_true(loop_new(&scene->loop, &err));
    plan.where.address = LISTEN_LOOPBACK;
    if (!serve_open(scene->loop, &plan, how, scene, &scene->serve, &err))
        fail_msg("%s", err.text);
}

static void scene_end(struct scene *scene)
{
    serve_free(scene->serve);
    loop_free(scene->loop);
}

/* -- the caller -- */

struct caller {
    struct scene *scene;
    struct dial *dial;
    struct stream *stream;
    struct buf got;
    struct err why;
    bool connected, ended, enough;
    const char *until; /* `enough` when this has come */
};

static void on_read(void *who, struct span bytes)
{
    struct caller *caller = who;

    buf_add_span(&caller->got, bytes);
    struct span got = buf_span(&caller->got);
    caller->enough = caller->enough || (caller->until && span_find_text(got, caller->until) < got.len);
}

static void on_ended(void *who, const struct err *why)
{
    struct caller *caller = who;

    caller->why = *why;
    caller->ended = caller->enough = true;
}

static void on_secured(void *who, const struct err *why)
{
    static const struct stream_events reading = { .read = on_read, .ended = on_ended };
    struct caller *caller = who;

    assert_int_equal(why->kind, ERR_NONE);
    stream_on(caller->stream, &reading, caller);
    caller->connected = true;
}

static void on_dialled(void *who, struct stream *stream, const struct err *why)
{
    static const struct err none;
    struct caller *caller = who;
    struct tls *tls = NULL;

    assert_int_equal(why->kind, ERR_NONE);
    caller->stream = stream;
    if (!caller->scene->client_tls) {
        on_secured(caller, &none);
        return;
    }
    assert_true(tls_client(caller->scene->client_tls, "127.0.0.1", SPAN_NONE, &tls, NULL));
    stream_secure(stream, tls, on_secured, caller);
}

static void call(struct scene *scene, struct caller *caller, const char *address)
{
    const struct dial_plan plan = { .host = address, .port = serve_port(scene->serve),
                                    .deadline = UINT64_MAX };
    struct err err;

    *caller = (struct caller){ .scene = scene, .got = BUF(10 * 1000 * 1000) };
    assert_true(dial_start(scene->loop, &plan, on_dialled, caller, &caller->dial, &err));
    assert_true(loop_run_until(scene->loop, &caller->connected));
}

static void hang_up(struct caller *caller)
{
    stream_free(caller->stream);
    dial_free(caller->dial);
    buf_done(&caller->got);
}

static void say(struct caller *caller, struct span bytes)
{
    while (bytes.len && !caller->ended) {
        bytes = span_from(bytes, stream_write(caller->stream, bytes));
        loop_turn(caller->scene->loop);
    }
}

/* Says it, and waits for a text, or for the end where it is NULL. */
static struct span converse(struct caller *caller, struct span bytes, const char *until)
{
    if (!caller->ended)
        buf_clear(&caller->got);
    caller->enough = caller->ended;
    caller->until = until;
    say(caller, bytes);
    loop_run_until(caller->scene->loop, &caller->enough);
    return buf_span(&caller->got);
}

static bool has(struct span text, const char *what)
{
    return span_find_text(text, what) < text.len;
}

/* Whoever came before, this one is served; and then nobody waits. */
static void check_alive(const char *label, struct scene *scene)
{
    struct caller caller;

    call(scene, &caller, "127.0.0.1");
    struct span got = converse(&caller, SPAN("GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n"), NULL);
    check_row(label, span_starts(got, "HTTP/1.1 200 "));
    check_row(label, span_ends_word(got, "\r\n\r\nhello\n"));
    hang_up(&caller);
}

/* -- the exchanges -- */

#define LINE8   "X-Line: 1\r\nX-Line: 2\r\nX-Line: 3\r\nX-Line: 4\r\nX-Line: 5\r\nX-Line: 6\r\nX-Line: 7\r\nX-Line: 8\r\n"
#define LINES62 LINE8 LINE8 LINE8 LINE8 LINE8 LINE8 LINE8 "X-1: 1\r\nX-2: 2\r\nX-3: 3\r\nX-4: 4\r\nX-5: 5\r\nX-6: 6\r\n"

static const struct {
    const char *label, *said, *status, *has;
} cases[] = {
    { "a page", "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", "200", "\r\n\r\nhello\n" },
    { "its headers", "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", "200", "\r\nX-Test: a b\r\n" },
    { "its type", "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", "200", "\r\nContent-Type: text/plain\r\n" },
    { "HEAD", "HEAD /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", "200", "\r\nContent-Length: 6\r\n" },
    { "an older client", "GET /hello HTTP/1.0\r\n" HOST "\r\n", "200", "\r\n\r\nhello\n" },
    { "no such page", "GET /other HTTP/1.1\r\n" HOST CLOSE "\r\n", "404", "nothing here" },
    { "a query, as it is", "GET /query?a=%20b&c=d+e?f%00 HTTP/1.1\r\n" HOST CLOSE "\r\n", "200",
      "\r\n\r\na=%20b&c=d+e?f%00" },
    { "no query", "GET /query HTTP/1.1\r\n" HOST CLOSE "\r\n", "200", "Content-Length: 0\r\n" },
    { "a body", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 5\r\n\r\na=b&c", "200",
      "\r\n\r\na=b&c" },
    { "an empty body", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 0\r\n\r\n", "200",
      "Content-Length: 0\r\n" },
    { "in chunks", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Transfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "200", "\r\n\r\nabcde" },
    { "two, one behind the other", "GET /query?one HTTP/1.1\r\n" HOST "\r\n"
      "GET /query?two HTTP/1.1\r\n" HOST CLOSE "\r\n", "200", "\r\n\r\ntwo" },
    { "64 lines", "GET /hello HTTP/1.1\r\n" HOST CLOSE LINES62 "\r\n", "200", "hello" },

    { "65 lines", "GET /hello HTTP/1.1\r\n" HOST CLOSE LINES62 "X-7: 7\r\n\r\n", "431", "" },
    { "two lengths", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 5\r\n"
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400", "" },
    { "two lengths, the other way round", "POST /echo HTTP/1.1\r\n" HOST CLOSE
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400", "" },
    { "one length twice", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 1\r\n"
      "Content-Length: 1\r\n\r\na", "400", "" },
    { "a list of lengths", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 1, 1\r\n\r\na", "400", "" },
    { "a negative length", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: -1\r\n\r\n", "400", "" },
    { "a length with a sign", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: +1\r\n\r\na", "400", "" },
    { "another coding", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Transfer-Encoding: gzip, chunked\r\n\r\n",
      "400", "" },
    { "two codings", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Transfer-Encoding: chunked\r\n"
      "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", "400", "" },
    { "a length without end", "POST /echo HTTP/1.1\r\n" HOST CLOSE
      "Content-Length: 99999999999999999999999\r\n\r\n", "413", "" },
    { "a body that nobody wants", "POST /hello HTTP/1.1\r\n" HOST CLOSE "Content-Length: 1\r\n\r\na",
      "413", "" },
    { "chunks that nobody wants", "POST /hello HTTP/1.1\r\n" HOST CLOSE
      "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "413", "" },
    { "a byte too many", "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 100001\r\n\r\n", "413", "" },
    { "answered by its head", "POST /no HTTP/1.1\r\n" HOST CLOSE "Content-Length: 5\r\n\r\na=b&c", "403",
      "\r\n\r\nnot here\n" },
    { "answered by its head, no body", "GET /no HTTP/1.1\r\n" HOST CLOSE "\r\n", "403", "not here" },
    { "no Host", "GET /hello HTTP/1.1\r\n" CLOSE "\r\n", "400", "" },
    { "no Host, an older client", "GET /hello HTTP/1.0\r\n\r\n", "400", "" },
    { "two Hosts", "GET /hello HTTP/1.1\r\n" HOST HOST CLOSE "\r\n", "400", "" },
    { "PUT", "PUT /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", "405", "\r\nAllow: GET, HEAD, POST\r\n" },
    { "OPTIONS", "OPTIONS /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", "405", "" },
    { "CONNECT", "CONNECT elsewhere:25 HTTP/1.1\r\n" HOST CLOSE "\r\n", "400", "" },
    { "through us to elsewhere", "GET http://elsewhere/hello HTTP/1.1\r\n" HOST CLOSE "\r\n", "400", "" },
    { "control characters in the path", "GET /hel\x01lo HTTP/1.1\r\n" HOST CLOSE "\r\n", "400", "" },
    { "8 bits in the path", "GET /hel\xc3\xa9 HTTP/1.1\r\n" HOST CLOSE "\r\n", "400", "" },
};

static void check_answer(const char *label, struct span got, const char *status, const char *what)
{
    if (!span_starts(got, "HTTP/1.") || !span_starts(span_from(got, 9), status) || !has(got, what))
        fail_msg("case \"%s\": got \"%.*s\"", label, (int)got.len, got.at ? got.at : "");
}

static void test_exchanges(void **state)
{
    (void)state;
    struct scene scene;

    scene_begin(&scene, &(struct serve_plan){ 0 }, &events);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct caller caller;
        struct span said = span_of(cases[i].said);

        call(&scene, &caller, i % 2 ? "127.0.0.1" : "::1");
        check_answer(cases[i].label, converse(&caller, said, NULL), cases[i].status, cases[i].has);
        hang_up(&caller);

        call(&scene, &caller, "127.0.0.1");
        for (size_t at = 0; at + 1 < said.len; at++)
            say(&caller, span_cut(said, at, at + 1));
        check_answer(cases[i].label, converse(&caller, span_from(said, said.len - 1), NULL),
                     cases[i].status, cases[i].has);
        hang_up(&caller);
    }
    assert_int_equal(scene.began, scene.answered + scene.dropped);
    scene_end(&scene);
}

/* The caller is gone after each of its bytes. */
static void test_cuts(void **state)
{
    (void)state;
    struct scene scene;

    scene_begin(&scene, &(struct serve_plan){ 0 }, &events);
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t at = 0; at < strlen(cases[i].said); at += i % 7 + 1) {
            struct caller caller;

            call(&scene, &caller, "127.0.0.1");
            say(&caller, span_cut(span_of(cases[i].said), 0, at));
            hang_up(&caller);
        }
        check_alive(cases[i].label, &scene);
    }
    scene_end(&scene);
    assert_int_equal(scene.began, scene.answered + scene.dropped);
}

static void test_garbage(void **state)
{
    (void)state;
    static const struct span garbage[] = {
        SPAN_INIT("\0\0\0\0\r\n\r\n"),
        SPAN_INIT("\r\n\r\n\r\n\r\n"),
        SPAN_INIT("EHLO x\r\nMAIL FROM:<a@b>\r\n\r\n"),
        SPAN_INIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello \r\n\r\n"),
        SPAN_INIT("GET\r\n\r\n"),
        SPAN_INIT("GET /hello\r\n\r\n"),
        SPAN_INIT("GET /hello HTTP/9.9\r\n" HOST "\r\n"),
        SPAN_INIT("GET /hello HTTP/1.1\r\n" HOST ": nothing\r\nno colon\r\n" CLOSE "\r\n"),
        SPAN_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        SPAN_INIT("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
        SPAN_INIT("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"),
        SPAN_INIT("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"),
        SPAN_INIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length : 4\r\n\r\nabcd"),
    };
    struct scene scene;

    scene_begin(&scene, &(struct serve_plan){ .patience_ms = 50 }, &events);
    for (size_t i = 0; i < COUNT(garbage); i++) {
        struct caller caller;

        call(&scene, &caller, "127.0.0.1");
        converse(&caller, garbage[i], NULL); /* whatever is said, it ends */
        assert_false(has(buf_span(&caller.got), "abcd"));
        hang_up(&caller);
        check_alive("after garbage", &scene);
    }
    scene_end(&scene);
    assert_int_equal(scene.began, scene.answered + scene.dropped);
}

/* A head of exactly the size that is taken, one byte more, and one without end. */
static void test_head_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        size_t len;
        const char *status;
    } sizes[] = {
        { "8 KB", SERVE_HEAD_MAX, "200" },
        { "a byte more", SERVE_HEAD_MAX + 1, "431" },
        { "more than memory is lent for", 40 * 1024, "431" },
        { "a megabyte", 1024 * 1024, "431" },
    };
    struct scene scene;

    scene_begin(&scene, &(struct serve_plan){ 0 }, &events);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        HELD(buf) said = BUF(2 * 1024 * 1024);
        struct caller caller;

        buf_add(&said, "GET /hello HTTP/1.1\r\n" HOST CLOSE "X-Long: ");
        while (said.len < sizes[i].len - 4)
            buf_add_char(&said, 'x');
        buf_add(&said, "\r\n\r\n");
        call(&scene, &caller, "127.0.0.1");
        check_answer(sizes[i].label, converse(&caller, buf_span(&said), NULL), sizes[i].status, "");
        hang_up(&caller);
    }

    /* In the request line. */
    HELD(buf) said = BUF(2 * 1024 * 1024);
    struct caller caller;
    buf_add(&said, "GET /");
    while (said.len < 100 * 1000)
        buf_add_char(&said, 'x');
    call(&scene, &caller, "127.0.0.1");
    check_answer("a URL without end", converse(&caller, buf_span(&said), NULL), "414", "");
    hang_up(&caller);
    check_alive("after all of them", &scene);
    scene_end(&scene);
}

static void add_body(struct buf *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_add_char(out, (char)('a' + i % 26));
}

static void test_large_bodies(void **state)
{
    (void)state;
    HELD(buf) said = BUF(2 * ECHO_MAX);
    HELD(buf) body = BUF(ECHO_MAX);
    struct scene scene;
    struct caller caller;

    add_body(&body, ECHO_MAX);
    buf_addf(&said, "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: %d\r\n\r\n", ECHO_MAX);
    buf_add_span(&said, buf_span(&body));
    scene_begin(&scene, &(struct serve_plan){ 0 }, &events);
    call(&scene, &caller, "127.0.0.1");
    struct span got = converse(&caller, buf_span(&said), NULL);
    check_answer("as much as is wanted", got, "200", "");
    check_bytes("the body", span_from(got, got.len - ECHO_MAX), buf_span(&body));
    hang_up(&caller);

    /* Chunks tell it too late for an answer. */
    call(&scene, &caller, "127.0.0.1");
    say(&caller, SPAN("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 11 && !caller.ended; i++) {
        buf_clear(&said);
        buf_add(&said, "2710\r\n");
        add_body(&said, 10000);
        buf_add(&said, "\r\n");
        say(&caller, buf_span(&said));
    }
    got = converse(&caller, SPAN("0\r\n\r\n"), NULL);
    assert_false(has(got, " 200 "));
    hang_up(&caller);
    check_alive("after too much", &scene);
    assert_int_equal(scene.began, scene.answered + scene.dropped);
    scene_end(&scene);
}

/* Much more than any buffer on the way holds. */
static void test_streams(void **state)
{
    (void)state;
    HELD(buf) said = BUF(2 * MUCH_MAX);
    struct scene scene;
    struct caller caller;

    buf_addf(&said, "POST /much HTTP/1.1\r\n" HOST CLOSE "Content-Length: %d\r\n\r\n", MUCH_MAX);
    add_body(&said, MUCH_MAX);
    scene_begin(&scene, &(struct serve_plan){ 0 }, &streaming);
    call(&scene, &caller, "127.0.0.1");
    check_answer("in pieces", converse(&caller, buf_span(&said), NULL), "404", "nothing here");
    assert_int_equal(scene.streamed, MUCH_MAX);
    hang_up(&caller);

    scene.streamed = 0;
    call(&scene, &caller, "127.0.0.1");
    converse(&caller, SPAN("POST /few HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                           "3\r\nabc\r\n3\r\ndef\r\n"), NULL);
    assert_true(caller.ended && !caller.got.len && scene.streamed == 3);
    hang_up(&caller);
    assert_int_equal(scene.began, scene.answered + scene.dropped);
    scene_end(&scene);
}

/* Refused at the head, while the caller goes on sending: it hears why all the same. */
static void test_refused_while_sending(void **state)
{
    (void)state;
    HELD(buf) said = BUF(2 * MUCH_MAX);
    struct scene scene;
    struct caller caller;

    buf_addf(&said, "POST /few HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", MUCH_MAX);
    add_body(&said, MUCH_MAX);
    scene_begin(&scene, &(struct serve_plan){ 0 }, &events);
    call(&scene, &caller, "127.0.0.1");
    check_answer("too large", converse(&caller, buf_span(&said), "413"), "413", "");
    hang_up(&caller);
    scene_end(&scene);
}

static void test_continues(void **state)
{
    (void)state;
    struct scene scene;
    struct caller caller;

    scene_begin(&scene, &(struct serve_plan){ 0 }, &events);
    call(&scene, &caller, "127.0.0.1");
    struct span got = converse(&caller, SPAN("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
                                             "Expect: 100-continue\r\n\r\n"), "\r\n\r\n");
    assert_true(span_starts(got, "HTTP/1.1 100 "));
    got = converse(&caller, SPAN("abc"), "abc");
    check_answer("goes on", got, "200", "abc");
    got = converse(&caller, SPAN("GET /query?again HTTP/1.1\r\n" HOST "\r\n"), "again");
    check_answer("on the same line", got, "200", "again");
    hang_up(&caller);
    scene_end(&scene);
}

/* -- time -- */

static void test_slow(void **state)
{
    (void)state;
    static const struct {
        const char *label, *said;
    } slow[] = {
        { "says nothing", "" },
        { "half a head", "GET /hello HTTP/1.1\r\nHost: lo" },
        { "half a chunk", "POST /few HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nab" },
        { "half a body", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab" },
        { "nothing after an answer", "GET /hello HTTP/1.1\r\n" HOST "\r\n" },
    };
    struct scene scene;

    scene_begin(&scene, &(struct serve_plan){ .patience_ms = 50 }, &events);
    for (size_t i = 0; i < COUNT(slow); i++) {
        struct caller caller;

        call(&scene, &caller, "127.0.0.1");
        converse(&caller, span_of(slow[i].said), NULL);
        check_row(slow[i].label, caller.ended);
        hang_up(&caller);
    }
    scene_end(&scene);
    assert_int_equal(scene.began, scene.answered + scene.dropped);
}

static void rang(void *who)
{
    bool *rung = who;

    *rung = true;
}

/* A byte every few milliseconds does not buy more time. */
static void test_drips(void **state)
{
    (void)state;
    struct scene scene;
    struct caller caller;
    bool rung;

    scene_begin(&scene, &(struct serve_plan){ .patience_ms = 100 }, &events);
    OWN(timer) timer = timer_new(scene.loop, rang, &rung);
    call(&scene, &caller, "127.0.0.1");
    say(&caller, SPAN("GET /hello HTTP/1.1\r\nX-Slow: "));
    unsigned drips = 0;
    while (!caller.ended && drips < 1000) {
        rung = false;
        timer_set(timer, loop_now(scene.loop) + 5);
        loop_run_until(scene.loop, &rung);
        say(&caller, SPAN("x"));
        drips++;
    }
    assert_true(caller.ended && drips > 1 && drips < 1000);
    hang_up(&caller);
    timer_free(GIVE(timer));
    scene_end(&scene);
}

static void test_answers_later(void **state)
{
    (void)state;
    static const struct serve_answer said = { .status = 200, .body = SPAN_INIT("at last") };
    struct scene scene;
    struct caller caller;
    bool rung = false;

    /* Our own time is not the caller's. */
    scene_begin(&scene, &(struct serve_plan){ .patience_ms = 50 }, &events);
    OWN(timer) timer = timer_new(scene.loop, rang, &rung);
    timer_set(timer, loop_now(scene.loop) + 100);
    call(&scene, &caller, "127.0.0.1");
    say(&caller, SPAN("GET /later HTTP/1.1\r\n" HOST "\r\nGET /query?next HTTP/1.1\r\n" HOST "\r\n"));
    loop_run_until(scene.loop, &rung);
    assert_non_null(scene.kept);
    answer(&scene, GIVE(scene.kept), &said);
    struct span got = converse(&caller, SPAN_NONE, "next");
    assert_true(span_find_text(got, "at last") < span_find_text(got, "next"));
    hang_up(&caller);

    /* Gone before it was answered. */
    call(&scene, &caller, "127.0.0.1");
    say(&caller, SPAN("GET /later HTTP/1.1\r\n" HOST "\r\n"));
    while (!scene.kept)
        loop_turn(scene.loop);
    hang_up(&caller);
    while (scene.kept)
        loop_turn(scene.loop);
    check_alive("after one that left", &scene);

    /* The server goes first. */
    call(&scene, &caller, "127.0.0.1");
    say(&caller, SPAN("GET /later HTTP/1.1\r\n" HOST "\r\n"));
    while (!scene.kept)
        loop_turn(scene.loop);
    serve_free(GIVE(scene.serve));
    converse(&caller, SPAN_NONE, NULL);
    assert_true(caller.ended);
    hang_up(&caller);
    timer_free(GIVE(timer));
    scene_end(&scene);
}

/* -- many -- */

static void test_crowd(void **state)
{
    (void)state;
    static struct caller silent[SERVE_CALLERS_MAX + 8];
    static struct caller asking[SERVE_CALLERS_MAX];
    struct scene scene;
    size_t ended = 0;

    /* Those that say nothing make room for one who asks. */
    scene_begin(&scene, &(struct serve_plan){ 0 }, &events);
    for (size_t i = 0; i < COUNT(silent); i++)
        call(&scene, &silent[i], "127.0.0.1");
    check_alive("in a crowd", &scene);
    for (size_t i = 0; i < COUNT(silent); i++)
        ended += silent[i].ended;
    assert_true(ended >= 8);
    assert_true(silent[0].ended && !silent[COUNT(silent) - 1].ended);
    for (size_t i = 0; i < COUNT(silent); i++)
        hang_up(&silent[i]);

    /* All of them wait for answers: nobody is cut for a newcomer. */
    for (size_t i = 0; i < COUNT(asking); i++) {
        call(&scene, &asking[i], "127.0.0.1");
        say(&asking[i], SPAN("GET /later HTTP/1.1\r\n" HOST "\r\n"));
        while (!scene.kept)
            loop_turn(scene.loop);
        scene.kept = NULL;
    }
    struct caller late;
    call(&scene, &late, "127.0.0.1");
    converse(&late, SPAN("GET /hello HTTP/1.1\r\n" HOST "\r\n"), NULL);
    assert_true(late.ended && !late.got.len);
    hang_up(&late);
    for (size_t i = 0; i < COUNT(asking); i++) {
        assert_false(asking[i].ended);
        hang_up(&asking[i]);
    }
    while (scene.dropped < COUNT(asking))
        loop_turn(scene.loop);
    check_alive("after the crowd", &scene);
    scene_end(&scene);
}

/* -- the end -- */

/* The page leaves whole, and nobody is let in any more. */
static void test_finishes(void **state)
{
    (void)state;
    struct scene scene;
    struct caller caller, silent;

    scene_begin(&scene, &(struct serve_plan){ 0 }, &events);
    uint16_t port = serve_port(scene.serve);
    call(&scene, &silent, "::1");
    call(&scene, &caller, "127.0.0.1");
    scene.finishes = true;
    struct span got = converse(&caller, SPAN("GET /hello HTTP/1.1\r\n" HOST "\r\n"), NULL);
    check_answer("the last page", got, "200", "\r\n\r\nhello\n");
    assert_null(scene.serve);
    converse(&silent, SPAN_NONE, NULL);
    assert_true(silent.ended);
    hang_up(&silent);
    hang_up(&caller);

    struct listener *listener;
    struct err err;
    const struct listen_plan again = { .address = "127.0.0.1", .port = port };
    assert_true(listen_open(scene.loop, &again, NULL, NULL, &listener, &err));
    listener_free(listener);
    scene_end(&scene);
}

static void test_frees_in_a_callback(void **state)
{
    (void)state;
    struct scene scene;
    struct caller caller, other;

    scene_begin(&scene, &(struct serve_plan){ 0 }, &events);
    call(&scene, &other, "127.0.0.1");
    say(&other, SPAN("GET /later HTTP/1.1\r\n" HOST "\r\n"));
    while (!scene.kept)
        loop_turn(scene.loop);
    call(&scene, &caller, "127.0.0.1");
    scene.frees = true;
    converse(&caller, SPAN("GET /hello HTTP/1.1\r\n" HOST "\r\n"), NULL);
    assert_true(caller.ended && !caller.got.len);
    hang_up(&caller);
    hang_up(&other);
    scene_end(&scene);
}

static void test_loopback_port_is_taken(void **state)
{
    (void)state;
    struct scene scene;
    struct serve *second = NULL;
    struct err err = { 0 };

    scene_begin(&scene, &(struct serve_plan){ 0 }, &events);
    const struct serve_plan plan = { .where = { .address = LISTEN_LOOPBACK, .port = serve_port(scene.serve) } };
    assert_false(serve_open(scene.loop, &plan, &events, NULL, &second, &err));
    assert_int_equal(err.kind, ERR_IO);
    scene_end(&scene);
}

/* -- over TLS -- */

static void test_tls(void **state)
{
    (void)state;
    HELD(buf) said = BUF(2 * ECHO_MAX);
    struct scene scene = { 0 };
    struct identity identity;
    struct caller caller;

    identity_make(&identity);
    identity.protocol = NULL;
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, "web.example.test", true);
    OWN(tls_context) client = identity_client(&identity);
    scene_begin(&scene, &(struct serve_plan){ .tls = server, .patience_ms = 2000 }, &events);
    scene.client_tls = client;
    buf_addf(&said, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", ECHO_MAX);
    add_body(&said, ECHO_MAX - 3);
    buf_add(&said, "END");
    call(&scene, &caller, "127.0.0.1");
    check_answer("over TLS", converse(&caller, buf_span(&said), "END"), "200", "");
    check_answer("again", converse(&caller, SPAN("GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n"), NULL), "200", "hello");
    assert_int_equal(caller.why.kind, ERR_NONE); /* it said goodbye */
    hang_up(&caller);

    /* Who speaks clear text. */
    scene.client_tls = NULL;
    call(&scene, &caller, "127.0.0.1");
    struct span got = converse(&caller, SPAN("GET /hello HTTP/1.1\r\n" HOST "\r\n"), NULL);
    assert_true(caller.ended && !has(got, "hello"));
    hang_up(&caller);
    scene_end(&scene);
    identity_done(&identity);
}

/* -- memory -- */

/* A caller without any memory of ours: what it was answered, or nothing. */
static size_t call_raw(struct loop *loop, uint16_t port, char *into, size_t room)
{
    static const char said[] = "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n";
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t len = 0;
    ssize_t got;

    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, said, sizeof said - 1, 0), sizeof said - 1);
    while ((got = recv(fd, into + len, room - len, MSG_DONTWAIT)) != 0) {
        if (got > 0)
            len += (size_t)got;
        else if (errno != EAGAIN)
            break;
        loop_turn(loop);
    }
    close(fd);
    return len;
}

static void test_everything_fails_once(void **state)
{
    (void)state;
    static const struct serve_plan plan = { .where = { .address = LISTEN_LOOPBACK }, .patience_ms = 50 };
    struct scene scene = { 0 };
    struct err err;

    assert_true(loop_new(&scene.loop, &err));
    for (unsigned n = 1;; n++) {
        struct world world;
        char answered[1000];
        size_t len = 0;

        world_begin(&world, n);
        bool ok = serve_open(scene.loop, &plan, &events, &scene, &scene.serve, &err);
        if (ok)
            len = call_raw(scene.loop, serve_port(scene.serve), answered, sizeof answered);
        serve_free(GIVE(scene.serve));
        bool failed = world_end(&world);
        for (int i = 0; i < 10; i++)
            loop_turn(scene.loop);
        assert_int_equal(world_leaks(&world), 0);
        assert_true(ok || failed);
        if (failed)
            continue;
        check_answer("in the end", (struct span){ answered, len }, "200", "hello");
        break;
    }
    assert_int_equal(scene.began, scene.answered + scene.dropped);
    loop_free(scene.loop);
}

/* -- pure -- */

static void test_host(void **state)
{
    (void)state;
    static const struct {
        const char *label, *host, *name;
        uint16_t port;
        bool same;
    } hosts[] = {
        { "name and port", "localhost:4711", "localhost", 4711, true },
        { "case", "LocalHost:4711", "localhost", 4711, true },
        { "IPv6", "[::1]:4711", "[::1]", 4711, true },
        { "another port", "localhost:4712", "localhost", 4711, false },
        { "no port", "localhost", "localhost", 4711, false },
        { "the usual port", "localhost", "localhost", 443, true },
        { "the usual port, said", "localhost:443", "localhost", 443, true },
        { "another name", "evil.example:4711", "localhost", 4711, false },
        { "a longer name", "localhost.evil.example:4711", "localhost", 4711, false },
        { "something behind it", "localhost:4711x", "localhost", 4711, false },
        { "nothing behind the colon", "localhost:", "localhost", 443, false },
        { "none", NULL, "localhost", 443, false },
    };

    for (size_t i = 0; i < COUNT(hosts); i++) {
        struct serve_request request = { .headers = { { SPAN("hOST"), span_of(hosts[i].host) } },
                                         .header_count = hosts[i].host ? 1 : 0 };
        check_row(hosts[i].label,
                  serve_host_is(&request, hosts[i].name, hosts[i].port) == hosts[i].same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchanges),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_head_sizes),
        cmocka_unit_test(test_large_bodies),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_refused_while_sending),
        cmocka_unit_test(test_continues),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_drips),
        cmocka_unit_test(test_answers_later),
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_finishes),
        cmocka_unit_test(test_frees_in_a_callback),
        cmocka_unit_test(test_loopback_port_is_taken),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_everything_fails_once),
        cmocka_unit_test(test_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
