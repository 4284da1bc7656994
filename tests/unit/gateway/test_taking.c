#include "bench.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/alloc_fails.h"

#define DESK "[listen desk]\naddress = 127.0.0.1:587\nsecurity = none\n"
#define FREE DESK "no_password_from = 127.0.0.1/32\n"
#define HI   "EHLO me\r\n"
#define TO   "MAIL FROM:<me@live.example>\r\nRCPT TO:<you@there.example>\r\n"
#define HEAD "From: Me <me@live.example>\r\nTo: you@there.example\r\nSubject: x\r\n"

/* -- what comes out -- */

static void test_a_message(void **state)
{
    (void)state;
    struct caller caller;
    HELD(buf) body = BUF(1 << 16);
    BENCH(bench, DESK);

    bench_enter(bench, "desk", &caller);
    ask(&caller, "MAIL FROM:<me@live.example> RET=HDRS ENVID=e1\r\n", "250 ");
    ask(&caller, "RCPT TO:<you@there.example> NOTIFY=FAILURE,DELAY\r\nRCPT TO:<he@there.example> NOTIFY=NEVER\r\n",
        "250 2.1.5 Recipient taken\r\n250 2.1.5 ");
    ask(&caller, "DATA\r\n", "354 ");
    ask(&caller, HEAD "\r\nHi\r\n..\r\n.\r\n", "250 2.0.0 Queued as 1\r\n");
    const struct store_row *row = bench_only(bench);
    assert_string_equal(row->account, "live");
    assert_string_equal(row->submitter, "user:scanner");
    assert_string_equal(row->sender, "me@live.example");
    assert_string_equal(row->from, "me@live.example");
    assert_string_equal(row->envid, "e1");
    assert_int_equal(row->ret, RET_HEADERS);
    assert_int_equal(row->recipient_count, 2);
    assert_string_equal(row->recipients[0].address, "you@there.example");
    assert_int_equal(row->recipients[0].notify, NOTIFY_FAILURE | NOTIFY_DELAY);
    assert_int_equal(row->recipients[1].notify, NOTIFY_NEVER);
    assert_int_equal(row->state, STORE_QUEUED);
    assert_int_equal(row->created, queue_now(bench->queue));
    const char *text = buf_text(&body);
    struct span whole = bench_body(bench, 1, &body);
    text = buf_text(&body);
    assert_int_equal(whole.len, row->size);
    assert_true(span_starts(whole, "Received: "));
    assert_non_null(strstr(text, "by mail.house.example"));
    assert_non_null(strstr(text, "\r\nDate: "));
    assert_non_null(strstr(text, "\r\nMessage-ID: "));
    assert_non_null(strstr(text, row->message_id));
    assert_non_null(strstr(text, HEAD "\r\nHi\r\n.\r\n"));
    assert_non_null(strstr(buf_text(&bench->logged), "accepted id=1 account=live submitter=user:scanner"));
    hang_up(&caller);
}

static void test_one_after_another(void **state)
{
    (void)state;
    struct caller caller;
    size_t count;
    BENCH(bench, FREE);

    bench_greet(bench, "desk", &caller);
    for (unsigned i = 1; i <= 3; i++) {
        char words[40];
        snprintf(words, sizeof words, "250 2.0.0 Queued as %u\r\n", i);
        ask(&caller, TO "BDAT 4\r\nHi\r\nBDAT 0 LAST\r\n", words);
    }
    const struct store_row *rows = bench_look(bench, &count);
    assert_int_equal(count, 3);
    assert_string_equal(rows[0].submitter, "listener:desk");
    assert_string_not_equal(rows[0].message_id, rows[1].message_id);
    hang_up(&caller);
}

/* It answers another by itself, and no report is to be made of it. */
static void test_an_automatic_answer(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, FREE);

    bench_greet(bench, "desk", &caller);
    ask(&caller, TO "DATA\r\n", "354 ");
    ask(&caller, "Auto-Submitted: auto-replied\r\n" HEAD "\r\nHi\r\n.\r\n", "250 2.0.0 Queued");
    assert_true(bench_only(bench)->silent);
    hang_up(&caller);
}

