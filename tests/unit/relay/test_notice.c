/* What people are told of messages: a queue in memory, in line, and what comes to lie in it. */
#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "know/embedded.h"
#include "know/profile.h"
#include "net/loop.h"
#include "relay/notice.h"
#include "relay/notify.h"
#include "relay/settings.h"
#include "support/scratch.h"
#include "support/world.h"

static struct world world;
static struct store *store;
static struct queue *queue;
static struct queue_port *port;
static struct loop *loop;
static struct notices *notices;
static struct config config;
static struct account *account;
static struct account *accounts[1];
static struct transport_world transports;
static struct notify_settings ways;
static struct queue_settings kept;
static struct config_section sections[2];
static struct scratch *scratch;
static char said[4000];

static const struct knowledge *known(void)
{
    static struct knowledge *know;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    if (!know)
        assert_true(know_new(texts, count, &know, NULL));
    return know;
}

static void saw(void *who, uint64_t id, const char *how, const struct err *err)
{
    (void)who;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%llu %s%s;", (unsigned long long)id, how,
             err ? " failed" : "");
}

static void begin(void)
{
    const struct queue_options options = { .clock = &world.clock, .in_line = true, .keep_history_ms = 86400000 };
    struct store_opened opened = { 0 };
    struct err err = { 0 };

    world_init(&world);
    scratch = scratch_new();
    *said = '\0';
    ways = (struct notify_settings){ 0 };
    kept = (struct queue_settings){ .give_up_after = 5ull * 86400000, .keep_history = 86400000 };
    sections[0] = (struct config_section){ &notify_part, NULL, &ways };
    sections[1] = (struct config_section){ &queue_part, NULL, &kept };
    assert_true(account_new(SPAN("live"), &account, &err) &&
                account_set(account, "address", SPAN("me@live.test"), &err));
    accounts[0] = account;
    config = (struct config){ .accounts = accounts, .account_count = 1, .sections = sections, .section_count = 2 };
    assert_true(loop_new(&loop, &err) && store_memory_open(&store, &err));
    assert_true(queue_open(store, &opened, &options, &queue, &err));
    assert_true(queue_port_new(queue, NULL, NULL, NULL, &port, &err));
    transports = (struct transport_world){ .credentials.secrets.loop = loop };
}

static bool start(struct err *err)
{
    const struct notices_plan plan = {
        .queue = queue, .config = &config, .know = known(), .world = &transports, .disk = &world.disk,
        .dice = &world.dice, .clock = &world.clock, .state = scratch_root(scratch), .host = "web1.test",
        .in_line = true, .saw = saw,
    };

    return notices_start(&plan, &notices, err);
}

/* Until nothing more happens of itself. */
static void settle(void)
{
    for (int idle = 0; idle < 20;) {
        bool busy = queue_turn(queue);
        loop_turn(loop);
        idle = busy ? 0 : idle + 1;
    }
}

static void end(void)
{
    notices_stop(notices);
    notices = NULL;
    queue_port_free(port);
    queue_free(queue);
    loop_free(loop);
    account_free(account);
    scratch_free(&scratch);
}

/* ---- what the store is asked from here ---- */

struct asking {
    bool (*run)(struct asking *asking, uint64_t now, struct err *err);
    const struct store_order *order;
    const struct store_outcome *outcomes;
    size_t count;
    uint64_t id;
    struct buf *out;
    bool done;
};

static bool run_asking(void *data, struct store *in, uint64_t now, struct err *err)
{
    struct asking *asking = data;

    assert_ptr_equal(in, store);
    return asking->run(asking, now, err);
}

static void answered(void *data, const struct err *err)
{
    if (err->kind != ERR_NONE)
        fail_msg("%s", err->text);
    ((struct asking *)data)->done = true;
}

static void dropped(void *data)
{
    (void)data;
}

static void ask(struct asking *asking)
{
    const struct queue_job job = { .run = run_asking, .done = answered, .drop = dropped, .data = asking };
    struct err err = { 0 };

    assert_true(queue_ask(port, &job, NULL, &err));
    while (!asking->done)
        assert_true(queue_turn(queue));
}

static bool run_accept(struct asking *asking, uint64_t now, struct err *err)
{
    struct store_accepted accepted;

    if (!store_accept(store, asking->order, now, &accepted, err))
        return false;
    asking->id = accepted.id;
    return true;
}

