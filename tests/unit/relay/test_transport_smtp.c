#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "mail/envelope.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "net/timer.h"
#include "relay/transport.h"
#include "support/alloc_fails.h"
#include "support/smtp_peer.h"
#include "unit/relay/credentials.h"
#include "unit/relay/trip.h"

/* ---- one account, one peer ---- */

static const char plain[] = "Subject: hi\r\n\r\nhello\r\n";
static const char eightbit[] = "Subject: hi\r\nMIME-Version: 1.0\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n"
                               "Content-Transfer-Encoding: 8bit\r\n\r\nh\xc3\xa9llo\r\n";

struct visit {
    struct trip trip;
    struct smtp_peer peer;
};

static struct account *account_at(uint16_t port, const char *auth)
{
    struct account *account = NULL;
    struct err err = { 0 };
    char server[32];

    snprintf(server, sizeof server, "127.0.0.1:%u", port);
    assert_true(account_new(SPAN("test"), &account, &err));
    assert_true(account_set(account, "address", SPAN("me@example.org"), &err));
    assert_true(account_set(account, "server", span_of(server), &err));
    assert_true(account_set(account, "security", SPAN("none"), &err));
    assert_true(account_set(account, "auth", span_of(auth), &err));
    assert_true(account_set(account, "username", SPAN("me@example.org"), &err));
    return account;
}

static void visit_begin(struct visit *visit, const struct smtp_peer_row *rows, size_t row_count,
                        const char *auth)
{
    smtp_peer_start(&visit->peer, loop, rows, row_count);
    trip_begin(&visit->trip, account_at(visit->peer.port, auth), plain);
}

static void visit_send(struct visit *visit, const char *text)
{
    visit->trip.envelope->body = text == eightbit ? BODY_8BIT : BODY_7BIT;
    trip_send(&visit->trip, text);
}

static void visit_end(struct visit *visit)
{
    smtp_peer_stop(&visit->peer);
    trip_end(&visit->trip);
}

static size_t heard(const struct visit *visit, const char *what)
{
    struct span rest = buf_span(&visit->peer.heard);
    size_t count = 0, at;

    for (; (at = span_find_text(rest, what)) < rest.len; count++)
        rest = span_from(rest, at + 1);
    return count;
}

/* ---- a question without a message ---- */

static void rehearse(struct visit *visit)
{
    const struct transport_message message = {
        .envelope = visit->trip.envelope,
        .count = 1,
        .rehearsal = true,
        .outcomes = visit->trip.outcomes,
    };

    visit->trip.within = true;
    transport_send(visit->trip.transport, &message);
    visit->trip.within = false;
    run(&visit->trip);
}

static void test_rehearsed(void **state)
{
    static const struct {
        const char *label;
        struct smtp_peer_row row;
        enum smtp_fate fate;
        enum stage stage;
        size_t resets;
    } cases[] = {
        { "taken", { "NOTHING", .reply = NULL }, SMTP_FATE_TAKEN, STAGE_RCPT, 1 },
        { "refused at MAIL", { "MAIL ", .time = 1, .reply = "553 5.7.1 not yours\r\n" }, SMTP_FATE_REFUSED, STAGE_MAIL, 0 },
        { "refused at RCPT", { "RCPT ", .time = 1, .reply = "553 5.7.1 not yours\r\n" }, SMTP_FATE_REFUSED, STAGE_RCPT, 1 },
        { "not now", { "MAIL ", .time = 1, .reply = "451 4.3.0 later\r\n" }, SMTP_FATE_LATER, STAGE_MAIL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct visit visit;
        visit_begin(&visit, &cases[i].row, 1, "none");
        trip_open(&visit.trip);
        rehearse(&visit);
        check_row(cases[i].label, visit.trip.sent == 1 && visit.trip.outcomes[0].fate == cases[i].fate);
        check_row(cases[i].label, visit.trip.outcomes[0].evidence.stage == cases[i].stage);
        check_row(cases[i].label, heard(&visit, "DATA") == 0);
        /* The same line takes a message then. */
        visit_send(&visit, plain);
        check_row(cases[i].label, visit.trip.outcomes[0].fate == SMTP_FATE_TAKEN && visit.peer.calls == 1);
        check_row(cases[i].label, heard(&visit, "RSET") == cases[i].resets);
        visit_end(&visit);
    }
}

/* ---- a line that stays ---- */

static void test_stays_warm(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, NULL, 0, "none");
    trip_open(&visit.trip);
    assert_string_equal(transport_name(visit.trip.transport), "smtp");
    for (unsigned i = 1; i <= 3; i++) {
        visit_send(&visit, i == 2 ? eightbit : plain);
        assert_int_equal(visit.trip.sent, i);
        assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
        assert_string_equal(visit.trip.outcomes[0].evidence.host, "127.0.0.1");
        assert_int_equal(visit.trip.outcomes[0].evidence.err.reply, 250);
    }
    assert_int_equal(visit.trip.ready, 1);
    assert_int_equal(visit.peer.calls, 1);
    assert_int_equal(heard(&visit, "MAIL FROM:<me@example.org> BODY=8BITMIME"), 1);
    visit_end(&visit);
}