static void test_by_whom(void **state)
{
    (void)state;
    struct caller caller;
    char text[200], want[40];
    HELD(buf) body = BUF(1 << 16);
    SCRATCH(dir);
    snprintf(text, sizeof text, "[listen socket]\naddress = unix:%s\n", scratch_path(dir, "s"));
    BENCH(bench, text);

    call_unix(&caller, bench->loop, scratch_path(dir, "s"));
    caller.turn = bench_turn, caller.who = bench;
    ask(&caller, HI TO "BDAT 4 LAST\r\nHi\r\n", "250 2.0.0 Queued as 1");
    snprintf(want, sizeof want, "uid:%u", (unsigned)getuid());
    assert_string_equal(bench_only(bench)->submitter, want);
    bench_body(bench, 1, &body);
    snprintf(want, sizeof want, "uid %u", (unsigned)getuid());
    assert_non_null(strstr(buf_text(&body), want));
    hang_up(&caller);
}

static void test_whose_name(void **state)
{
    static const struct {
        const char *label, *listen, *sender, *from, *kept_sender, *kept_from;
    } rows[] = {
        { "our own", FREE, "me@live.example", "me@live.example", "me@live.example", "me@live.example" },
        { "a device's", FREE, "scan@printer.lan", "scan@printer.lan", "me@live.example", "me@live.example" },
        { "a device's, kept", FREE "other_senders = keep\n", "scan@printer.lan", "scan@printer.lan", "scan@printer.lan",
          "scan@printer.lan" },
        { "none", FREE, "", "me@live.example", "", "me@live.example" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        char text[400];
        BENCH(bench, rows[i].listen);
        bench_greet(bench, "desk", &caller);
        snprintf(text, sizeof text, "MAIL FROM:<%s>\r\nRCPT TO:<you@there.example>\r\nDATA\r\n", rows[i].sender);
        ask(&caller, text, "354 ");
        snprintf(text, sizeof text, "From: <%s>\r\n\r\nHi\r\n.\r\n", rows[i].from);
        ask(&caller, text, "250 2.0.0 Queued");
        const struct store_row *row = bench_only(bench);
        if (strcmp(row->sender, rows[i].kept_sender) != 0 || strcmp(row->from, rows[i].kept_from) != 0)
            fail_msg("%s: sender %s, from %s", rows[i].label, row->sender, row->from);
        hang_up(&caller);
    }
}

static void test_a_foreign_from_is_refused(void **state)
{
    (void)state;
    struct caller caller;
    size_t count;
    BENCH(bench, FREE "other_senders = refuse\n");

    bench_greet(bench, "desk", &caller);
    ask(&caller, TO "DATA\r\n", "354 ");
    ask(&caller, "From: boss@elsewhere.example\r\n\r\nHi\r\n.\r\n", "550 5.7.1 ");
    bench_look(bench, &count);
    assert_int_equal(count, 0);
    const struct refusal *last = refusals_at(bench_listener(bench, "desk").refusals, 0);
    assert_string_equal(last->cause, "gateway_sender_refused");
    assert_int_equal(last->reply, 550);
    hang_up(&caller);
}

static void test_aliases(void **state)
{
    (void)state;
    struct caller caller;
    HELD(buf) text = BUF(1000);
    SCRATCH(dir);
    buf_addf(&text, FREE "[local]\naliases = %s\nadmin = boss@there.example\n",
             scratch_file(dir, "aliases", "root: me@live.example, ops\nops: a@x.example, b@x.example\n", 0644));
    BENCH(bench, buf_text(&text));

    bench_greet(bench, "desk", &caller);
    ask(&caller, "MAIL FROM:<>\r\nRCPT TO:<root@localhost>\r\nRCPT TO:<cron@mail.house.example>\r\n"
                 "BDAT 12 LAST\r\nTo: root\r\n\r\n", "250 2.0.0 Queued as 1");
    const struct store_row *row = bench_only(bench);
    static const char *const want[] = { "me@live.example", "a@x.example", "b@x.example", "boss@there.example" };
    assert_int_equal(row->recipient_count, COUNT(want));
    for (size_t i = 0; i < COUNT(want); i++)
        assert_string_equal(row->recipients[i].address, want[i]);
    hang_up(&caller);
}

static void test_aliases_are_read_again(void **state)
{
    (void)state;
    struct caller caller;
    HELD(buf) text = BUF(1000);
    SCRATCH(dir);
    buf_addf(&text, FREE "[local]\naliases = %s\nadmin = boss@there.example\n",
             scratch_file(dir, "aliases", "broken", 0666));
    BENCH(bench, buf_text(&text));

    bench_greet(bench, "desk", &caller); /* a file that anybody may write is left out, and that is said */
    ask(&caller, "MAIL FROM:<>\r\nRCPT TO:<root@localhost>\r\nBDAT 12 LAST\r\nTo: root\r\n\r\n",
        "250 2.0.0 Queued as 1");
    assert_non_null(strstr(buf_text(&bench->logged), "aliases-left-out"));
    assert_string_equal(bench_only(bench)->recipients[0].address, "boss@there.example");
    hang_up(&caller);
}

static void test_wishes(void **state)
{
    static const struct {
        const char *label, *said;
        uint64_t not_before, deadline; /* milliseconds from now */
        bool tells;
        int priority;
    } rows[] = {
        { "none", "", 0, 0, false, 0 },
        { "held", " HOLDFOR=60", 60000, 0, false, 0 },
        { "held until", " HOLDUNTIL=2026-11-22T23:16:00Z", 60000, 0, false, 0 },
        { "in time", " BY=120;R", 0, 120000, false, 0 },
        { "told if late", " BY=120;N", 0, 120000, true, 0 },
        { "late already", " BY=-120;N", 0, 1, true, 0 },
        { "first", " MT-PRIORITY=4", 0, 0, false, 4 },
        { "all of it", " HOLDFOR=60 BY=120;R MT-PRIORITY=-2", 60000, 120000, false, -2 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        char line[200];
        BENCH(bench, DESK);
        bench_enter(bench, "desk", &caller);
        snprintf(line, sizeof line,
                 "MAIL FROM:<me@live.example>%s\r\nRCPT TO:<you@there.example>\r\nBDAT 4 LAST\r\nHi\r\n", rows[i].said);
        ask(&caller, line, "250 2.0.0 Queued as 1");
        const struct store_row *row = bench_only(bench);
        uint64_t now = queue_now(bench->queue);
        uint64_t not_before = now + rows[i].not_before;
        check_row(rows[i].label, rows[i].not_before ? row->not_before == not_before : row->not_before <= now);
        check_row(rows[i].label, rows[i].deadline > 1 ? row->deadline == now + rows[i].deadline
                                 : rows[i].deadline ? row->deadline == now : row->deadline == 0);
        check_row(rows[i].label, row->deadline_tells == rows[i].tells && row->priority == rows[i].priority);
        hang_up(&caller);
    }
}

/* An unknown program's priority is not believed. */
static void test_priority_without_a_name(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, FREE);

    bench_greet(bench, "desk", &caller);
    ask(&caller, "MAIL FROM:<> MT-PRIORITY=9\r\nRCPT TO:<you@there.example>\r\nBDAT 4 LAST\r\nHi\r\n",
        "250 2.0.0 Queued");
    assert_int_equal(bench_only(bench)->priority, 0);
    hang_up(&caller);
}

static void test_a_key(void **state)
{
    (void)state;
    struct caller caller;
    HELD(buf) body = BUF(1 << 16);
    BENCH(bench, FREE);

    bench_greet(bench, "desk", &caller);
    ask(&caller, TO "DATA\r\n", "354 ");
    ask(&caller, "X-Outpost-Key: k1\r\n" HEAD "\r\nHi\r\n.\r\n", "250 2.0.0 Queued as 1\r\n");
    ask(&caller, TO "DATA\r\n", "354 ");
    ask(&caller, "X-Outpost-Key: k1\r\n" HEAD "\r\nHi\r\n.\r\n", "250 2.0.0 Queued before as 1\r\n");
    ask(&caller, TO "DATA\r\n", "354 ");
    ask(&caller, "X-Outpost-Key: k1\r\n" HEAD "\r\nHo\r\n.\r\n",
        "554 5.7.0 This key came with another message already\r\n");
    bench_only(bench);
    bench_body(bench, 1, &body);
    assert_null(strstr(buf_text(&body), "X-Outpost-Key"));
    hang_up(&caller);
}

/* -- 250 is said when it is on stable storage -- */

static void test_no_answer_before_the_commit(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, FREE);

    bench_greet(bench, "desk", &caller);
    ask(&caller, TO "DATA\r\n", "354 ");
    buf_clear(&caller.heard);
    say(&caller, HEAD "\r\nHi\r\n.\r\nNOOP\r\n");
    caller.turn = NULL; /* the queue stands still */
    for (unsigned i = 0; i < 50; i++)
        caller_turn(&caller);
    assert_int_equal(caller.heard.len, 0);
    unsigned commits = bench_commits();
    caller.turn = bench_turn;
    await_words(&caller, "250 2.0.0 Queued as 1\r\n250 2.0.0 ");
    assert_true(bench_commits() > commits);
    hang_up(&caller);
}