/* Claims what was accepted, and settles it. */
static bool run_settle(struct asking *asking, uint64_t now, struct err *err)
{
    const struct store_claim claim = { .account = asking->order->account, .until = now + 1000, .messages = 1,
                                       .recipients = 10000, .bytes = 1 };
    struct store_items items = { 0 };

    if (!store_claim(store, &claim, now, &items, err))
        return false;
    assert_int_equal(items.count, 1);
    const struct store_settlement settlement = { .id = items.at[0].id, .lease = items.at[0].lease, .by = "live",
                                                 .outcomes = asking->outcomes, .count = asking->count };
    bool good = store_settle(store, &settlement, now, err);
    asking->id = items.at[0].id;
    store_items_done(&items);
    return good;
}

/* The id of a message with these recipients, settled so. */
static uint64_t accept_order(struct store_order order, const char *sender, const char *const *to)
{
    struct envelope *envelope = envelope_new();
    struct asking accepting = { .run = run_accept, .order = &order };

    assert_true(envelope_set_sender(envelope, span_of(sender), NULL));
    for (; *to; to++)
        assert_true(envelope_add_dsn(envelope, span_of(*to), 0, SPAN("rfc822;before@x.test"), NULL));
    assert_true(envelope_set_envid(envelope, SPAN("e1"), NULL));
    envelope->ret = order.priority ? RET_HEADERS : RET_UNSAID;
    order.priority = 0;
    order.envelope = envelope;
    order.account = order.account ? order.account : "live";
    order.submitter = "uid:7";
    order.last = SPAN("Subject: hello\r\nMessage-ID: <1@live.test>\r\n\r\nthe text\r\n");
    order.message_id = "<1@live.test>";
    order.from = "me@live.test";
    ask(&accepting);
    envelope_free(envelope);
    return accepting.id;
}

static uint64_t accept_to(const char *to)
{
    return accept_order((struct store_order){ 0 }, "me@live.test", (const char *const[]){ to, NULL });
}

static void settle_with(const char *name, const struct store_outcome *outcomes, size_t count)
{
    const struct store_order order = { .account = name };
    struct asking settling = { .run = run_settle, .order = &order, .outcomes = outcomes, .count = count };

    ask(&settling);
}

static struct store_outcome failed(uint32_t number)
{
    return (struct store_outcome){ .number = number, .state = STORE_FAILED, .next = STORE_NEVER, .reply = 550,
                                   .enhanced = { 5, 1, 1 }, .cause = "recipient_rejected", .text = "no such user",
                                   .reports = REPORT_FAILURE };
}

static void fail_one(void)
{
    const struct store_outcome outcome = failed(0);

    settle_with("live", &outcome, 1);
}

/* All messages there are, a line each. */
static bool run_list(struct asking *asking, uint64_t now, struct err *err)
{
    const struct store_filter filter = { .states = ~0u };
    struct store_cursor cursor = { 0 };

    while (!cursor.end) {
        struct store_rows rows = { 0 };
        if (!store_list(store, &filter, &cursor, 100, 100, now, &rows, err))
            return false;
        for (size_t i = 0; i < rows.count; i++)
            buf_addf(asking->out, "%s of %llu from <%s> to %s%s;", store_state_word(rows.at[i].state),
                     (unsigned long long)rows.at[i].report_of, rows.at[i].sender, rows.at[i].recipients[0].address,
                     rows.at[i].done ? ", over" : "");
        store_rows_done(&rows);
    }
    return true;
}

static void check_list(const char *want)
{
    HELD(buf) out = BUF(10000);
    struct asking listing = { .run = run_list, .out = &out };

    ask(&listing);
    check_bytes(want, buf_span(&out), span_of(want));
}

/* So many messages, and of each it is said at the end. */
static void check_list_ends(const char *what, size_t count)
{
    HELD(buf) out = BUF(100000);
    struct asking listing = { .run = run_list, .out = &out };
    size_t found = 0;

    ask(&listing);
    for (struct span rest = buf_span(&out); span_find_text(rest, what) < rest.len; found++)
        rest = span_from(rest, span_find_text(rest, what) + strlen(what));
    assert_int_equal(found, count);
}

static bool run_read(struct asking *asking, uint64_t now, struct err *err)
{
    (void)now;
    return store_body_read(store, asking->id, 0, asking->out, err);
}

static void check_body(uint64_t id, const char *const *wants)
{
    HELD(buf) out = BUF(STORE_PIECE_MAX);
    struct asking reading = { .run = run_read, .id = id, .out = &out };

    ask(&reading);
    for (; *wants; wants++)
        if (span_find_text(buf_span(&out), *wants) == out.len)
            fail_msg("\"%s\" is not in:\n%s", *wants, buf_text(&out));
}

