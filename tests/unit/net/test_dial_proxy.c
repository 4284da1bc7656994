/* Calls through a SOCKS5 proxy, which is played by the test. */
#include "support/check.h"

#include "base/str.h"
#include "net/dial.h"
#include "net/listen.h"
#include "support/alloc_fails.h"

static struct loop *loop;
static struct listener *listener;
static const char *const *script;      /* what the proxy answers, one text a request; NULL: hangs up */
static const size_t *script_lens;
static size_t said, step;
static struct stream *caller;          /* the proxy's end */
static char heard[600];                /* all it was told */
static size_t heard_len;

static bool done, over;
static struct stream *got;
static struct err why;
static char read_bytes[100];
static size_t read_len;

/* ---- the proxy ---- */

static void proxy_read(void *who, struct span bytes)
{
    (void)who;
    assert_true(heard_len + bytes.len < sizeof heard);
    memcpy(heard + heard_len, bytes.at, bytes.len);
    heard_len += bytes.len;
    if (step == said)
        return; /* it has nothing more to say */
    if (!script[step])
        stream_free(GIVE(caller));
    else
        stream_write(caller, (struct span){ script[step], script_lens[step] });
    step++;
}

static void proxy_ended(void *who, const struct err *err)
{
    (void)who, (void)err;
    over = true;
}

static void proxy_came(void *who, struct stream *stream)
{
    static const struct stream_events events = { .read = proxy_read, .ended = proxy_ended };

    (void)who;
    stream_free(caller);
    caller = stream;
    stream_on(stream, &events, NULL);
}

/* ---- the caller ---- */

static void on_done(void *who, struct stream *stream, const struct err *err)
{
    (void)who;
    assert_false(done);
    done = true;
    got = stream;
    why = *err;
}

static void on_read(void *who, struct span bytes)
{
    (void)who;
    assert_true(read_len + bytes.len < sizeof read_bytes);
    memcpy(read_bytes + read_len, bytes.at, bytes.len);
    read_len += bytes.len;
}

static void on_ended(void *who, const struct err *err)
{
    (void)who, (void)err;
}

static bool start(uint64_t deadline, struct dial **ret_dial, struct err *err)
{
    char proxy[64];
    const struct dial_plan plan = {
        .host = "smtp.example.com",
        .port = 587,
        .proxy = proxy,
        .deadline = deadline,
    };
    HELD(buf) text = BUF(sizeof proxy - 1);

    buf_addf(&text, "socks5://127.0.0.1:%u", listener_port(listener));
    memcpy(proxy, buf_text(&text), text.len + 1);
    heard_len = step = read_len = 0;
    done = false;
    got = NULL;
    return dial_start(loop, &plan, on_done, NULL, ret_dial, err);
}

#define CHOICE "\5\0"
#define OPENED "\5\0\0\1\177\0\0\1\2\113"
#define ASKED  "\5\1\0" "\5\1\0\3\020smtp.example.com\2\113"

/* The server's first words come in one piece with the proxy's last. */
static void test_through(void **state)
{
    static const char *const answers[] = { CHOICE, OPENED "220 hi\r\n" };
    static const size_t lens[] = { 2, 10 + 8 };
    static const struct stream_events events = { .read = on_read, .ended = on_ended };
    struct err err = { 0 };
    OWN(dial) dial = NULL;
    size_t count;

    (void)state;
    script = answers;
    script_lens = lens;
    said = COUNT(answers);
    assert_true(start(UINT64_MAX, &dial, &err));
    assert_true(loop_run_until(loop, &done));
    assert_non_null(got);
    check_bytes("what the proxy was asked", ((struct span){ heard, heard_len }), SPAN(ASKED));
    assert_false(stream_is_loopback(got)); /* though the proxy is on this machine */
    assert_int_equal(dial_attempts(dial, &count)->port, listener_port(listener));
    assert_int_equal(count, 1);

    stream_on(got, &events, NULL);
    while (read_len < 8)
        loop_turn(loop);
    check_bytes("what the server said", ((struct span){ read_bytes, read_len }), SPAN("220 hi\r\n"));
    stream_write(got, SPAN("EHLO me\r\n"));
    while (heard_len < strlen("EHLO me\r\n") + sizeof ASKED - 1)
        loop_turn(loop);
    check_bytes("what the server was told", span_from((struct span){ heard, heard_len }, sizeof ASKED - 1),
                SPAN("EHLO me\r\n"));
    stream_free(got);
}