static void test_tired_lines(void **state)
{
    static const struct {
        const char *label;
        struct smtp_peer_row row;
        unsigned calls, mails; /* for two messages */
        enum smtp_fate fate;   /* of the second */
    } cases[] = {
        { "it hangs up behind its 250",
          { ".", .call = 1, .reply = "250 2.0.0 taken\r\n", .hangs_up = true }, 2, 2, SMTP_FATE_TAKEN },
        { "it hangs up at the second message", { "MAIL ", .call = 1, .time = 2, .hangs_up = true }, 2, 3,
          SMTP_FATE_TAKEN },
        { "it says so first",
          { "MAIL ", .call = 1, .time = 2, .reply = "421 4.3.2 enough\r\n", .hangs_up = true }, 2, 3,
          SMTP_FATE_TAKEN },
        { "on each line, though: not again and again",
          { "MAIL ", .reply = "421 4.3.2 enough\r\n", .hangs_up = true }, 0, 0, SMTP_FATE_LATER },
        { "not now is no tiredness", { "MAIL ", .time = 2, .reply = "451 4.3.0 later\r\n" }, 1, 2,
          SMTP_FATE_LATER },
        { "who has the sender may have more", { "RCPT ", .time = 2, .hangs_up = true }, 1, 2,
          SMTP_FATE_LATER },
        { "after the end nobody knows", { ".", .time = 2, .hangs_up = true }, 1, 2, SMTP_FATE_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct visit visit;
        visit_begin(&visit, &cases[i].row, 1, "none");
        trip_open(&visit.trip);
        visit_send(&visit, plain);
        if (cases[i].calls)
            check_row(cases[i].label, visit.trip.outcomes[0].fate == SMTP_FATE_TAKEN);
        visit_send(&visit, plain);
        check_row(cases[i].label, visit.trip.sent == 2 && !visit.trip.failed);
        check_row(cases[i].label, visit.trip.outcomes[0].fate == cases[i].fate);
        if (cases[i].calls) {
            check_row(cases[i].label, visit.peer.calls == cases[i].calls);
            check_row(cases[i].label, heard(&visit, "MAIL ") == cases[i].mails);
        } else {
            check_row(cases[i].label, visit.peer.calls <= 3);
        }
        visit_end(&visit);
    }
}

/* An idle line that ends is told to nobody; the next message goes over another one. */
static void test_idle_line_ends(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, NULL, 0, "none");
    trip_open(&visit.trip);
    visit_send(&visit, plain);
    smtp_peer_hang_up(&visit.peer);
    for (unsigned i = 0; i < 10; i++)
        loop_turn(loop);
    assert_false(visit.trip.failed);
    visit_send(&visit, plain);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
    assert_int_equal(visit.peer.calls, 2);
    assert_int_equal(visit.trip.ready, 1);
    visit_end(&visit);
}

/* Where the fresh line can't be had, nothing of the message was begun, and that is what is told. */
static void test_no_way_back(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, NULL, 0, "none");
    trip_open(&visit.trip);
    visit_send(&visit, plain);
    smtp_peer_stop(&visit.peer);
    visit_send(&visit, plain);
    assert_int_equal(visit.trip.sent, 1);
    assert_int_equal(visit.trip.failed, 1);
    assert_string_equal(visit.trip.failure.err.fact, "connect:refused");
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_OPEN);
    visit_end(&visit);
}