/* ---- by mail ---- */

static void test_a_report(void **state)
{
    static const char *const wants[] = {
        "From: Mail delivery <me@live.test>\r\nTo: me@live.test\r\n", "Auto-Submitted: auto-replied\r\n",
        "Original-Envelope-Id: e1\r\nReporting-MTA: dns; web1.test\r\n",
        "Original-Recipient: rfc822;before@x.test\r\nFinal-Recipient: rfc822; a@x.test\r\nAction: failed\r\n"
        "Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n",
        "message/rfc822", "\r\n\r\nthe text\r\n", "outpost queue show 1\r\n", "address does not take mail", NULL,
    };

    (void)state;
    begin();
    accept_to("a@x.test");
    fail_one();
    assert_true(start(NULL));
    settle();
    assert_string_equal(said, "1 mail;");
    check_list("queued of 1 from <me@live.test> to me@live.test;failed of 0 from <me@live.test> to a@x.test, over;");
    check_body(2, wants);
    notices_look(notices);
    settle();
    assert_string_equal(said, "1 mail;"); /* once */
    end();
}

static void test_who_gets_it(void **state)
{
    struct profile profile = { .capabilities.null_sender = true };

    (void)state;
    begin();
    char boss[] = "boss@x.test";
    ways.reports_to = boss;
    account->profile = &profile;
    accept_to("a@x.test");
    fail_one();
    assert_true(start(NULL));
    settle();
    check_list("queued of 1 from <> to boss@x.test;failed of 0 from <me@live.test> to a@x.test, over;");
    end();
}

static void test_headers_alone(void **state)
{
    static const char *const wants[] = { "text/rfc822-headers", NULL };

    (void)state;
    begin();
    accept_order((struct store_order){ .priority = 1 }, "me@live.test", (const char *const[]){ "a@x.test", NULL });
    fail_one();
    assert_true(start(NULL));
    settle();
    check_body(2, wants);
    end();
}

/* Failure, delay and last word are a report each; what is over before it is told of is not. */
static void test_matters(void **state)
{
    const struct store_outcome outcomes[] = {
        failed(0),
        { .number = 1, .state = STORE_DELIVERED, .next = STORE_NEVER, .reply = 250, .reports = REPORT_RELAYED },
        { .number = 2, .state = STORE_DEFERRED, .next = STORE_NEVER, .reply = 450, .reports = REPORT_DELAY },
        { .number = 3, .state = STORE_DELIVERED, .next = STORE_NEVER, .reply = 250, .reports = REPORT_DELAY },
        { .number = 4, .state = STORE_UNKNOWN, .next = STORE_NEVER, .reports = REPORT_FAILURE },
        { .number = 5, .state = STORE_FAILED, .next = STORE_NEVER, .reports = REPORT_FAILURE | REPORT_DELAY },
    };
    static const char *const delayed[] = { "Action: delayed\r\nStatus: 4.0.0\r\n",
                                           "Will-Retry-Until: Fri, 6 Mar 2026 12:00:00 +0000", NULL };
    static const char *const relayed[] = { "Action: relayed\r\nStatus: 2.0.0\r\n", NULL };

    (void)state;
    begin();
    accept_order((struct store_order){ 0 }, "me@live.test",
                 (const char *const[]){ "0@x.test", "1@x.test", "2@x.test", "3@x.test", "4@x.test", "5@x.test", NULL });
    settle_with("live", outcomes, COUNT(outcomes));
    assert_true(start(NULL));
    settle();
    assert_string_equal(said, "1 mail;1 mail;1 mail;1 mail;");
    check_body(2, (const char *const[]){ "rfc822; 0@x.test", "rfc822; 5@x.test", NULL });
    check_body(3, (const char *const[]){ "Action: delayed\r\nStatus: 4.4.2\r\n", "rfc822; 4@x.test", NULL });
    check_body(4, delayed);
    check_body(5, relayed);
    end();
}

