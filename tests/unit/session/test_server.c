/* A caller served over a real line, by a client that says anything at all. */
#include "support/check.h"

#include <sys/socket.h>

#include "base/alloc.h"
#include "mail/envelope.h"
#include "net/listen.h"
#include "session/preamble.h"
#include "session/server.h"
#include "support/alloc_fails.h"
#include "support/caller.h"
#include "support/identity.h"
#include "support/scratch.h"
#include "support/world.h"

#define HI    "EHLO me\r\n"
#define TO_X  "MAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\n"

/* -- the server -- */

struct bench {
    struct loop *loop;
    struct listener *listener;
    struct session_server_plan plan;
    struct preamble_plan before; /* all false: none */
    struct preamble *preamble;
    struct preamble_found found;
    struct session_server *session;
    struct buf kept;     /* messages that were said to be kept, '|' behind each */
    struct buf message;
    bool hesitates;      /* questions are left open */
    enum smtp_question open;
    bool is_open, over;
    unsigned asked, dropped;
    struct err why;
};

static void answer(struct bench *bench, enum smtp_question question)
{
    struct smtp_server *machine = session_server_machine(bench->session);

    if (question == SMTP_ASK_SIGN_IN)
        session_server_answer(bench->session, &(struct smtp_answer){
                                                  .yes = span_is(smtp_server_claim(machine).proof, "secret") });
    else if (question == SMTP_ASK_KEY)
        session_server_password(bench->session, NULL);
    else
        session_server_answer(bench->session, &(struct smtp_answer){ .yes = true });
}

static void asked(void *who, struct session_server *session, enum smtp_question question)
{
    struct bench *bench = who;

    bench->session = session;
    bench->asked++;
    if (question == SMTP_ASK_BEGIN)
        buf_clear(&bench->message);
    if (question == SMTP_ASK_KEEP) {
        buf_add_span(&bench->kept, buf_span(&bench->message));
        buf_add(&bench->kept, "|");
    }
    bench->open = question;
    bench->is_open = bench->hesitates;
    if (!bench->hesitates)
        answer(bench, question);
}

static void body(void *who, struct session_server *session, struct span piece)
{
    struct bench *bench = who;

    buf_add_span(&bench->message, piece);
    session_server_body_kept(session);
}

static void dropped(void *who, struct session_server *session)
{
    struct bench *bench = who;

    (void)session;
    bench->dropped++;
}

static void over(void *who, struct session_server *session, const struct err *why)
{
    struct bench *bench = who;

    assert_ptr_equal(session, bench->session);
    bench->why = *why;
    bench->over = true;
    session_server_free(GIVE(bench->session));
}

static void serve(struct bench *bench, struct stream *stream, struct span early)
{
    static const struct session_server_events events = { asked, body, dropped, over };
    struct err err = { 0 };

    if (!session_serve_from(bench->loop, stream, &bench->plan, bench->plan.tls_first, early, &events, bench,
                            &bench->session, &err))
        bench->over = true;
}

static void told(void *who, struct stream *stream, const struct preamble_found *found)
{
    struct bench *bench = who;

    bench->preamble = NULL;
    bench->found = *found;
    bench->plan.tls_first |= found->tls_first;
    if (stream)
        serve(bench, stream, found->early);
    else
        bench->over = true;
}

static void came(void *who, struct stream *stream)
{
    struct bench *bench = who;

    if (!bench->before.proxy && !bench->before.maybe_tls)
        serve(bench, stream, SPAN_NONE);
    else if (!preamble_read(bench->loop, stream, &bench->before, told, bench, &bench->preamble, NULL))
        bench->over = true;
}

static void bench_begin_at(struct bench *bench, const struct listen_plan *where)
{
    *bench = (struct bench){ .kept = BUF(1 << 20), .message = BUF(1 << 20) };
    bench->plan.smtp.name = "mail.example";
    smtp_extensions_read(SPAN("x\nPIPELINING\nSIZE 1000000\n8BITMIME\nCHUNKING\nFUTURERELEASE 60\nAUTH PLAIN"),
                         &bench->plan.smtp.clear);
    bench->plan.smtp.secured = bench->plan.smtp.clear;
    assert_true(loop_new(&bench->loop, NULL));
    assert_true(listen_open(bench->loop, where, came, bench, &bench->listener, NULL));
}

static void bench_begin(struct bench *bench)
{
    bench_begin_at(bench, &(struct listen_plan){ .address = "127.0.0.1" });
}

