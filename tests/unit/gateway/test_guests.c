#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "account/password.h"
#include "base/alloc.h"
#include "base/base64.h"
#include "smtp/sasl.h"
#include "smtp/server.h"
#include "support/alloc_fails.h"

#define LAN  "[listen lan]\naddress = 0.0.0.0:587\n"
#define DESK "[listen desk]\naddress = 127.0.0.1:587\n"
#define HI   "EHLO me\r\n"
#define TO_YOU "MAIL FROM:<me@live.example>\r\nRCPT TO:<you@there.example>\r\n"

static const char *plain(const char *user, const char *password)
{
    static char line[400];
    HELD(buf) said = BUF(200), word = BUF(300);

    buf_add_span(&said, (struct span){ "", 1 });
    buf_add(&said, user);
    buf_add_span(&said, (struct span){ "", 1 });
    buf_add(&said, password);
    base64_encode(&word, buf_span(&said));
    snprintf(line, sizeof line, "AUTH PLAIN %s\r\n", buf_text(&word));
    return line;
}

/* The last refusal of the listener. */
static const struct refusal *refused(struct bench *bench, const char *listener)
{
    const struct refusal *last = refusals_at(bench_listener(bench, listener).refusals, 0);

    assert_non_null(last);
    return last;
}

/* -- what is offered -- */

static void test_what_is_offered(void **state)
{
    static const struct {
        const char *label, *listen, *from;
        const char *clear[4], *not_clear[4], *secured[4], *not_secured[4];
    } rows[] = {
        { "everywhere", LAN BENCH_PROXY, "192.168.1.9",
          { "STARTTLS\r\n", "CHUNKING\r\n", "LIMITS RCPTMAX=1000\r\n", "FUTURERELEASE 2592000 2026-" },
          { "AUTH", "BINARYMIME", "XCLIENT" },
          { "AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n", "SIZE 157286400\r\n", "DELIVERBY", "MT-PRIORITY" },
          { "STARTTLS", "BINARYMIME", "XCLIENT" } },
        { "on this machine", DESK BENCH_PROXY, "127.0.0.9",
          { "STARTTLS\r\n", "AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n" }, { "PLUS" },
          { "AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n" }, { "STARTTLS" } },
        { "bound to TLS", DESK BENCH_PROXY "scram_plus = yes\n", "127.0.0.9",
          { "AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n" }, { "PLUS" },
          { "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN\r\n" }, { NULL } },
        { "passwords in the clear", LAN BENCH_PROXY BENCH_NETS "plaintext_auth = yes\nscram_plus = yes\n", "192.0.2.9",
          { "AUTH SCRAM-SHA-256 PLAIN LOGIN\r\n", "STARTTLS\r\n" }, { "PLUS" }, { "SCRAM-SHA-256-PLUS" }, { NULL } },
        { "small messages", LAN BENCH_PROXY "message_size = 1M\n", "192.168.1.9", { "SIZE 1048576\r\n" }, { NULL },
          { NULL }, { NULL } },
        { "a mail proxy", LAN BENCH_PROXY "xclient_from = 192.168.1.0/24\n", "192.168.1.9", { "XCLIENT " }, { "AUTH" },
          { "XCLIENT " }, { NULL } },
        { "not the mail proxy", LAN BENCH_PROXY "xclient_from = 192.168.1.0/24\n", "192.168.2.9", { NULL },
          { "XCLIENT" }, { NULL }, { "XCLIENT" } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        BENCH(bench, rows[i].listen);
        bench_call_as(bench, bench->config->sections[1].name, rows[i].from, &caller);
        ask(&caller, HI, "\r\n250 ");
        for (unsigned tls = 0; tls < 2; tls++) {
            const char *heard = buf_text(&caller.heard);
            for (unsigned k = 0; k < 4; k++) {
                const char *there = tls ? rows[i].secured[k] : rows[i].clear[k];
                const char *not_there = tls ? rows[i].not_secured[k] : rows[i].not_clear[k];
                if (there && !strstr(heard, there))
                    fail_msg("%s, TLS %u: %s is not offered: %s", rows[i].label, tls, there, heard);
                if (not_there && strstr(heard, not_there))
                    fail_msg("%s, TLS %u: %s is offered: %s", rows[i].label, tls, not_there, heard);
            }
            if (!tls)
                bench_start_tls(bench, &caller);
        }
        hang_up(&caller);
    }
}

static void test_no_tls_at_all(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, DESK "security = none\n");

    bench_call(bench, "desk", &caller);
    ask(&caller, HI, "\r\n250 ");
    assert_null(strstr(buf_text(&caller.heard), "STARTTLS"));
    assert_null(bench_listener(bench, "desk").certificate);
    assert_int_equal(scratch_count(scratch_path(bench->dir, "state")), 0);
    hang_up(&caller);
}