static void test_a_commit_that_fails(void **state)
{
    (void)state;
    struct caller caller;
    size_t count;
    BENCH(bench, FREE);

    bench_greet(bench, "desk", &caller);
    ask(&caller, TO "DATA\r\n", "354 ");
    bench_break(bench, true);
    ask(&caller, HEAD "\r\nHi\r\n.\r\n", "452 4.3.1 There is no room for a message now\r\n");
    const struct refusal *last = refusals_at(bench_listener(bench, "desk").refusals, 0);
    assert_string_equal(last->cause, "disk_full");
    assert_int_equal(last->stage, STAGE_END);
    bench_break(bench, false);
    bench_look(bench, &count);
    assert_int_equal(count, 0);
    ask(&caller, TO "DATA\r\n", "354 ");
    ask(&caller, HEAD "\r\nHi\r\n.\r\n", "250 2.0.0 Queued");
    bench_only(bench);
    hang_up(&caller);
}

/* The client went while the store was at it: what was whole is kept. */
static void test_gone_before_the_answer(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, FREE);

    bench_greet(bench, "desk", &caller);
    ask(&caller, TO "DATA\r\n", "354 ");
    say(&caller, HEAD "\r\nHi\r\n.\r\n");
    caller.turn = NULL;
    for (unsigned i = 0; i < 10; i++)
        caller_turn(&caller);
    hang_up(&caller);
    for (unsigned i = 0; i < 10; i++)
        loop_turn(bench->loop);
    bench_settle(bench);
    assert_true(gateway_is_idle(bench->gateway));
    bench_only(bench);
}