static void bench_done(struct bench *bench)
{
    preamble_free(bench->preamble);
    session_server_free(bench->session);
    listener_free(bench->listener);
    loop_free(bench->loop);
    buf_done(&bench->kept);
    buf_done(&bench->message);
}

static void test_a_message(void **state)
{
    (void)state;
    struct bench bench;
    struct caller caller;

    bench_begin(&bench);
    call(&caller, bench.loop, listener_port(bench.listener));
    await_words(&caller, "220 mail.example ESMTP\r\n");
    say(&caller, HI TO_X "DATA\r\n");
    await_words(&caller, "354 ");
    say(&caller, "Hi\r\n..\r\n.\r\nQUIT\r\n");
    await(&caller, caller.ended);
    await_words(&caller, "250 2.0.0 Kept\r\n221 2.0.0 Goodbye\r\n");
    assert_string_equal(buf_text(&bench.kept), "Hi\r\n.\r\n|");
    assert_null(strstr(buf_text(&caller.heard), "FUTURERELEASE")); /* nobody gave it a clock */
    hang_up(&caller);
    await(&caller, bench.over);
    assert_int_equal(bench.why.kind, ERR_NONE);
    assert_int_equal(bench.dropped, 0);
    bench_done(&bench);
}

static void test_a_clock_offers_dates(void **state)
{
    (void)state;
    struct bench bench;
    struct caller caller;
    struct world world;

    world_init(&world);
    world.wall = 1795389300000;
    bench_begin(&bench);
    bench.plan.clock = &world.clock;
    call(&caller, bench.loop, listener_port(bench.listener));
    say(&caller, HI);
    await_words(&caller, "FUTURERELEASE 60 2026-11-22T23:16:0");
    hang_up(&caller);
    bench_done(&bench);
}