/* One port for those who begin with TLS, those who ask for it, and those who only know SMTP. */
static void test_tls_or_not(void **state)
{
    (void)state;
    struct caller early, late;
    OWN(tls_context) context = NULL;
    BENCH(bench, LAN "security = auto\n");
    const struct tls_client_plan plan = { .ca_file = scratch_path(bench->dir, "state/tls.pem") };

    bench_call(bench, "lan", &late); /* it waits for a word; without one it is SMTP's turn to greet */
    bench_start_tls(bench, &late);
    hang_up(&late);

    call(&early, bench->loop, bench_port(bench, "lan"));
    assert_true(tls_client_context(&plan, &context, NULL));
    begin_tls(&early, context, "localhost");
    await_words(&early, "220 mail.house.example");
    ask(&early, HI, "AUTH ");
    hang_up(&early);
}

/* -- signing in -- */

static void test_passwords(void **state)
{
    static const struct {
        const char *label, *user, *password;
        bool right;
    } rows[] = {
        { "right", "scanner", BENCH_PASSWORD, true },
        { "right again", "scanner", BENCH_PASSWORD, true },
        { "by another case", "SCANNER", BENCH_PASSWORD, true },
        { "wrong", "scanner", "secret-two", false },
        { "nobody", "nobody", BENCH_PASSWORD, false },
    };
    char wrong[200] = "";

    (void)state;
    BENCH(bench, DESK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        bench_greet(bench, "desk", &caller);
        ask(&caller, plain(rows[i].user, rows[i].password), rows[i].right ? "235 " : "535 ");
        if (!rows[i].right && *wrong)
            assert_string_equal(wrong, buf_text(&caller.heard)); /* who is there is told to nobody */
        if (!rows[i].right)
            snprintf(wrong, sizeof wrong, "%s", buf_text(&caller.heard));
        ask(&caller, "MAIL FROM:<a@x.example>\r\n", rows[i].right ? "250 " : "530 ");
        hang_up(&caller);
        bench_settle(bench);
    }
    /* What failed is there for whoever looks: the user's too, where there is one. */
    const struct refusals *users = gateway_user_refusals(bench->gateway, "Scanner");
    assert_non_null(users);
    assert_string_equal(refusals_at(users, 1)->cause, "gateway_bad_password");
    assert_int_equal(refusals_at(users, 1)->reply, 535);
    assert_int_equal(refusals_at(users, 0)->reply, 530);
    assert_null(gateway_user_refusals(bench->gateway, "nobody"));
    assert_null(strstr(buf_text(&bench->logged), BENCH_PASSWORD));
    assert_null(strstr(buf_text(&bench->logged), "secret-two"));
}

/* Through SCRAM; the reply's code. */
static unsigned scram(struct caller *caller, const char *user, const char *password)
{
    const struct sasl_client_plan plan = { .mechanism = SASL_SCRAM_SHA_256, .username = span_of(user) };
    OWN(sasl_client) client = NULL;
    OWN(secret) secret = secret_new(span_of(password));
    HELD(buf) line = BUF(2000), challenge = BUF(2000);

    assert_true(sasl_client_new(&plan, &client, NULL));
    buf_add(&line, "AUTH SCRAM-SHA-256 ");
    for (;;) {
        switch (sasl_client_need(client)) {
        case SASL_NEED_CREDENTIAL:
        case SASL_NEED_KEY:
            sasl_client_credential(client, secret);
            continue;
        case SASL_NEED_SEND:
            base64_encode(&line, sasl_client_output(client));
            sasl_client_sent(client);
            buf_add(&line, "\r\n");
            ask(caller, buf_text(&line), "\r\n");
            buf_clear(&line);
            continue;
        case SASL_NEED_PEER:
        case SASL_NEED_VERDICT:
            if (strncmp(buf_text(&caller->heard), "334 ", 4) != 0)
                break;
            buf_clear(&challenge);
            assert_true(base64_decode(&challenge, span_cut(buf_span(&caller->heard), 4, caller->heard.len - 2)));
            sasl_client_input(client, buf_span(&challenge));
            continue;
        default:
            break;
        }
        break;
    }
    unsigned code = (unsigned)strtoul(buf_text(&caller->heard), NULL, 10);
    assert_true(code != 235 || sasl_client_accepted(client, NULL));
    return code;
}