static void test_the_gateway_goes_before_the_answer(void **state)
{
    (void)state;
    struct caller caller;
    BENCH(bench, FREE);

    bench_greet(bench, "desk", &caller);
    ask(&caller, TO "DATA\r\n", "354 ");
    say(&caller, HEAD "\r\nHi\r\n.\r\n");
    caller.turn = NULL;
    for (unsigned i = 0; i < 10; i++)
        caller_turn(&caller);
    gateway_free(GIVE(bench->gateway));
    bench_turn(bench);
    bench_only(bench);
    hang_up(&caller);
}

/* -- large ones -- */

enum { LARGE = 1 << 20 };

static void add_lines(struct buf *text, size_t until)
{
    for (unsigned i = 0; text->len < until; i++)
        buf_addf(text, "line %u of a message that is long enough to come in pieces\r\n", i);
    assert_false(text->full);
}

static void test_in_pieces(void **state)
{
    (void)state;
    struct caller caller;
    HELD(buf) text = BUF(2 * LARGE), body = BUF(2 * LARGE);
    BENCH(bench, FREE);

    add_lines(&text, LARGE);
    bench_greet(bench, "desk", &caller);
    ask(&caller, TO "DATA\r\n", "354 ");
    say(&caller, HEAD "\r\n");
    say(&caller, buf_text(&text));
    ask(&caller, ".\r\n", "250 2.0.0 Queued as 1\r\n");
    assert_true(bench_only(bench)->pieces > LARGE / STORE_PIECE_MAX);
    struct span whole = bench_body(bench, 1, &body);
    assert_true(whole.len > text.len);
    assert_memory_equal(whole.at + whole.len - text.len, text.at, text.len);
    assert_int_equal(bench->rows.at->size, whole.len);
    hang_up(&caller);
}

