/* A trip of messages through a transport, for its tests: whoever opens it, the message, what was told. Included
 * by the test. */
#ifndef OUTPOST_TESTS_TRIP_H
#define OUTPOST_TESTS_TRIP_H

#include "base/alloc.h"
#include "mail/envelope.h"
#include "net/loop.h"
#include "net/timer.h"
#include "relay/transport.h"
#include "support/check.h"

enum { RECIPIENTS = 3, PATIENCE_MS = 30 * 1000 };

static struct loop *loop;
static struct resolver *resolver;

struct trip {
    struct account *account;
    struct transport_world world;
    struct transport *transport;
    struct envelope *envelope;
    const char *text, *tied_to;
    struct transport_outcome outcomes[RECIPIENTS];
    struct evidence failure;
    unsigned ready, sent, failed;
    bool within; /* a call: nothing may be told */
    bool done;
    struct timer *patience;
    struct buf seen; /* by the observer */
};

static bool read_text(void *of, uint64_t at, char *into, size_t room, size_t *ret_len, struct err *err)
{
    const struct trip *trip = of;
    struct span rest = span_cut(span_from(span_of(trip->text), (size_t)at), 0, room < 7 ? room : 7);

    (void)err;
    if (rest.len)
        memcpy(into, rest.at, rest.len);
    *ret_len = rest.len;
    return true;
}

static void hand_over(struct trip *trip)
{
    const struct transport_message message = {
        .envelope = trip->envelope,
        .count = trip->envelope->count,
        .body = { read_text, trip },
        .tied_to = trip->tied_to,
        .outcomes = trip->outcomes,
    };

    trip->envelope->size = strlen(trip->text);
    trip->within = true;
    transport_send(trip->transport, &message);
    trip->within = false;
}

static void on_ready(void *who)
{
    struct trip *trip = who;

    assert_false(trip->within);
    trip->ready++;
    trip->done = true;
}

static void on_sent(void *who)
{
    struct trip *trip = who;

    assert_false(trip->within);
    trip->sent++;
    trip->done = true;
}

static void on_failed(void *who, const struct evidence *why)
{
    struct trip *trip = who;

    assert_false(trip->within);
    trip->failed++;
    trip->failure = *why;
    trip->done = true;
}

static void on_impatience(void *who)
{
    (void)who;
    fail_msg("nothing came for half a minute");
}

static void on_sight(void *who, enum session_sight sight, enum stage stage, struct span text, uint64_t now)
{
    struct trip *trip = who;

    (void)stage, (void)now;
    buf_add_char(&trip->seen, "*><"[sight]);
    buf_add_char(&trip->seen, ' ');
    buf_add_span(&trip->seen, text);
    buf_add_char(&trip->seen, '\n');
}

static const struct transport_events trip_events = { on_ready, NULL, on_sent, on_failed };

static void run(struct trip *trip)
{
    trip->done = false;
    timer_set(trip->patience, loop_now(loop) + PATIENCE_MS);
    assert_true(loop_run_until(loop, &trip->done));
    timer_set(trip->patience, UINT64_MAX);
}

/* The account is the caller's to make; it is freed with the trip. */
static void trip_begin(struct trip *trip, struct account *account, const char *text)
{
    struct err err;

    *trip = (struct trip){ .account = account, .text = text, .seen = BUF(1 << 20) };
    trip->world = (struct transport_world){ .hello = "client.example.org", .observer = { .saw = on_sight, .who = trip } };
    trip->world.credentials.secrets.loop = loop;
    trip->world.credentials.resolver = resolver;
    trip->envelope = envelope_new();
    trip->patience = timer_new(loop, on_impatience, NULL);
    assert_true(trip->envelope && trip->patience);
    assert_true(envelope_set_sender(trip->envelope, span_of(account->address), &err));
    assert_true(envelope_add(trip->envelope, SPAN("a@example.net"), &err));
}

static void trip_open(struct trip *trip)
{
    struct err err;

    trip->within = true;
    assert_true(transport_open(&trip->world, trip->account, &trip_events, trip, &trip->transport, &err));
    trip->within = false;
    run(trip);
}

static void trip_send(struct trip *trip, const char *text)
{
    trip->text = text;
    hand_over(trip);
    run(trip);
}

static void trip_end(struct trip *trip)
{
    transport_close(trip->transport);
    timer_free(trip->patience);
    envelope_free(trip->envelope);
    account_free(trip->account);
    buf_done(&trip->seen);
    loop_turn(loop);
}

#endif