static void test_scram(void **state)
{
    static const struct {
        const char *label, *user, *password;
        unsigned code;
    } rows[] = {
        { "right", "scanner", BENCH_PASSWORD, 235 },
        { "wrong", "scanner", "secret-two", 535 },
        { "nobody", "nobody", BENCH_PASSWORD, 535 },
    };

    (void)state;
    BENCH(bench, DESK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        bench_greet(bench, "desk", &caller);
        assert_int_equal(scram(&caller, rows[i].user, rows[i].password), rows[i].code);
        ask(&caller, "MAIL FROM:<a@x.example>\r\n", rows[i].code == 235 ? "250 " : "530 ");
        hang_up(&caller);
        bench_settle(bench);
    }
    assert_int_equal(gateway_user_refusals(bench->gateway, "scanner")->count, 2);
}

static void test_a_user_without_keys(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, DESK "[user bare]\n"
                 "password = $argon2id$v=19$m=19456,t=2,p=1$Y6ih2MXM2kPtFCQKtncI1w$"
                 "ouMQLDI3eJsTe4Ixa2Q2MuQ6Qv3lGE8tk1vbgxeSoBs\n");

    bench_call(bench, "desk", &caller);
    ask(&caller, HI, "AUTH PLAIN LOGIN\r\n");
    bench_start_tls(bench, &caller);
    ask(&caller, HI, "AUTH PLAIN LOGIN\r\n");
    hang_up(&caller);
}

static void test_not_in_the_clear(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, LAN);

    bench_greet(bench, "lan", &caller);
    ask(&caller, plain("scanner", BENCH_PASSWORD), "538 ");
    hang_up(&caller);
    bench_settle(bench);
    assert_string_equal(refused(bench, "lan")->cause, "gateway_plaintext_refused");
    assert_string_equal(refused(bench, "lan")->user, "");

    bench_greet(bench, "lan", &caller);
    ask(&caller, "MAIL FROM:<a@x.example>\r\n", "530 ");
    bench_start_tls(bench, &caller);
    ask(&caller, plain("scanner", BENCH_PASSWORD), "235 ");
    ask(&caller, "MAIL FROM:<a@x.example>\r\n", "250 ");
    hang_up(&caller);
}