/* While the store is slow, no more is read than a piece or two. */
static void test_a_slow_store_holds_the_client_back(void **state)
{
    (void)state;
    struct caller caller;
    HELD(buf) text = BUF(8 * LARGE);
    BENCH(bench, FREE);
    size_t sent = 0;

    add_lines(&text, 6 * LARGE);
    bench_greet(bench, "desk", &caller);
    ask(&caller, TO "DATA\r\n", "354 ");
    say(&caller, HEAD "\r\n");
    caller.turn = NULL;
    for (unsigned idle = 0; idle < 50; idle++) {
        ssize_t now = send(caller.fd, text.at + sent, text.len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        caller_turn(&caller);
        if (now > 0)
            idle = 0, sent += (size_t)now;
    }
    assert_true(sent < text.len); /* the rest stands in the line */
    caller.turn = bench_turn;
    say_bytes(&caller, span_from(buf_span(&text), sent));
    ask(&caller, ".\r\n", "250 2.0.0 Queued as 1\r\n");
    hang_up(&caller);
}

/* Cut in a message: wherever it is, there is none, and of its pieces nothing stays. */
static void test_cut(void **state)
{
    static const size_t at[] = { 0, 10, 3000, STORE_PIECE_MAX, 5 * STORE_PIECE_MAX };

    (void)state;
    for (size_t i = 0; i < COUNT(at); i++) {
        size_t count, alive = 0;
        HELD(buf) text = BUF(2 * LARGE);
        BENCH(bench, FREE);
        add_lines(&text, at[i]);
        for (unsigned times = 0; times < 3; times++) {
            struct caller caller;
            bench_greet(bench, "desk", &caller);
            ask(&caller, TO "DATA\r\n", "354 ");
            say(&caller, buf_text(&text));
            bench_settle(bench);
            hang_up(&caller);
            bench_settle(bench);
            assert_true(gateway_is_idle(bench->gateway));
            bench_look(bench, &count);
            assert_int_equal(count, 0);
            store_rows_done(&bench->rows);
            assert_true(times < 2 || alive == alloc_alive());
            alive = alloc_alive();
        }
    }
}

static void test_a_piece_that_fails(void **state)
{
    (void)state;
    struct caller caller;
    size_t count;
    HELD(buf) text = BUF(2 * LARGE);
    BENCH(bench, FREE);

    add_lines(&text, LARGE);
    bench_greet(bench, "desk", &caller);
    ask(&caller, TO "DATA\r\n", "354 ");
    bench_break(bench, true); /* a piece is taken before its commit: the last one finds out */
    say(&caller, HEAD "\r\n");
    say(&caller, buf_text(&text));
    buf_clear(&caller.heard);
    say(&caller, ".\r\n");
    await(&caller, caller.heard.len);
    assert_int_equal(caller.heard.at[0], '4');
    bench_break(bench, false);
    bench_look(bench, &count);
    assert_int_equal(count, 0);
    ask(&caller, TO "BDAT 4 LAST\r\nHi\r\n", "250 2.0.0 Queued");
    hang_up(&caller);
}

/* -- lines -- */

static void test_long_lines(void **state)
{
    static const struct {
        const char *label;
        size_t before, line; /* octets of short lines in front, and of one line */
        const char *answer;
        bool as_it_was;
    } rows[] = {
        { "the longest", 0, 998, "250 2.0.0", true },
        { "a longer one", 0, 999, "250 2.0.0", false },
        { "a long one", 0, 40000, "250 2.0.0", false },
        { "a longer one in a large message", 3 * STORE_PIECE_MAX, 1200, "550 5.6.0 ", false },
        { "the longest in a large message", 3 * STORE_PIECE_MAX, 998, "250 2.0.0", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        HELD(buf) text = BUF(2 * LARGE), body = BUF(2 * LARGE);
        BENCH(bench, FREE);
        buf_add(&text, HEAD "\r\n");
        add_lines(&text, rows[i].before);
        buf_add(&text, "\xc3\xa9");
        for (size_t n = 2; n < rows[i].line; n++)
            buf_add_char(&text, 'x');
        buf_add(&text, "\r\n");
        bench_greet(bench, "desk", &caller);
        ask(&caller, TO "DATA\r\n", "354 ");
        say(&caller, buf_text(&text));
        ask(&caller, ".\r\n", "\r\n");
        if (strncmp(buf_text(&caller.heard), rows[i].answer, strlen(rows[i].answer)) != 0)
            fail_msg("%s: %s", rows[i].label, buf_text(&caller.heard));
        if (*rows[i].answer == '2') {
            const struct store_row *row = bench_only(bench);
            struct span whole = bench_body(bench, row->id, &body), line;
            for (struct span rest = whole; span_split(&rest, '\n', &line);)
                check_row(rows[i].label, line.len <= 999);
            check_row(rows[i].label, (strstr(buf_text(&body), "quoted-printable") == NULL) == rows[i].as_it_was);
            check_row(rows[i].label, row->body == (rows[i].as_it_was ? BODY_8BIT : BODY_7BIT));
        } else {
            const struct refusal *last = refusals_at(bench_listener(bench, "desk").refusals, 0);
            assert_string_equal(last->cause, "line_too_long");
        }
        hang_up(&caller);
    }
}

/* S2: a bare LF is mended where a listener says so, and never ends a message. */
static void test_bare_line_feeds(void **state)
{
    static const struct {
        const char *label, *listen, *text, *answer;
    } rows[] = {
        { "strict", FREE, "Hi\nthere", "550 5.6.0 " },
        { "repair", FREE "line_ends = repair\n", "Hi\nthere", "250 2.0.0" },
        { "smuggled, strict", FREE, "Hi\n.\nMAIL FROM:<evil@x.example>\nRCPT TO:<you@x.example>\nDATA\nSpam",
          "550 5.6.0 " },
        { "smuggled, repair", FREE "line_ends = repair\n",
          "Hi\n.\nMAIL FROM:<evil@x.example>\nRCPT TO:<you@x.example>\nDATA\nSpam", "550 5.6.0 " },
        { "half smuggled, repair", FREE "line_ends = repair\n",
          "Hi\r\n.\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<you@x.example>\r\nDATA\r\nSpam", "550 5.6.0 " },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        HELD(buf) body = BUF(1 << 16);
        size_t count;
        BENCH(bench, rows[i].listen);
        bench_greet(bench, "desk", &caller);
        ask(&caller, TO "DATA\r\n", "354 ");
        say(&caller, HEAD "\r\n");
        say(&caller, rows[i].text);
        ask(&caller, "\r\n.\r\nNOOP\r\n", "250 2.0.0 Still here\r\n");
        check_row(rows[i].label, strncmp(buf_text(&caller.heard), rows[i].answer, strlen(rows[i].answer)) == 0);
        bench_look(bench, &count);
        assert_int_equal(count, *rows[i].answer == '2');
        if (count) {
            bench_body(bench, 1, &body);
            assert_non_null(strstr(buf_text(&body), "\r\nHi\r\nthere\r\n"));
        }
        hang_up(&caller);
    }
}

static void test_messages_that_are_none(void **state)
{
    static const struct {
        const char *label, *text, *answer;
    } rows[] = {
        { "nothing", "", "550 " },
        { "a NUL", "X: y\r\n\r\na\001b\r\n", "250 " }, /* other control characters pass */
        { "a header that is none", "From: <\r\n\r\nHi\r\n", "550 " },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller caller;
        BENCH(bench, FREE);
        bench_greet(bench, "desk", &caller);
        ask(&caller, TO "DATA\r\n", "354 ");
        say(&caller, rows[i].text);
        ask(&caller, ".\r\n", "\r\n");
        if (strncmp(buf_text(&caller.heard), rows[i].answer, strlen(rows[i].answer)) != 0)
            fail_msg("%s: %s", rows[i].label, buf_text(&caller.heard));
        ask(&caller, TO "BDAT 4 LAST\r\nHi\r\n", "250 2.0.0 Queued");
        hang_up(&caller);
    }
}

/* -- memory -- */

/* Each allocation fails once while a message comes in: what was promised is there, and what was refused is not. */
static void test_memory_fails(void **state)
{
    static const char said[] =
        HI "MAIL FROM:<me@live.example>\r\nRCPT TO:<root@localhost>\r\n"
           "BDAT 16\r\nX-Outpost-Key: kBDAT 23 LAST\r\n\r\n\r\nFrom: x@y.example\r\nQUIT\r\n";
    unsigned refused = 0;

    (void)state;
    for (unsigned nth = 1;; nth++) {
        struct caller caller;
        size_t before = alloc_alive(), count = 0;
        struct bench *bench = bench_with(FREE);
        call(&caller, bench->loop, bench_port(bench, "desk"));
        caller.turn = bench_turn, caller.who = bench;
        say_bytes(&caller, span_of(said));
        alloc_fail_at(nth);
        bench_run_out(bench, &caller);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        await(&caller, caller.ended);
        bench_look(bench, &count);
        bool yes = strstr(buf_text(&caller.heard), "250 2.0.0 Queued") != NULL;
        bool gone = strstr(buf_text(&caller.heard), "221 ") == NULL;
        if (yes ? count != 1 : count != 0 && !gone)
            fail_msg("the %u. failed: %zu there, and heard %s", nth, count, buf_text(&caller.heard));
        refused += !yes;
        hang_up(&caller);
        bench_end(&bench);
        assert_int_equal(alloc_alive(), before);
        if (!failed) {
            assert_true(yes);
            break;
        }
    }
    assert_true(refused > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message),
        cmocka_unit_test(test_one_after_another),
        cmocka_unit_test(test_an_automatic_answer),
        cmocka_unit_test(test_by_whom),
        cmocka_unit_test(test_whose_name),
        cmocka_unit_test(test_a_foreign_from_is_refused),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_aliases_are_read_again),
        cmocka_unit_test(test_wishes),
        cmocka_unit_test(test_priority_without_a_name),
        cmocka_unit_test(test_a_key),
        cmocka_unit_test(test_no_answer_before_the_commit),
        cmocka_unit_test(test_a_commit_that_fails),
        cmocka_unit_test(test_gone_before_the_answer),
        cmocka_unit_test(test_the_gateway_goes_before_the_answer),
        cmocka_unit_test(test_in_pieces),
        cmocka_unit_test(test_a_slow_store_holds_the_client_back),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_a_piece_that_fails),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_bare_line_feeds),
        cmocka_unit_test(test_messages_that_are_none),
        cmocka_unit_test(test_memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
