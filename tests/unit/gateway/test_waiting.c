/* deliver = while-waiting: what a client hears, and who else is told. The test itself plays the relay. */
#include "bench.h"

#include "support/alloc_fails.h"

#define DESK "[listen desk]\naddress = 127.0.0.1:587\nsecurity = none\nno_password_from = 127.0.0.1/32\n" \
             "deliver = while-waiting\n"
#define TO1  "MAIL FROM:<me@live.example>\r\nRCPT TO:<a@there.example>\r\n"
#define TO2  TO1 "RCPT TO:<b@there.example>\r\n"
#define BODY "BDAT 4 LAST\r\nHi\r\n"

/* ---- the relay ---- */

struct play {
    struct store_outcome outcomes[2];
    size_t count;
    const char *park;
    bool answered; /* out: whoever handed it in tells of a failure itself */
    struct queue *queue;
};

static bool run_play(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct play *play = data;
    const struct store_claim claim = { .account = "live", .until = now + 1000, .messages = 1, .recipients = 10,
                                       .bytes = 1 << 20, .leaving = true, .via = "smtp" };
    struct store_items items = { 0 };

    if (play->park && !store_park(store, "live", play->park, "", now, err))
        return false;
    if (!play->count)
        return true;
    bool ok = store_claim(store, &claim, now, &items, err);
    if (ok && items.count) {
        const struct store_settlement settlement = { .id = items.at[0].id, .lease = items.at[0].lease, .by = "live",
                                                     .outcomes = play->outcomes, .count = play->count };
        play->answered = queue_is_answered(play->queue, items.at[0].id);
        ok = store_settle(store, &settlement, now, err);
    }
    store_items_done(&items);
    return ok;
}

static void played(void *data, const struct err *err)
{
    (void)data;
    if (err->kind != ERR_NONE)
        fail_msg("%s", err->text);
}

static void play_on(struct bench *bench, struct play *play)
{
    struct err err;
    const struct queue_job job = { .run = run_play, .done = played, .data = play };

    play->queue = bench->queue;
    assert_true(queue_ask(bench->port, &job, NULL, &err));
    bench_settle(bench);
}

/* A client that has handed in a message, and hears nothing yet. */
static void hand_in(struct bench *bench, const char *to, struct caller *caller)
{
    bench_call(bench, "desk", caller);
    ask(caller, "EHLO me\r\n", "\r\n250 ");
    ask(caller, to, "Recipient taken\r\n");
    buf_clear(&caller->heard);
    say(caller, BODY);
    size_t count = 0;
    do {
        caller_turn(caller);
        bench_look(bench, &count);
    } while (!count);
    bench_settle(bench);
    assert_string_equal(strstr(buf_text(&caller->heard), "Queued") ? buf_text(&caller->heard) : "", "");
}

#define GONE(n, state_, reply_, e0, e1, e2, text_, cause_)                                                       \
    { .number = n, .state = state_, .reply = reply_, .enhanced = { e0, e1, e2 }, .text = text_, .cause = cause_, \
      .next = (state_) == STORE_DEFERRED ? 1000000 : 0 }
#define KEPT(n)    GONE(n, STORE_DELIVERED, 250, 2, 6, 0, "kept by them", NULL)
#define NOBODY(n)  GONE(n, STORE_FAILED, 550, 5, 1, 1, "no such user", "recipient_rejected")
#define OURS(n)    GONE(n, STORE_FAILED, 0, 0, 0, 0, "it is too large for them", "message_too_big")
#define LATER(n)   GONE(n, STORE_DEFERRED, 451, 4, 7, 1, "come back later", "greylisted")
#define UNKNOWN(n) GONE(n, STORE_UNKNOWN, 0, 0, 0, 0, "the line broke", NULL)