/* What the machine refuses without asking is remembered, too: while they are still there, the first of it, once. */
static void test_refused_without_a_question(void **state)
{
    (void)state;
    static const struct {
        const char *label, *said, *reply, *cause;
        uint16_t code;
    } rows[] = {
        { "nobody", "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nRSET\r\n", "503 ", "auth_not_attempted",
          530 },
        { "too large", "MAIL FROM:<a@x.example> SIZE=2000000\r\n", "552 5.3.4 The message is larger than 1048576 octets",
          "gateway_message_too_big", 552 },
        { "a bare LF", TO_YOU "DATA\r\nSubject: x\r\n\r\nHi\nyou\r\n.\r\n", "550 5.6.0", "malformed_message", 550 },
        { "a NUL in a chunk", TO_YOU "BDAT 4 LAST\r\nH\1\r\n", "550 5.6.0", "malformed_message", 550 },
        { "taken", TO_YOU "DATA\r\nSubject: x\r\n\r\nHi\r\n.\r\n", "250 2.0.0 Queued", NULL, 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        HELD(buf) said = BUF(1000);
        BENCH(bench, DESK "message_size = 1M\n");
        (i ? bench_enter : bench_greet)(bench, "desk", &caller);
        buf_add(&said, rows[i].said);
        char *nul = memchr(said.at, '\1', said.len);
        if (nul)
            *nul = '\0';
        say_bytes(&caller, buf_span(&said));
        await_words(&caller, rows[i].reply);
        ask(&caller, "RSET\r\n", "250 ");
        if (rows[i].cause && i)
            ask(&caller, "MAIL FROM:<a@x.example>\r\n", "250 ");
        else
            hang_up(&caller);
        bench_settle(bench);
        const struct refusals *refusals = bench_listener(bench, "desk").refusals;
        check_row(rows[i].label, refusals->count == (rows[i].cause != NULL));
        if (rows[i].cause)
            check_row(rows[i].label, strcmp(refusals_at(refusals, 0)->cause, rows[i].cause) == 0 &&
                                         refusals_at(refusals, 0)->reply == rows[i].code);
        if (rows[i].cause && i)
            hang_up(&caller);
    }
}

/* Who guesses waits, and so does who guesses rightly meanwhile; a known one does not. */
static void test_guessing(void **state)
{
    (void)state;
    struct caller friend, stranger;
    BENCH(bench, DESK BENCH_PROXY);

    bench_greet_as(bench, "desk", "127.0.0.2", &friend);
    ask(&friend, BENCH_SIGN_IN, "235 ");
    hang_up(&friend);
    for (unsigned i = 0; i < 3; i++) {
        bench_greet_as(bench, "desk", "127.0.0.3", &stranger);
        ask(&stranger, plain("scanner", i == 2 ? "guess" : "other"), "535 ");
        ask(&stranger, "QUIT\r\n", "221 ");
        hang_up(&stranger);
        bench_settle(bench);
    }
    bench_greet_as(bench, "desk", "127.0.0.3", &stranger);
    ask(&stranger, plain("scanner", "guess"), "535 "); /* the last of the free ones */
    ask(&stranger, plain("scanner", BENCH_PASSWORD), "454 4.7.0 Too many failed sign-ins; wait ");
    hang_up(&stranger);
    bench_settle(bench);
    assert_int_equal(refused(bench, "desk")->reply, 454);

    bench_greet_as(bench, "desk", "127.0.0.3", &stranger);
    assert_int_equal(scram(&stranger, "nobody", "guess"), 454); /* it is the address that waits */
    hang_up(&stranger);

    bench_greet_as(bench, "desk", "127.0.0.2", &friend);
    ask(&friend, BENCH_SIGN_IN, "235 ");
    hang_up(&friend);
}

/* -- who may come in -- */

static void test_who_may_come_in(void **state)
{
    static const struct {
        const char *label, *listen, *from;
        bool in;
    } rows[] = {
        { "private", LAN BENCH_PROXY, "192.168.1.9", true },
        { "public", LAN BENCH_PROXY, "203.0.113.9", false },
        { "public, IPv6", LAN BENCH_PROXY, "2001:db8::9", false },
        { "private, IPv6", LAN BENCH_PROXY, "fd00::9", true },
        { "named", LAN BENCH_PROXY BENCH_NETS, "192.0.2.9", true },
        { "not named", LAN BENCH_PROXY BENCH_NETS, "192.168.1.9", false },
        { "any", LAN BENCH_PROXY "allow = any\n", "203.0.113.9", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        BENCH(bench, rows[i].listen);
        bench_call_as(bench, "lan", rows[i].from, &caller);
        await_words(&caller, rows[i].in ? "220 " : "554 5.7.1 This client may not come in\r\n");
        if (!rows[i].in) {
            await(&caller, caller.ended);
            bench_settle(bench);
            assert_true(gateway_is_idle(bench->gateway));
            assert_string_equal(refused(bench, "lan")->cause, "gateway_not_allowed");
            assert_non_null(strstr(refused(bench, "lan")->peer, rows[i].from));
        }
        hang_up(&caller);
    }
}

/* A word without TLS would be none to who expects a handshake. */
static void test_turned_away_in_silence(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, LAN BENCH_PROXY "security = tls\n");

    bench_call_as(bench, "lan", "203.0.113.9", &caller);
    await(&caller, caller.ended);
    assert_int_equal(caller.heard.len, 0);
    hang_up(&caller);
}

static void test_no_password_by_a_unix_socket(void **state)
{
    (void)state;
    struct caller caller;
    char path[200];
    SCRATCH(dir);
    snprintf(path, sizeof path, "[listen socket]\naddress = unix:%s\n", scratch_path(dir, "s"));
    BENCH(bench, path);

    call_unix(&caller, bench->loop, scratch_path(dir, "s"));
    caller.turn = bench_turn, caller.who = bench;
    await_words(&caller, "220 ");
    ask(&caller, HI, "250 ");
    ask(&caller, "MAIL FROM:<a@x.example>\r\n", "250 ");
    hang_up(&caller);
}

static void test_too_many(void **state)
{
    (void)state;
    struct caller in[3], out;
    struct bench *bench = bench_begin();
    bench->plan.connections = 3;
    assert_true(bench_open(bench, DESK));

    for (unsigned i = 0; i < 3; i++)
        bench_call(bench, "desk", &in[i]);
    assert_int_equal(bench_listener(bench, "desk").sessions, 3);
    call(&out, bench->loop, bench_port(bench, "desk"));
    await_words(&out, "421 4.7.0 Too many connections; try again later\r\n");
    await(&out, out.ended);
    hang_up(&out);
    hang_up(&in[1]);
    bench_settle(bench);
    assert_int_equal(bench_listener(bench, "desk").sessions, 2);
    bench_call(bench, "desk", &in[1]);
    for (unsigned i = 0; i < 3; i++)
        hang_up(&in[i]);
    bench_end(&bench);
}

/* S17: who begins a handshake and says nothing more stops nobody. */
static void test_stalled_handshakes(void **state)
{
    enum { STALLED = 20 };
    (void)state;
    struct caller stalled[STALLED], caller;
    BENCH(bench, LAN);

    for (unsigned i = 0; i < STALLED; i++) {
        bench_greet(bench, "lan", &stalled[i]);
        ask(&stalled[i], "STARTTLS\r\n", "220 ");
        say_bytes(&stalled[i], i % 2 ? SPAN("\x16\x03\x01\x02\x00") : SPAN(""));
    }
    bench_call(bench, "lan", &caller);
    bench_start_tls(bench, &caller);
    ask(&caller, plain("scanner", BENCH_PASSWORD), "235 ");
    hang_up(&caller);
    for (unsigned i = 0; i < STALLED; i++)
        hang_up(&stalled[i]);
}

static void test_a_handshake_that_fails(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, LAN "security = tls\n");

    call(&caller, bench->loop, bench_port(bench, "lan"));
    say(&caller, "EHLO me\r\nMAIL FROM:<a@x.example>\r\n");
    await(&caller, caller.ended);
    bench_settle(bench);
    assert_int_equal(refused(bench, "lan")->stage, STAGE_TLS);
    assert_string_equal(refused(bench, "lan")->cause, "tls_handshake_incompatible");
    hang_up(&caller);
}