/* What was half received when the line broke was no message, wherever it broke. */
static void test_cut_in_a_message(void **state)
{
    static const struct {
        const char *label, *said;
        unsigned dropped;
    } rows[] = {
        { "in the greeting", "", 0 },
        { "behind RCPT", HI TO_X, 0 },
        { "behind DATA", HI TO_X "DATA\r\n", 1 },
        { "in the text", HI TO_X "DATA\r\nHi\r\n", 1 },
        { "before the last octet", HI TO_X "DATA\r\nHi\r\n.\r", 1 },
        { "in a chunk", HI TO_X "BDAT 10 LAST\r\n12345678", 1 },
        { "between chunks", HI TO_X "BDAT 4\r\n12\r\n", 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bench bench;
        struct caller caller;

        bench_begin(&bench);
        call(&caller, bench.loop, listener_port(bench.listener));
        await_words(&caller, "220 ");
        say(&caller, rows[i].said);
        await(&caller, !rows[i].dropped || strstr(buf_text(&caller.heard), "354 ") ||
                           strstr(rows[i].said, "BDAT"));
        await(&caller, !strstr(rows[i].said, "BDAT") || bench.message.len);
        hang_up(&caller);
        await(&caller, bench.over);
        check_row(rows[i].label, bench.kept.len == 0);
        check_row(rows[i].label, bench.dropped == rows[i].dropped);
        bench_done(&bench);
    }
}

/* While an answer is awaited nothing is read, and nobody is asked twice. */
static void test_answers_later(void **state)
{
    (void)state;
    struct bench bench;
    struct caller caller;

    bench_begin(&bench);
    bench.hesitates = true;
    call(&caller, bench.loop, listener_port(bench.listener));
    say(&caller, HI TO_X "NOOP\r\n");
    await(&caller, bench.is_open);
    for (unsigned i = 0; i < 20; i++)
        loop_turn(bench.loop);
    assert_int_equal(bench.asked, 1);
    assert_int_equal(bench.open, SMTP_ASK_SENDER);
    bench.hesitates = bench.is_open = false;
    answer(&bench, bench.open);
    await_words(&caller, "Still here");
    assert_int_equal(bench.asked, 2);
    hang_up(&caller);
    bench_done(&bench);
}

/* A client that is gone while an answer is awaited: the answer does no harm. */
static void test_gone_before_the_answer(void **state)
{
    (void)state;
    struct bench bench;
    struct caller caller;

    bench_begin(&bench);
    bench.hesitates = true;
    call(&caller, bench.loop, listener_port(bench.listener));
    say(&caller, HI TO_X);
    await(&caller, bench.is_open);
    hang_up(&caller);
    bench.hesitates = false;
    answer(&bench, bench.open);
    await(&caller, bench.over);
    bench_done(&bench);
}

/* A client that says and says, and reads nothing: it is not read, either, and our replies do not heap up. By a
 * Unix socket, for there the system itself holds the least. */
static void test_unread_replies_stop_reading(void **state)
{
    (void)state;
    SCRATCH(dir);
    const char *path = scratch_path(dir, "socket");
    struct bench bench;
    struct caller caller;
    HELD(buf) many = BUF(1 << 20);
    size_t said = 0;

    bench_begin_at(&bench, &(struct listen_plan){ .unix_path = path });
    call_unix(&caller, bench.loop, path);
    await_words(&caller, "220 ");
    say(&caller, HI "MAIL FROM:<a@x.org>\r\n");
    for (unsigned i = 0; i < 20000; i++)
        buf_add(&many, "RCPT TO:<b@x.org>\r\n");
    for (unsigned turns = 0; turns < 1000 && said < many.len; turns++) {
        struct span rest = span_from(buf_span(&many), said);
        ssize_t sent = send(caller.fd, rest.at, rest.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        said += sent > 0 ? (size_t)sent : 0;
        loop_turn(bench.loop);
    }
    assert_true(bench.session && !bench.over && said < many.len);
    struct smtp_server *machine = session_server_machine(bench.session);
    assert_int_equal(smtp_server_need(machine), SMTP_SERVER_ROOM); /* it waits for us, not we for it */
    assert_true(smtp_server_output(machine).len <= 20 * 1024);
    hang_up(&caller);
    await(&caller, bench.over);
    bench_done(&bench);
}

/* -- TLS -- */

static void test_starttls(void **state)
{
    (void)state;
    struct bench bench;
    struct caller caller;
    struct identity identity;

    identity_make(&identity);
    OWN(tls_context) client = identity_client(&identity);
    bench_begin(&bench);
    bench.plan.tls = identity_server(&identity, IDENTITY_GOOD, "mail.example", false);
    bench.plan.smtp.clear.offered |= SMTP_STARTTLS;
    call(&caller, bench.loop, listener_port(bench.listener));
    say(&caller, HI "STARTTLS\r\n");
    await_words(&caller, "Ready for TLS");
    buf_clear(&caller.heard);
    begin_tls(&caller, client, "mail.example");
    say(&caller, HI "AUTH PLAIN AG1lAHNlY3JldA==\r\n");
    await_words(&caller, "235 ");
    hang_up(&caller);
    tls_context_free(bench.plan.tls);
    bench_done(&bench);
    identity_done(&identity);
}

/* What waits behind STARTTLS in the clear is never run, and never reaches the conversation inside. */
static void test_injected_behind_starttls(void **state)
{
    (void)state;
    struct bench bench;
    struct caller caller;
    struct identity identity;

    identity_make(&identity);
    bench_begin(&bench);
    bench.plan.tls = identity_server(&identity, IDENTITY_GOOD, "mail.example", false);
    bench.plan.smtp.clear.offered |= SMTP_STARTTLS;
    call(&caller, bench.loop, listener_port(bench.listener));
    say(&caller, HI "STARTTLS\r\nRSET\r\n" TO_X);
    await(&caller, caller.ended);
    await_words(&caller, "501 5.5.4 Nothing may follow STARTTLS");
    assert_int_equal(bench.asked, 0);
    hang_up(&caller);
    await(&caller, bench.over);
    tls_context_free(bench.plan.tls);
    bench_done(&bench);
    identity_done(&identity);
}

#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" \
             "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" \
             "0123456789012345678901234567890123456789012345678901234567890123456789"

/* A port for TLS says nothing in the clear, whatever it is told. */
static void test_tls_first_speaks_no_plaintext(void **state)
{
    static const char *const said[] = { HI TO_X, "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x01\x01hello, I am no handshake at all" LONG, "" };

    (void)state;
    for (size_t i = 0; i < COUNT(said); i++) {
        struct bench bench;
        struct caller caller;
        struct identity identity;

        identity_make(&identity);
        bench_begin(&bench);
        bench.plan.tls = identity_server(&identity, IDENTITY_GOOD, "mail.example", false);
        bench.plan.tls_first = true;
        call(&caller, bench.loop, listener_port(bench.listener));
        await(&caller, bench.session);
        say(&caller, said[i]);
        if (*said[i])
            await(&caller, caller.ended);
        assert_null(strstr(buf_text(&caller.heard), "220"));
        assert_null(strstr(buf_text(&caller.heard), "ESMTP"));
        assert_int_equal(bench.asked, 0);
        hang_up(&caller);
        await(&caller, bench.over);
        tls_context_free(bench.plan.tls);
        bench_done(&bench);
        identity_done(&identity);
    }
}

/* -- what stands before -- */

#define PROXY "PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n"

static void test_a_balancers_word(void **state)
{
    static const struct {
        const char *label, *said, *heard; /* NULL: it hangs up without a word */
    } rows[] = {
        { "then silence: it is greeted", PROXY, "220 mail.example" },
        { "the conversation right behind it", PROXY HI TO_X, "250 2.1.5" },
        { "none", HI TO_X, NULL },
        { "half of one", "PROXY TCP4 192.0.2.1\r\n", NULL },
        { "a handshake", "\x16\x03\x01", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bench bench;
        struct caller caller;
        HELD(buf) source = BUF(64);

        bench_begin(&bench);
        bench.before.proxy = true;
        call(&caller, bench.loop, listener_port(bench.listener));
        say(&caller, rows[i].said);
        if (rows[i].heard) {
            await_words(&caller, rows[i].heard);
            ip_write(&source, bench.found.header.source);
            check_bytes(rows[i].label, buf_span(&source), SPAN("192.0.2.1"));
        } else {
            await(&caller, caller.ended);
            check_row(rows[i].label, caller.heard.len == 0 && bench.over);
        }
        hang_up(&caller);
        await(&caller, bench.over);
        bench_done(&bench);
    }
}

/* Byte by byte, before TLS, and both on one port. */
static void test_proxy_and_tls_on_one_port(void **state)
{
    (void)state;
    for (unsigned proxy = 0; proxy < 2; proxy++) {
        for (unsigned secure = 0; secure < 2; secure++) {
            struct bench bench;
            struct caller caller;
            struct identity identity;

            identity_make(&identity);
            OWN(tls_context) client = identity_client(&identity);
            bench_begin(&bench);
            bench.plan.tls = identity_server(&identity, IDENTITY_GOOD, "mail.example", false);
            bench.before = (struct preamble_plan){ .proxy = proxy, .maybe_tls = true };
            call(&caller, bench.loop, listener_port(bench.listener));
            for (size_t at = 0; proxy && PROXY[at]; at++) {
                say_bytes(&caller, (struct span){ &PROXY[at], 1 });
                loop_turn(bench.loop);
            }
            if (secure)
                begin_tls(&caller, client, "mail.example");
            await_words(&caller, "220 mail.example");
            assert_int_equal(bench.found.tls_first, secure);
            say(&caller, HI TO_X);
            await_words(&caller, "250 2.1.5");
            hang_up(&caller);
            tls_context_free(bench.plan.tls);
            bench_done(&bench);
            identity_done(&identity);
        }
    }
}

static void test_gone_in_the_preamble(void **state)
{
    (void)state;
    struct bench bench;
    struct caller caller;

    bench_begin(&bench);
    bench.before.proxy = true;
    call(&caller, bench.loop, listener_port(bench.listener));
    say(&caller, "PROXY TCP4 ");
    await(&caller, bench.preamble);
    hang_up(&caller);
    await(&caller, bench.over);
    bench_done(&bench);

    bench_begin(&bench); /* and we, while it speaks */
    bench.before.maybe_tls = true;
    call(&caller, bench.loop, listener_port(bench.listener));
    await(&caller, bench.preamble);
    bench_done(&bench);
    hang_up(&caller);
}

static void test_no_memory(void **state)
{
    (void)state;
    size_t before = alloc_alive();

    for (unsigned nth = 1;; nth++) {
        struct bench bench;
        struct caller caller;

        bench_begin(&bench);
        bench.before.proxy = true;
        call(&caller, bench.loop, listener_port(bench.listener));
        say(&caller, PROXY HI TO_X "DATA\r\n.\r\nQUIT\r\n");
        alloc_fail_at(nth);
        for (unsigned turns = 0; turns < 300 && !bench.over && !alloc_failed(); turns++)
            loop_turn(bench.loop);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        if (!failed)
            await(&caller, bench.over);
        hang_up(&caller);
        bench_done(&bench);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message),
        cmocka_unit_test(test_a_clock_offers_dates),
        cmocka_unit_test(test_cut_in_a_message),
        cmocka_unit_test(test_answers_later),
        cmocka_unit_test(test_gone_before_the_answer),
        cmocka_unit_test(test_unread_replies_stop_reading),
        cmocka_unit_test(test_starttls),
        cmocka_unit_test(test_injected_behind_starttls),
        cmocka_unit_test(test_tls_first_speaks_no_plaintext),
        cmocka_unit_test(test_a_balancers_word),
        cmocka_unit_test(test_proxy_and_tls_on_one_port),
        cmocka_unit_test(test_gone_in_the_preamble),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