static void test_few_a_connection(void **state)
{
    static const struct smtp_peer_row rows[] = {
        { .begins = "EHLO ", .reply = "250-peer\r\n250 LIMITS MAILMAX=1\r\n" },
    };

    (void)state;
    for (unsigned by_profile = 0; by_profile < 2; by_profile++) {
        struct visit visit;
        visit_begin(&visit, rows, by_profile ? 0 : 1, "none");
        visit.trip.account->limits.messages_per_connection = by_profile;
        trip_open(&visit.trip);
        visit_send(&visit, plain);
        visit_send(&visit, plain);
        assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
        assert_int_equal(visit.peer.calls, 2);
        visit_end(&visit);
    }
}

/* ---- recipients ---- */

static void test_recipients(void **state)
{
    static const struct {
        const char *label;
        struct smtp_peer_row row;
        size_t mails;
        enum smtp_fate want[RECIPIENTS];
    } cases[] = {
        { "all", { ".", .time = 9 }, 1, { SMTP_FATE_TAKEN, SMTP_FATE_TAKEN, SMTP_FATE_TAKEN } },
        { "one is refused", { "RCPT TO:<b@", .reply = "550 5.1.1 who?\r\n" }, 1,
          { SMTP_FATE_TAKEN, SMTP_FATE_REFUSED, SMTP_FATE_TAKEN } },
        { "the rest goes in another transaction",
          { "RCPT TO:<c@", .time = 1, .reply = "452 4.5.3 too many\r\n" }, 2,
          { SMTP_FATE_TAKEN, SMTP_FATE_TAKEN, SMTP_FATE_TAKEN } },
        { "and where another code says so",
          { "RCPT TO:<c@", .time = 1, .reply = "451 4.5.3 too many\r\n" }, 2,
          { SMTP_FATE_TAKEN, SMTP_FATE_TAKEN, SMTP_FATE_TAKEN } },
        { "another 451 says no such thing",
          { "RCPT TO:<c@", .time = 1, .reply = "451 4.3.0 later\r\n" }, 1,
          { SMTP_FATE_TAKEN, SMTP_FATE_TAKEN, SMTP_FATE_LATER } },
        { "too many and none at all is refused", { "RCPT ", .reply = "452 4.5.3 too many\r\n" }, 1,
          { SMTP_FATE_LATER, SMTP_FATE_LATER, SMTP_FATE_LATER } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct visit visit;
        struct err err;
        visit_begin(&visit, &cases[i].row, 1, "none");
        assert_true(envelope_add(visit.trip.envelope, SPAN("b@example.net"), &err) &&
                    envelope_add(visit.trip.envelope, SPAN("c@example.net"), &err));
        trip_open(&visit.trip);
        visit_send(&visit, plain);
        for (size_t k = 0; k < RECIPIENTS; k++)
            check_row(cases[i].label, visit.trip.outcomes[k].fate == cases[i].want[k]);
        check_row(cases[i].label, heard(&visit, "MAIL ") == cases[i].mails);
        visit_end(&visit);
    }
}

/* Only some of an envelope's recipients: outcomes begin with the first of them. */
static void test_some_recipients(void **state)
{
    static const struct smtp_peer_row rows[] = { { .begins = "RCPT TO:<c@", .reply = "550 no\r\n" } };
    struct visit visit;
    struct err err;

    (void)state;
    visit_begin(&visit, rows, 1, "none");
    assert_true(envelope_add(visit.trip.envelope, SPAN("b@example.net"), &err) &&
                envelope_add(visit.trip.envelope, SPAN("c@example.net"), &err));
    trip_open(&visit.trip);
    visit.trip.envelope->size = strlen(plain);
    const struct transport_message message = {
        .envelope = visit.trip.envelope, .first = 1, .count = 2,
        .body = { read_text, &visit.trip }, .outcomes = visit.trip.outcomes,
    };
    transport_send(visit.trip.transport, &message);
    run(&visit.trip);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
    assert_int_equal(visit.trip.outcomes[1].fate, SMTP_FATE_REFUSED);
    assert_int_equal(heard(&visit, "RCPT TO:<a@"), 0);
    visit_end(&visit);
}

/* Who counts domains gets those of one domain together; outcomes keep their places. */
static void test_domains_are_counted(void **state)
{
    static const struct smtp_peer_row rows[] = {
        { .begins = "EHLO ", .reply = "250-peer\r\n250 LIMITS RCPTDOMAINMAX=1\r\n" },
        { .begins = "RCPT TO:<c@", .reply = "550 5.1.1 who?\r\n" },
    };
    static const enum smtp_fate want[RECIPIENTS] = { SMTP_FATE_TAKEN, SMTP_FATE_TAKEN,
                                                     SMTP_FATE_REFUSED };
    struct visit visit;
    struct err err;

    (void)state;
    visit_begin(&visit, rows, COUNT(rows), "none");
    assert_true(envelope_add(visit.trip.envelope, SPAN("b@example.com"), &err) &&
                envelope_add(visit.trip.envelope, SPAN("c@example.net"), &err));
    trip_open(&visit.trip);
    for (unsigned i = 1; i <= 2; i++) {
        visit_send(&visit, plain);
        for (size_t k = 0; k < RECIPIENTS; k++)
            assert_int_equal(visit.trip.outcomes[k].fate, want[k]);
        assert_int_equal(visit.peer.calls, 2 * i);
        assert_int_equal(heard(&visit, "RCPT TO:<a@example.net>\nRCPT TO:<c@example.net>\n"), i);
    }
    visit_end(&visit);
}

/* A second line that can't be had unsays nothing of the first. */
static void test_stranded_half_way(void **state)
{
    static const struct smtp_peer_row rows[] = {
        { .begins = "EHLO ", .reply = "250-peer\r\n250 LIMITS RCPTDOMAINMAX=1\r\n" },
        { .begins = "", .call = 2, .reply = "421 4.3.2 not now\r\n", .hangs_up = true },
    };
    struct visit visit;
    struct err err;

    (void)state;
    visit_begin(&visit, rows, COUNT(rows), "none");
    assert_true(envelope_add(visit.trip.envelope, SPAN("b@example.com"), &err));
    trip_open(&visit.trip);
    visit_send(&visit, plain);
    assert_true(visit.trip.sent == 1 && visit.trip.failed == 0);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
    assert_int_equal(visit.trip.outcomes[1].fate, SMTP_FATE_LATER);
    assert_int_equal(visit.trip.outcomes[1].evidence.err.reply, 421);
    visit_send(&visit, plain); /* by a third and a fourth call */
    assert_int_equal(visit.trip.outcomes[1].fate, SMTP_FATE_TAKEN);
    visit_end(&visit);
}

/* ---- what the server can't take ---- */

static const struct smtp_peer_row no_eightbit[] = {
    { .begins = "EHLO ", .reply = "250-peer\r\n250-PIPELINING\r\n250 SIZE 1000\r\n" },
};

static void test_lowered(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, no_eightbit, 1, "none");
    trip_open(&visit.trip);
    for (unsigned i = 1; i <= 2; i++) {
        visit_send(&visit, eightbit);
        assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
        assert_int_equal(heard(&visit, "\nh=C3=A9llo\n"), i);
    }
    assert_int_equal(heard(&visit, "8BITMIME"), 0);
    assert_int_equal(visit.trip.envelope->body, BODY_8BIT);
    visit_end(&visit);
}