/* -- proxies -- */

static void test_xclient(void **state)
{
    static const struct {
        const char *label, *said, *answer, *then; /* then: to a MAIL */
    } rows[] = {
        { "a client", "XCLIENT ADDR=192.168.1.7 PORT=4000", "220 ", "530 " },
        { "a client that needs no password", "XCLIENT ADDR=192.168.1.20", "220 ", "250 " },
        { "a user", "XCLIENT ADDR=192.168.1.7 LOGIN=Scanner", "220 ", "250 " },
        { "nobody", "XCLIENT ADDR=192.168.1.7 LOGIN=nobody", "550 5.7.8", NULL },
        { "from outside", "XCLIENT ADDR=203.0.113.7", "550 5.7.1", NULL },
        { "from nowhere", "XCLIENT ADDR=[UNAVAILABLE]", "220 ", "530 " },
    };

    (void)state;
    BENCH(bench, LAN BENCH_PROXY "xclient_from = 192.168.2.0/24\nno_password_from = 192.168.1.20/32\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        char line[200];
        bench_greet_as(bench, "lan", "192.168.2.1", &caller);
        snprintf(line, sizeof line, "%s\r\n", rows[i].said);
        ask(&caller, line, "\r\n");
        if (strncmp(buf_text(&caller.heard), rows[i].answer, strlen(rows[i].answer)) != 0)
            fail_msg("%s: %s", rows[i].label, buf_text(&caller.heard));
        if (rows[i].then) {
            ask(&caller, HI, "250 ");
            ask(&caller, "MAIL FROM:<a@x.example>\r\n", rows[i].then);
        }
        hang_up(&caller);
        bench_settle(bench);
        assert_true(gateway_is_idle(bench->gateway));
    }
}

static void test_a_user_whom_a_mail_proxy_names(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, LAN BENCH_PROXY "xclient_from = 192.168.2.0/24\n");

    bench_greet_as(bench, "lan", "192.168.2.1", &caller);
    ask(&caller, "XCLIENT ADDR=192.168.1.7 LOGIN=scanner\r\n", "220 ");
    ask(&caller, HI, "250 ");
    ask(&caller, TO_YOU "BDAT 4 LAST\r\nHi\r\n", "250 2.0.0 Queued");
    assert_string_equal(bench_only(bench)->submitter, "user:scanner");
    hang_up(&caller);
}

/* What was known in the clear is forgotten behind STARTTLS (RFC 3207, 4.2), by the gateway, too. */
static void test_signed_in_before_tls(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, DESK "no_password_from = 127.0.0.1/32\n");

    bench_enter(bench, "desk", &caller);
    ask(&caller, "MAIL FROM:<>\r\nRSET\r\n", "250 2.0.0");
    bench_start_tls(bench, &caller);
    ask(&caller, TO_YOU "BDAT 4 LAST\r\nHi\r\n", "250 2.0.0 Queued");
    assert_string_equal(bench_only(bench)->submitter, "listener:desk");
    hang_up(&caller);
}

/* Who comes from where nobody knows comes in, and no network's word is for them. */
static void test_from_nowhere(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, LAN BENCH_PROXY "no_password_from = 127.0.0.0/8\n");

    call(&caller, bench->loop, bench_port(bench, "lan"));
    say(&caller, "PROXY UNKNOWN\r\n" HI);
    await_words(&caller, "250 ");
    ask(&caller, "MAIL FROM:<>\r\n", "530 ");
    hang_up(&caller);
    bench_settle(bench);
    assert_string_equal(refused(bench, "lan")->peer, "?");
}