/* A body of many pieces comes back up to a size; the report goes in in pieces, too. */
static void test_large(void **state)
{
    (void)state;
    begin();
    HELD(buf) text = BUF(200000);
    buf_add(&text, "Subject: big\r\n\r\n");
    while (text.len < 150000)
        buf_add(&text, "a line of a message\r\n");
    struct envelope *envelope = envelope_new();
    const struct store_order order = { .account = "live", .submitter = "me", .envelope = envelope,
                                       .last = span_cut(buf_span(&text), 0, STORE_PIECE_MAX) };
    assert_true(envelope_set_sender(envelope, SPAN("me@live.test"), NULL));
    assert_true(envelope_add(envelope, SPAN("a@x.test"), NULL));
    struct err err = { 0 };
    struct store_body body = { 0 };
    struct store_accepted accepted;
    struct store_order whole = order;
    assert_true(store_begin(store, &err) && store_job_begin(store, &err));
    for (size_t at = 0; at < 2; at++)
        assert_true(store_body_add(store, &body,
                                   span_cut(buf_span(&text), at * STORE_PIECE_MAX, (at + 1) * STORE_PIECE_MAX), 1, &err));
    whole.body = &body;
    whole.last = span_from(buf_span(&text), 2 * (size_t)STORE_PIECE_MAX);
    assert_true(store_accept(store, &whole, queue_now(queue), &accepted, &err));
    assert_true(store_job_end(store, true, &err) && store_commit(store, &err));
    envelope_free(envelope);
    fail_one();
    assert_true(start(NULL));
    settle();
    HELD(buf) report = BUF(400000);
    assert_true(store_begin(store, &err) && store_job_begin(store, &err));
    for (uint32_t i = 0; i < 3; i++)
        assert_true(store_body_read(store, accepted.id + 1, i, &report, &err));
    assert_true(store_job_end(store, true, &err) && store_commit(store, &err));
    assert_true(span_find_text(buf_span(&report), buf_text(&text)) < report.len);
    end();
}

/* ---- by other ways ---- */

static char box[300];

static void with_mailbox(void)
{
    snprintf(box, sizeof box, "%s", scratch_path(scratch, "box"));
    ways.mailbox = box;
}

static void check_box(const char *label, const char *const *wants)
{
    const char *text = scratch_text(box);

    assert_non_null(text);
    for (; *wants; wants++)
        check_row(label, strstr(text, *wants));
}

static void test_not_by_mail(void **state)
{
    static const struct {
        const char *label, *sender, *account;
        bool silent;
    } rows[] = {
        { "from <>", "", "live", false },
        { "an answering machine", "me@live.test", "live", true },
        { "its account is gone", "me@live.test", "old", false },
    };
    static const char *const wants[] = { "message 1 was not delivered", "a@x.test: no such user", "address does not take mail",
                                         "outpost queue show 1", NULL };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin();
        with_mailbox();
        accept_order((struct store_order){ .silent = rows[i].silent, .account = rows[i].account }, rows[i].sender,
                     (const char *const[]){ "a@x.test", NULL });
        struct store_outcome outcome = failed(0);
        settle_with(rows[i].account, &outcome, 1);
        if (i == 2)
            account->name[0] = 'x'; /* no account of the name it was tried by */
        assert_true(start(NULL));
        settle();
        assert_string_equal(said, "1 mailbox;");
        check_box(rows[i].label, wants);
        HELD(buf) list = BUF(1000);
        buf_addf(&list, "failed of 0 from <%s> to a@x.test, over;", rows[i].sender);
        check_list(buf_text(&list));
        end();
    }
}

/* A report that fails makes no report; a person hears of it all the same. */
static void test_a_report_that_fails(void **state)
{
    static const char *const wants[] = { "It was to report of message 1.", NULL };

    (void)state;
    begin();
    with_mailbox();
    accept_to("a@x.test");
    fail_one();
    assert_true(start(NULL));
    settle();
    fail_one();
    notices_look(notices);
    settle();
    assert_string_equal(said, "1 mail;2 mailbox;");
    check_box("both", wants);
    check_list("failed of 0 from <me@live.test> to a@x.test, over;failed of 1 from <me@live.test> to me@live.test, over;");
    end();
}

/* Nobody can be told: it stays in sight, as long as the history is kept. */
static void test_nobody(void **state)
{
    (void)state;
    begin();
    accept_order((struct store_order){ .silent = true }, "me@live.test", (const char *const[]){ "a@x.test", NULL });
    fail_one();
    assert_true(start(NULL));
    settle();
    check_list("failed of 0 from <me@live.test> to a@x.test;");
    world.now += 2ull * 86400000;
    world.wall += 2ull * 86400000;
    notices_look(notices);
    settle();
    check_list("failed of 0 from <me@live.test> to a@x.test, over;");
    end();
}