static void test_signed_is_not_changed(void **state)
{
    static const char text[] = "MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n"
                               "--b\r\nContent-Type: text/plain\r\n\r\nh\xc3\xa9\r\n--b--\r\n";
    struct visit visit;

    (void)state;
    visit_begin(&visit, no_eightbit, 1, "none");
    trip_open(&visit.trip);
    visit.trip.text = text;
    visit.trip.envelope->size = strlen(text);
    visit.trip.envelope->body = BODY_8BIT;
    const struct transport_message message = {
        .envelope = visit.trip.envelope, .count = 1, .body = { read_text, &visit.trip },
        .outcomes = visit.trip.outcomes,
    };
    visit.trip.within = true;
    transport_send(visit.trip.transport, &message);
    visit.trip.within = false;
    run(&visit.trip);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_REFUSED);
    assert_string_equal(visit.trip.outcomes[0].evidence.err.fact, "eightbit:not-offered");
    assert_int_equal(heard(&visit, "MAIL "), 0);
    visit_send(&visit, plain); /* the line is as good as before */
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
    assert_int_equal(visit.peer.calls, 1);
    visit_end(&visit);
}

/* ---- tokens and names ---- */

static const char *auth_line(const char *user, const char *token)
{
    static char line[512];
    HELD(buf) raw = BUF(200);
    HELD(buf) text = BUF(sizeof line - 1);

    buf_addf(&raw, "user=%s\001auth=Bearer %s\001\001", user, token);
    buf_add(&text, "AUTH XOAUTH2 ");
    base64_encode(&text, buf_span(&raw));
    memcpy(line, buf_text(&text), text.len + 1);
    return line;
}