/* A balancer that checks its servers comes for itself. */
static void test_a_balancers_own_call(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, LAN BENCH_PROXY);

    call(&caller, bench->loop, bench_port(bench, "lan"));
    say_bytes(&caller, SPAN("\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"));
    await_words(&caller, "220 ");
    hang_up(&caller);
    call(&caller, bench->loop, bench_port(bench, "lan"));
    say(&caller, "EHLO me\r\n"); /* from there, and without the line: refused */
    await(&caller, caller.ended);
    assert_int_equal(caller.heard.len, 0);
    hang_up(&caller);
}

/* -- conversations -- */

/* At "lan" from where a balancer says, else at "desk", and signed in. */
static const struct {
    const char *label, *settings, *from;
    struct {
        const char *say, *hear;
    } turns[4];
    const char *cause; /* of what was refused last */
} talks[] = {
    { "LOGIN, word for word", LAN BENCH_PROXY BENCH_NETS "plaintext_auth = yes\n", "192.0.2.9",
      { { "AUTH LOGIN\r\n", "334 " }, { "c2Nhbm5lcg==\r\n", "334 " }, { "c2VjcmV0LW9uZQ==\r\n", "235 " } }, NULL },
    { "needs no password", LAN BENCH_PROXY "no_password_from = 192.168.1.20/32\n", "192.168.1.20",
      { { "MAIL FROM:<a@x.example>\r\n", "250 " } }, NULL },
    { "its neighbour does", LAN BENCH_PROXY "no_password_from = 192.168.1.20/32\n", "192.168.1.21",
      { { "MAIL FROM:<a@x.example>\r\n", "530 " } }, "auth_not_attempted" },
    { "a priority without a name", LAN BENCH_PROXY "no_password_from = 192.168.1.20/32\n", "192.168.1.20",
      { { "MAIL FROM:<> MT-PRIORITY=9\r\n", "250 2.3.6 " } }, NULL },

    { "another's, rewritten", DESK, NULL, { { "MAIL FROM:<x@elsewhere.example>\r\n", "250 " } }, NULL },
    { "another's, refused", DESK "other_senders = refuse\n", NULL,
      { { "MAIL FROM:<x@elsewhere.example>\r\n", "553 5.7.1 x@elsewhere.example is not an address of the account live" },
        { "MAIL FROM:<me@live.example>\r\n", "250 " } }, "gateway_sender_refused" },
    { "too large for all", DESK "message_size = 1M\n", NULL, { { "MAIL FROM:<> SIZE=1048577\r\n", "552 5.3.4 " } },
      "gateway_message_too_big" },
    { "too large for one account", DESK "[account small]\naddress = s@s.example\nserver = s.example:587\nlimit.message_size = 1M\n",
      NULL,
      { { "MAIL FROM:<me@live.example> SIZE=1048577\r\n", "250 2.1.0" }, { "RSET\r\n", "250 2.0.0" },
        { "MAIL FROM:<s@s.example> SIZE=1048577\r\n", "552 5.3.4 The message is larger than the 1048576 octets" },
        { "MAIL FROM:<s@s.example> SIZE=1048576\r\n", "250 " } }, "gateway_message_too_big" },
    /* two accounts, none the default, and neither has this sender */
    { "no account at all", DESK "[account b]\naddress = b@b.example\nserver = b.example:587\n", NULL,
      { { "MAIL FROM:<x@elsewhere.example>\r\n", "451 4.3.5 No account is set up to send by" } }, "no_account" },
    { "held too long to be in time", DESK, NULL,
      { { "MAIL FROM:<me@live.example> HOLDFOR=60 BY=30;R\r\n", "501 5.5.4 It would be too late" } }, NULL },
    { "held, and in time", DESK, NULL, { { "MAIL FROM:<me@live.example> HOLDFOR=60 BY=90;R\r\n", "250 " } }, NULL },
    { "until then, and not in time", DESK, NULL,
      { { "MAIL FROM:<me@live.example> HOLDUNTIL=2026-11-22T23:16:00Z BY=30;R\r\n", "501 5.5.4 It would be too late" } }, NULL },
    { "held, and told if it is late", DESK, NULL, { { "MAIL FROM:<me@live.example> HOLDFOR=60 BY=30;N\r\n", "250 " } }, NULL },
    { "a priority", DESK, NULL, { { "MAIL FROM:<> MT-PRIORITY=3\r\n", "250 2.1.0" } }, NULL },
};