/* The account's own trouble is not told by the account. */
static bool run_park(struct asking *asking, uint64_t now, struct err *err)
{
    (void)asking;
    return store_park(store, "live", "auth_bad_credentials", "no", now, err);
}

static void test_parked(void **state)
{
    struct asking parking = { .run = run_park };

    (void)state;
    begin();
    with_mailbox();
    accept_to("a@x.test");
    fail_one();
    ask(&parking);
    assert_true(start(NULL));
    settle();
    assert_string_equal(said, "1 mailbox;");
    end();
}

/* A delay is told by mail alone, which may wait with the rest. */
static void test_parked_and_delayed(void **state)
{
    struct asking parking = { .run = run_park };
    const struct store_outcome late = { .number = 0, .state = STORE_QUEUED, .next = STORE_NEVER, .reports = REPORT_DELAY };

    (void)state;
    begin();
    with_mailbox();
    accept_to("a@x.test");
    settle_with("live", &late, 1);
    ask(&parking);
    assert_true(start(NULL));
    settle();
    assert_string_equal(said, "1 mail;");
    end();
}

/* Memory, disk or dice fail, each time another call: nobody is told twice by mail, and in the end somebody is told. */
static void test_everything_fails_once(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth++) {
        begin();
        accept_to("a@x.test");
        fail_one();
        struct err err = { 0 };
        world_begin(&world, nth);
        bool started = start(&err);
        if (started)
            settle();
        bool broke = world_end(&world);
        if (!started)
            assert_true(start(&err));
        world.now += 3600000;
        world.wall += 3600000;
        notices_look(notices);
        settle();
        check_list("queued of 1 from <me@live.test> to me@live.test;failed of 0 from <me@live.test> to a@x.test, over;");
        end();
        if (!broke)
            break;
    }
}

enum { MANY = 45 };

/* What an earlier life fetched and did not tell is told at once by the next. */
static void test_cut_off(void **state)
{
    (void)state;
    begin();
    char *address = account->address;
    for (size_t i = 0; i < MANY; i++) {
        accept_to("a@x.test");
        fail_one();
    }
    account->address = NULL;
    assert_true(start(NULL));
    settle();
    notices_stop(notices);
    account->address = address;
    world.now += 1000;
    world.wall += 1000;
    check_list_ends("to a@x.test;", MANY);
    assert_true(start(NULL));
    settle();
    check_list_ends("to me@live.test;", MANY);
    check_list_ends("to a@x.test, over;", MANY);
    end();
}

/* More than one round, none of which can be told: it comes to an end. */
static void test_many_rounds(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < 50; i++) {
        accept_order((struct store_order){ .silent = true }, "me@live.test", (const char *const[]){ "a@x.test", NULL });
        fail_one();
    }
    assert_true(start(NULL));
    settle();
    with_mailbox();
    world.now += 3600000;
    world.wall += 3600000;
    notices_look(notices);
    settle();
    check_list_ends("over;", 50);
    end();
}

enum { CROWD = 2500 };

/* More recipients of one message than a report names: the next reports follow at once. */
static void test_a_crowd(void **state)
{
    OWN(envelope) envelope = envelope_new();
    const struct store_order order = { .account = "live", .submitter = "uid:7", .envelope = envelope, .last = SPAN("x\r\n") };
    struct asking accepting = { .run = run_accept, .order = &order };
    static struct store_outcome outcomes[CROWD];

    (void)state;
    begin();
    assert_true(envelope_set_sender(envelope, SPAN("me@live.test"), NULL));
    for (uint32_t i = 0; i < CROWD; i++) {
        HELD(buf) to = BUF(40);
        buf_addf(&to, "r%u@x.test", i);
        assert_true(envelope_add(envelope, buf_span(&to), NULL));
        outcomes[i] = failed(i);
    }
    ask(&accepting);
    settle_with("live", outcomes, CROWD);
    assert_true(start(NULL));
    settle();
    assert_string_equal(said, "1 mail;1 mail;1 mail;");
    check_body(2, (const char *const[]){ "\r\n  r0@x.test", NULL });
    check_body(4, (const char *const[]){ "\r\n  r2000@x.test", NULL });
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_report),
        cmocka_unit_test(test_who_gets_it),
        cmocka_unit_test(test_headers_alone),
        cmocka_unit_test(test_matters),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_not_by_mail),
        cmocka_unit_test(test_a_report_that_fails),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_parked),
        cmocka_unit_test(test_parked_and_delayed),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_many_rounds),
        cmocka_unit_test(test_a_crowd),
        cmocka_unit_test(test_everything_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