static void test_tokens(void **state)
{
    static const struct {
        const char *label;
        const char *good_user, *good_token; /* NULL: none is let in */
        const char *tokens[3], *users[4];
        bool fails_fresh;
        unsigned calls;
        const char *won;
        enum stage stage; /* of the failure */
    } cases[] = {
        { "at once", "me", "t1", { "t1" }, { "me" }, false, 1, "", STAGE_NONE },
        { "a fresh token", "me", "t2", { "t1", "t2" }, { "me" }, false, 2, "", STAGE_NONE },
        { "another name, with the fresh token", "main", "t2", { "t1", "t2" }, { "me", "main" }, false, 3,
          "main", STAGE_NONE },
        { "another name, where there is no fresh token", "main", "t1", { "t1" }, { "me", "main" }, false,
          2, "main", STAGE_NONE },
        { "nobody, four times at most", NULL, NULL, { "t1", "t2" }, { "a", "b", "c", "d" }, false, 4, "",
          STAGE_AUTH },
        { "the first name is remembered where there are others", "me", "t1", { "t1" }, { "me", "main" },
          false, 1, "me", STAGE_NONE },
        { "the fresh one can't be had", "me", "t2", { "t1" }, { "me" }, true, 1, "", STAGE_TOKEN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct smtp_peer_row row = { .begins = "AUTH -", .reply = "235 2.7.0 in\r\n" };
        char line[512];
        struct visit visit;
        credentials_are(NULL, NULL);
        memcpy(credentials.tokens, cases[i].tokens, sizeof cases[i].tokens);
        memcpy(credentials.users, cases[i].users, sizeof cases[i].users);
        for (credentials.user_count = 0;
             credentials.user_count < 4 && cases[i].users[credentials.user_count];)
            credentials.user_count++;
        credentials.fails_fresh = cases[i].fails_fresh;
        if (cases[i].good_user) {
            snprintf(line, sizeof line, "%s", auth_line(cases[i].good_user, cases[i].good_token));
            row.begins = line;
        }
        visit_begin(&visit, &row, 1, "token");
        trip_open(&visit.trip);
        check_row(cases[i].label, visit.peer.calls == cases[i].calls);
        check_row(cases[i].label, heard(&visit, "AUTH ") == cases[i].calls);
        check_row(cases[i].label, strcmp(credentials.won, cases[i].won) == 0);
        check_row(cases[i].label, visit.trip.failed == (cases[i].stage != STAGE_NONE));
        check_row(cases[i].label, visit.trip.failure.stage == cases[i].stage);
        if (cases[i].calls > 1)
            check_row(cases[i].label,
                      credentials.refused[1] && strcmp(credentials.refused[1], "t1") == 0);
        visit_end(&visit);
    }
}

/* Another run begins with each line, and with what is valid by then. */
static void test_token_gone_stale_meanwhile(void **state)
{
    char first[512], second[512];
    struct smtp_peer_row rows[] = {
        { .begins = first, .call = 1, .reply = "235 in\r\n" },
        { .begins = second, .reply = "235 in\r\n" },
        { .begins = ".", .call = 1, .reply = "250 taken\r\n", .hangs_up = true },
    };
    struct visit visit;

    (void)state;
    credentials_are("t1", "me");
    credentials.tokens[1] = "t1";
    credentials.tokens[2] = "t2";
    snprintf(first, sizeof first, "%s", auth_line("me", "t1"));
    snprintf(second, sizeof second, "%s", auth_line("me", "t2"));
    visit_begin(&visit, rows, COUNT(rows), "token");
    trip_open(&visit.trip);
    visit_send(&visit, plain);
    visit_send(&visit, plain);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
    assert_int_equal(visit.peer.calls, 3);
    assert_int_equal(credentials.fetched, 3);
    visit_end(&visit);
}

/* A refused password is tried once. */
static void test_password_is_not_tried_again(void **state)
{
    struct visit visit;

    (void)state;
    credentials_are("secret", "me");
    credentials.users[1] = "other";
    credentials.user_count = 2;
    visit_begin(&visit, NULL, 0, "password");
    trip_open(&visit.trip);
    assert_int_equal(visit.trip.failed, 1);
    assert_int_equal(visit.trip.failure.err.reply, 535);
    assert_int_equal(visit.peer.calls, 1);
    visit_end(&visit);
}

/* ---- closing at any time ---- */

static void on_ready_close(void *who)
{
    struct trip *trip = who;

    transport_close(GIVE(trip->transport));
    trip->done = true;
}

static void test_closed_in_between(void **state)
{
    static const struct transport_events events = { on_ready_close, NULL, on_sent, on_failed };
    struct visit visit;
    struct err err;

    (void)state;
    visit_begin(&visit, NULL, 0, "none");
    assert_true(transport_open(&visit.trip.world, visit.trip.account, &events, &visit.trip,
                               &visit.trip.transport, &err));
    run(&visit.trip);
    visit_end(&visit);

    visit_begin(&visit, NULL, 0, "none"); /* before anything came */
    assert_true(transport_open(&visit.trip.world, visit.trip.account, &events, &visit.trip,
                               &visit.trip.transport, &err));
    visit_end(&visit);

    visit_begin(&visit, NULL, 0, "none"); /* a message is under way */
    trip_open(&visit.trip);
    hand_over(&visit.trip);
    visit_end(&visit);
    assert_int_equal(visit.trip.sent + visit.trip.failed, 0);
}

/* ---- memory runs out ---- */

static void test_no_memory(void **state)
{
    bool ran_out = true;

    (void)state;
    for (unsigned n = 1; ran_out; n++) {
        size_t before = alloc_alive();
        struct visit visit;
        struct err err = { 0 };
        visit_begin(&visit, no_eightbit, 1, "none");
        visit.trip.text = eightbit;
        visit.trip.envelope->body = BODY_8BIT;
        alloc_fail_at(n);
        bool opened = transport_open(&visit.trip.world, visit.trip.account, &trip_events, &visit.trip,
                                     &visit.trip.transport, &err);
        if (opened)
            loop_run_until(loop, &visit.trip.done);
        visit.trip.done = false;
        if (visit.trip.ready) {
            hand_over(&visit.trip);
            loop_run_until(loop, &visit.trip.done);
        }
        ran_out = alloc_failed();
        alloc_fail_at(0);
        assert_true(ran_out || (visit.trip.sent && visit.trip.outcomes[0].fate == SMTP_FATE_TAKEN));
        assert_true(!visit.trip.sent || visit.trip.outcomes[0].fate != SMTP_FATE_OPEN);
        visit_end(&visit);
        for (unsigned i = 0; i < 5; i++)
            loop_turn(loop);
        assert_int_equal(alloc_alive(), before);
    }
}

static int set_up(void **state)
{
    struct err err;

    (void)state;
    assert_true(loop_new(&loop, &err));
    return resolver_new(loop, &(struct resolver_plan){ .seed = 1 }, &resolver, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    resolver_free(resolver);
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rehearsed),
        cmocka_unit_test(test_stays_warm),
        cmocka_unit_test(test_tired_lines),
        cmocka_unit_test(test_idle_line_ends),
        cmocka_unit_test(test_no_way_back),
        cmocka_unit_test(test_few_a_connection),
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_some_recipients),
        cmocka_unit_test(test_domains_are_counted),
        cmocka_unit_test(test_stranded_half_way),
        cmocka_unit_test(test_lowered),
        cmocka_unit_test(test_signed_is_not_changed),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_token_gone_stale_meanwhile),
        cmocka_unit_test(test_password_is_not_tried_again),
        cmocka_unit_test(test_closed_in_between),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