static void test_talks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(talks); i++) {
        struct caller caller;
        BENCH(bench, talks[i].settings);
        if (talks[i].from)
            bench_greet_as(bench, "lan", talks[i].from, &caller);
        else
            bench_enter(bench, "desk", &caller);
        for (size_t k = 0; k < COUNT(talks[i].turns) && talks[i].turns[k].say; k++) {
            ask(&caller, talks[i].turns[k].say, "\r\n");
            if (!span_starts(buf_span(&caller.heard), talks[i].turns[k].hear))
                fail_msg("%s: %s", talks[i].label, buf_text(&caller.heard));
        }
        hang_up(&caller);
        bench_settle(bench);
        const struct refusal *last = refusals_at(bench_listener(bench, talks[i].from ? "lan" : "desk").refusals, 0);
        if (talks[i].cause)
            check_row(talks[i].label, last && strcmp(last->cause, talks[i].cause) == 0);
    }
}

/* -- the envelope -- */

static void test_names_of_this_machine(void **state)
{
    static const struct {
        const char *label, *said, *answer;
    } rows[] = {
        { "an address elsewhere", "RCPT TO:<you@there.example>", "250 " },
        { "a name", "RCPT TO:<root@mail.house.example>", "250 " },
        { "postmaster, the shortest of all", "RCPT TO:<postmaster>", "250 " },
        { "one that leads in a circle", "RCPT TO:<ring@localhost>", "550 5.1.1 " },
        { "one that starts a program", "RCPT TO:<list@localhost>", "550 5.1.1 " },
    };

    (void)state;
    SCRATCH(dir);
    HELD(buf) text = BUF(1000);
    buf_addf(&text, DESK "[local]\naliases = %s\n",
             scratch_file(dir, "aliases",
                          "root: me@live.example\nring: bell\nbell: ring\nlist: \"|/bin/list\"\n", 0644));
    BENCH(bench, buf_text(&text));
    struct caller caller;
    bench_enter(bench, "desk", &caller);
    ask(&caller, "MAIL FROM:<>\r\n", "250 ");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[200];
        snprintf(line, sizeof line, "%s\r\n", rows[i].said);
        ask(&caller, line, "\r\n");
        if (strncmp(buf_text(&caller.heard), rows[i].answer, strlen(rows[i].answer)) != 0)
            fail_msg("%s: %s", rows[i].label, buf_text(&caller.heard));
    }
    hang_up(&caller);
}

/* -- S23 -- */

static void test_recipients_a_minute(void **state)
{
    (void)state;
    struct caller caller;
    HELD(buf) batch = BUF(1 << 20);
    BENCH(bench, LAN BENCH_PROXY "no_password_from = 192.168.1.0/24\n");

    buf_add(&batch, "MAIL FROM:<>\r\n");
    for (unsigned i = 0; i < 1000; i++)
        buf_addf(&batch, "RCPT TO:<r%u@x.example>\r\n", i);
    buf_add(&batch, "RSET\r\n");
    bench_greet_as(bench, "lan", "192.168.1.20", &caller);
    for (unsigned i = 0; i < 30; i++) {
        ask(&caller, buf_text(&batch), "250 2.0.0");
        assert_null(strstr(buf_text(&caller.heard), "450 "));
    }
    ask(&caller, buf_text(&batch), "250 2.0.0"); /* some were free again meanwhile */
    assert_non_null(strstr(buf_text(&caller.heard), "450 4.7.1 Too many recipients a minute; try again in one\r\n"));
    hang_up(&caller);

    bench_call_as(bench, "lan", "192.168.1.21", &caller); /* others are not touched by that */
    ask(&caller, HI, "250 ");
    ask(&caller, "MAIL FROM:<>\r\n", "250 ");
    ask(&caller, "RCPT TO:<you@x.example>\r\n", "250 ");
    hang_up(&caller);
    assert_string_equal(refused(bench, "lan")->cause, "rate_limit_short");
}

/* So many from there, which is to be taken; and then as many again, where not all may be. */
static bool all_are_taken(struct bench *bench, const char *from, unsigned count)
{
    enum { A_CALL = 40 };
    struct caller caller;
    HELD(buf) batch = BUF(1 << 16);
    bool taken = true;

    for (unsigned i = 0; i < A_CALL; i++)
        buf_add(&batch, "MAIL FROM:<>\r\nRSET\r\n");
    buf_add(&batch, "QUIT\r\n");
    for (unsigned done = 0; done < count && taken; done += A_CALL) {
        bench_greet_as(bench, "lan", from, &caller);
        ask(&caller, buf_text(&batch), "221 ");
        taken = !strstr(buf_text(&caller.heard), "450 4.7.1 Too many messages a minute; try again in one\r\n");
        hang_up(&caller);
    }
    return taken;
}

static void test_messages_a_minute(void **state)
{
    (void)state;
    BENCH(bench, LAN BENCH_PROXY "no_password_from = 192.168.1.0/24, 127.0.0.0/8\n");

    assert_true(all_are_taken(bench, "192.168.1.9", 3000));
    assert_false(all_are_taken(bench, "192.168.1.9", 3000));
    assert_true(all_are_taken(bench, "192.168.1.10", 40));
    assert_true(all_are_taken(bench, "127.0.0.7", 6000)); /* this machine's programs are not counted */
}