static void test_refused(void **state)
{
    static const struct {
        const char *label;
        const char *answers[2];
        size_t lens[2];
        size_t said;
        const char *fact, *want;
    } rows[] = {
        { "the server refuses", { CHOICE, "\5\5\0\1\0\0\0\0\0\0" }, { 2, 10 }, 2, "connect:refused",
          "connecting to smtp.example.com: the proxy says: refused" },
        { "wants a sign-in", { "\5\377", NULL }, { 2 }, 1, "proxy:protocol", "wants a sign-in" },
        { "is a mail server", { "220 hi\r\n", NULL }, { 8 }, 1, "proxy:protocol", "no SOCKS5 proxy" },
        { "hangs up at once", { NULL, NULL }, { 0 }, 1, "proxy:protocol", "hung up" },
        { "hangs up later", { CHOICE, NULL }, { 2 }, 2, "proxy:protocol", "hung up" },
        { "is silent", { CHOICE, NULL }, { 2 }, 1, "connect:timeout", "has no answer yet" },
        { "is silent from the first", { NULL, NULL }, { 0 }, 0, "proxy:protocol", "says nothing" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = { 0 };
        OWN(dial) dial = NULL;
        bool silent = span_starts(span_of(rows[i].label), "is silent");

        script = rows[i].answers;
        script_lens = rows[i].lens;
        said = rows[i].said;
        loop_turn(loop);
        assert_true(start(silent ? loop_now(loop) + 50 : UINT64_MAX, &dial, &err));
        assert_true(loop_run_until(loop, &done));
        check_row(rows[i].label, !got && why.fact && strcmp(why.fact, rows[i].fact) == 0);
        if (!strstr(why.text, rows[i].want))
            fail_msg("case \"%s\": %s", rows[i].label, why.text);
    }
}

static void test_no_proxy_there(void **state)
{
    struct err err = { 0 };
    OWN(dial) dial = NULL;
    const struct dial_plan plan = { .host = "smtp.example.com", .port = 587, .proxy = "socks5://127.0.0.1:1",
                                    .deadline = UINT64_MAX };

    (void)state;
    done = false;
    assert_true(dial_start(loop, &plan, on_done, NULL, &dial, &err));
    assert_true(loop_run_until(loop, &done));
    assert_string_equal(why.fact, "proxy:unreachable");
    assert_string_equal(why.text, "connecting to the proxy 127.0.0.1 port 1: 127.0.0.1 refused");
}

static void test_bad_proxy(void **state)
{
    struct err err = { 0 };
    struct dial *dial = NULL;
    const struct dial_plan plan = { .host = "x", .port = 587, .proxy = "http://127.0.0.1:1" };

    (void)state;
    assert_false(dial_start(loop, &plan, on_done, NULL, &dial, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

/* A detour says where to go, and so goes there. */
static void test_detour_goes_by_itself(void **state)
{
    struct dial_detour detour = { .host = "smtp.example.com", .to_host = "127.0.0.1" };
    struct err err = { 0 };
    OWN(dial) dial = NULL;

    (void)state;
    detour.to_port = listener_port(listener);
    const struct dial_plan plan = { .host = "smtp.example.com", .port = 587, .proxy = "socks5://127.0.0.1:1",
                                    .detours = { &detour, 1 }, .deadline = UINT64_MAX };
    done = false;
    assert_true(dial_start(loop, &plan, on_done, NULL, &dial, &err));
    assert_true(loop_run_until(loop, &done));
    assert_true(got && stream_is_loopback(got));
    stream_free(got);
}

/* Hung up at each stage: nothing is told, nothing is left. */
static void test_hang_up(void **state)
{
    static const char *const answers[] = { CHOICE, OPENED };
    static const size_t lens[] = { 2, 10 };

    (void)state;
    script = answers;
    script_lens = lens;
    said = COUNT(answers);
    for (int turns = 0; turns < 8; turns++) {
        struct err err = { 0 };
        struct dial *dial = NULL;
        assert_true(start(UINT64_MAX, &dial, &err));
        for (int n = 0; n < turns && !done; n++)
            loop_turn(loop);
        bool told = done;
        dial_free(dial);
        for (int n = 0; n < 5; n++)
            loop_turn(loop);
        assert_int_equal(done, told);
        stream_free(got);
    }
}

static void test_no_memory(void **state)
{
    static const char *const answers[] = { CHOICE, OPENED };
    static const size_t lens[] = { 2, 10 };

    (void)state;
    script = answers;
    script_lens = lens;
    said = COUNT(answers);
    for (unsigned n = 1;; n++) {
        struct dial *dial = NULL;
        struct err err = { 0 };

        stream_free(GIVE(caller));
        for (int turn = 0; turn < 20; turn++)
            loop_turn(loop);
        size_t before = alloc_alive();
        alloc_fail_at(n);
        bool started = start(loop_now(loop) + 2000, &dial, &err);
        while (started && !done)
            loop_turn(loop);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(got || failed);
        stream_free(got);
        dial_free(dial);
        stream_free(GIVE(caller));
        for (int turn = 0; turn < 20; turn++)
            loop_turn(loop);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

static int open_all(void **state)
{
    const struct listen_plan plan = { .address = "127.0.0.1" };
    struct err err;

    (void)state;
    return loop_new(&loop, &err) && listen_open(loop, &plan, proxy_came, NULL, &listener, &err) ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    stream_free(caller);
    listener_free(listener);
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_through),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_proxy_there),
        cmocka_unit_test(test_bad_proxy),
        cmocka_unit_test(test_detour_goes_by_itself),
        cmocka_unit_test(test_hang_up),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