static const struct {
    const char *label, *to;
    struct play play;
    const char *words, *cause; /* cause: of the refusal that is kept; NULL: none is */
} endings[] = {
    { "delivered", TO1, { { KEPT(0) }, 1, NULL, 0, NULL }, "250 2.6.0 kept by them\r\n", NULL },
    { "both delivered", TO2, { { KEPT(0), KEPT(1) }, 2, NULL, 0, NULL }, "250 2.6.0 kept by them\r\n", NULL },
    { "refused", TO1, { { NOBODY(0) }, 1, NULL, 0, NULL }, "550 5.1.1 no such user\r\n", "recipient_rejected" },
    { "both refused", TO2, { { OURS(0), NOBODY(1) }, 2, NULL, 0, NULL }, "554 5.0.0 it is too large for them\r\n",
      "message_too_big" },
    { "one refused", TO2, { { KEPT(0), NOBODY(1) }, 2, NULL, 0, NULL }, "250 2.0.0 Queued as 1\r\n", NULL },
    { "deferred", TO1, { { LATER(0) }, 1, NULL, 0, NULL }, "250 2.0.0 Queued as 1\r\n", NULL },
    { "unknown", TO1, { { UNKNOWN(0) }, 1, NULL, 0, NULL }, "250 2.0.0 Queued as 1\r\n", NULL },
};

static void test_endings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(endings); i++) {
        struct caller caller;
        struct play play = endings[i].play;
        BENCH(bench, DESK);

        hand_in(bench, endings[i].to, &caller);
        play_on(bench, &play);
        await_words(&caller, "\r\n");
        check_row(endings[i].label, play.answered);
        check_row(endings[i].label, strcmp(buf_text(&caller.heard), endings[i].words) == 0);
        const struct refusal *refusal = refusals_at(bench_listener(bench, "desk").refusals, 0);
        check_row(endings[i].label, endings[i].cause ? refusal && strcmp(refusal->cause, endings[i].cause) == 0 : !refusal);
        ask(&caller, TO1, "Recipient taken\r\n"); /* and it goes on */
        hang_up(&caller);
        bench_settle(bench);
        assert_false(queue_is_answered(bench->queue, 1));
    }
}

/* Something of the account waits, or it can't send: the queue's word, at once. */
static void test_not_where_others_wait(void **state)
{
    struct caller caller;
    struct play later = { .outcomes = { LATER(0) }, .count = 1 }, parked = { .park = "oauth_refresh_token_expired" };

    (void)state;
    {
        BENCH(bench, DESK);
        hand_in(bench, TO1, &caller);
        play_on(bench, &later);
        await_words(&caller, "Queued as 1");
        ask(&caller, TO1 BODY, "250 2.0.0 Queued as 2\r\n");
        hang_up(&caller);
    }
    BENCH(bench, DESK);
    play_on(bench, &parked);
    bench_call(bench, "desk", &caller);
    ask(&caller, "EHLO me\r\n" TO1 BODY, "250 2.0.0 Queued as 1\r\n");
    hang_up(&caller);
}

static void test_nobody_waits_for_ever(void **state)
{
    struct caller caller;
    struct play late = { .outcomes = { NOBODY(0) }, .count = 1 };
    struct bench *bench = bench_begin();

    (void)state;
    bench->plan.wait_ms = 20;
    assert_true(bench_open(bench, DESK));
    bench_call(bench, "desk", &caller);
    ask(&caller, "EHLO me\r\n" TO1 BODY, "250 2.0.0 Queued as 1\r\n");
    play_on(bench, &late);
    assert_false(late.answered); /* so a report is due */
    hang_up(&caller);
    bench_end(&bench);
}

/* Who leaves without an answer has the message still, as with any server: nobody else is told, and it is kept why. */
static void test_the_client_leaves(void **state)
{
    struct caller caller;
    struct play play = { .outcomes = { NOBODY(0) }, .count = 1 };
    BENCH(bench, DESK);

    (void)state;
    hand_in(bench, TO1, &caller);
    hang_up(&caller);
    play_on(bench, &play);
    await(&caller, bench_listener(bench, "desk").sessions == 0);
    assert_true(play.answered);
    assert_string_equal(refusals_at(bench_listener(bench, "desk").refusals, 0)->cause, "recipient_rejected");
}

static void drained(void *who)
{
    bool *over = who;

    *over = true;
}

static void test_draining_waits_no_longer(void **state)
{
    struct caller caller;
    bool over = false;
    BENCH(bench, DESK);

    (void)state;
    hand_in(bench, TO1, &caller);
    gateway_drain(bench->gateway, drained, &over);
    await_words(&caller, "250 2.0.0 Queued as 1\r\n");
    await(&caller, over);
    hang_up(&caller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endings),
        cmocka_unit_test(test_not_where_others_wait),
        cmocka_unit_test(test_nobody_waits_for_ever),
        cmocka_unit_test(test_the_client_leaves),
        cmocka_unit_test(test_draining_waits_no_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