/* -- memory -- */

/* Each allocation fails once while somebody comes in by PROXY, TLS and a password: nobody is let in by it, and nothing
 * is left of it. */
static void test_memory_fails(void **state)
{
    char said[1000];
    unsigned in = 0;

    (void)state;
    snprintf(said, sizeof said, "PROXY TCP4 192.0.2.9 192.0.2.1 5000 587\r\n" HI "%sMAIL FROM:<>\r\nQUIT\r\n",
             plain("scanner", "wrong"));
    for (unsigned nth = 1;; nth++) {
        struct caller caller;
        size_t before = alloc_alive();
        struct bench *bench = bench_with(LAN BENCH_PROXY BENCH_NETS "plaintext_auth = yes\n");
        call(&caller, bench->loop, bench_port(bench, "lan"));
        say_bytes(&caller, span_of(said));
        alloc_fail_at(nth);
        bench_run_out(bench, &caller);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        await(&caller, caller.ended);
        assert_null(strstr(buf_text(&caller.heard), "235 "));
        in += strstr(buf_text(&caller.heard), "535 ") != NULL;
        assert_true(gateway_is_idle(bench->gateway));
        hang_up(&caller);
        bench_end(&bench);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
    assert_true(in > 0);
}

/* -- going down -- */

static void told(void *who)
{
    bool *drained = who;

    assert_false(*drained);
    *drained = true;
}

/* Nobody was there: told all the same, and not from within. */
static void test_draining_at_once(void **state)
{
    (void)state;
    bool drained = false;
    BENCH(bench, DESK);

    gateway_drain(bench->gateway, told, &drained);
    assert_false(drained);
    bench_settle(bench);
    assert_true(drained);
}

static void test_draining(void **state)
{
    (void)state;
    struct caller idle, busy, eager;
    BENCH(bench, DESK "no_password_from = 127.0.0.1/32\n");

    bench_call(bench, "desk", &idle);
    bench_call(bench, "desk", &busy);
    ask(&busy, HI TO_YOU "DATA\r\n", "354 ");
    bench_call(bench, "desk", &eager);
    ask(&eager, HI TO_YOU "DATA\r\n", "354 ");
    bool drained = false;
    gateway_drain(bench->gateway, told, &drained);
    await_words(&idle, "421 4.3.2 Going down; try again later\r\n");
    await(&idle, idle.ended);
    assert_int_equal(bench_port(bench, "desk"), 0);

    ask(&busy, "Hi\r\n.\r\n", "250 2.0.0 Queued as 1\r\n421 4.3.2 Going down; try again later\r\n");
    await(&busy, busy.ended);
    assert_false(gateway_is_idle(bench->gateway) || drained);
    ask(&eager, "Hi\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<you@x.example>\r\n", /* what came with it is looked at no more */
        "250 2.0.0 Queued as 2\r\n421 4.3.2 Going down; try again later\r\n");
    assert_null(strstr(strstr(buf_text(&eager.heard), "421 ") + 1, "421 "));
    await(&eager, eager.ended && drained);
    assert_true(gateway_is_idle(bench->gateway));
    hang_up(&idle);
    hang_up(&busy);
    hang_up(&eager);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_offered),
        cmocka_unit_test(test_no_tls_at_all),
        cmocka_unit_test(test_tls_or_not),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_scram),
        cmocka_unit_test(test_a_user_without_keys),
        cmocka_unit_test(test_not_in_the_clear),
        cmocka_unit_test(test_refused_without_a_question),
        cmocka_unit_test(test_guessing),
        cmocka_unit_test(test_who_may_come_in),
        cmocka_unit_test(test_turned_away_in_silence),
        cmocka_unit_test(test_no_password_by_a_unix_socket),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_stalled_handshakes),
        cmocka_unit_test(test_a_handshake_that_fails),
        cmocka_unit_test(test_xclient),
        cmocka_unit_test(test_a_user_whom_a_mail_proxy_names),
        cmocka_unit_test(test_signed_in_before_tls),
        cmocka_unit_test(test_from_nowhere),
        cmocka_unit_test(test_a_balancers_own_call),
        cmocka_unit_test(test_talks),
        cmocka_unit_test(test_names_of_this_machine),
        cmocka_unit_test(test_recipients_a_minute),
        cmocka_unit_test(test_messages_a_minute),
        cmocka_unit_test(test_memory_fails),
        cmocka_unit_test(test_draining_at_once),
        cmocka_unit_test(test_draining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
