/* What queue/store.h promises, whoever keeps it. */
#include "keepers.h"

static const struct keeper *keeper;

static struct scratch *scratch;
static const struct letter plain;

static int set_up(void **state)
{
    struct store *store = NULL;
    struct err err = { 0 };

    scratch = scratch_new();
    if (!keeper->open(scratch, &store, &err))
        fail_msg("%s", err.text);
    *state = store;
    return 0;
}

static int tear_down(void **state)
{
    store_free(*state);
    scratch_free(&scratch);
    return 0;
}

/* In ------------------------------------------------------------------------------------------------------- */

static void test_accepted_as_it_was_given(void **state)
{
    struct store *store = *state;
    struct err made = { 0 };
    OWN(envelope) envelope = envelope_new();

    assert_true(envelope_set_sender(envelope, SPAN("me@live.com"), &made));
    assert_true(envelope_add_dsn(envelope, SPAN("a@example.org"), NOTIFY_SUCCESS | NOTIFY_DELAY,
                                 SPAN("rfc822;A@example.org"), &made));
    assert_true(envelope_add(envelope, SPAN("b@example.org"), &made));
    assert_true(envelope_set_envid(envelope, SPAN("QQ314159"), &made));
    envelope->ret = RET_HEADERS;
    envelope->body = BODY_8BIT;
    struct store_order order = { .account = "live", .submitter = "uid:7", .envelope = envelope,
                                 .message_id = "<x@y>", .from = "Me@live.com", .priority = 3,
                                 .last = SPAN("Subject: x\r\n\r\nhi\r\n") };
    struct store_accepted accepted;
    DO(store, store_accept(store, &order, 5000, &accepted, &err));
    assert_false(accepted.repeated);

    struct store_story story = { 0 };
    DO(store, store_show(store, accepted.id, 0, 10, 5000, &story, &err));
    const struct store_row *row = &story.rows.at[0];
    assert_int_equal(row->id, accepted.id);
    assert_int_equal(row->created, 5000);
    assert_int_equal(row->size, order.last.len);
    assert_int_equal(row->state, STORE_QUEUED);
    assert_string_equal(row->account, "live");
    assert_string_equal(row->submitter, "uid:7");
    assert_string_equal(row->sender, "me@live.com");
    assert_string_equal(row->from, "Me@live.com");
    assert_string_equal(row->message_id, "<x@y>");
    assert_string_equal(row->envid, "QQ314159");
    assert_int_equal(row->ret, RET_HEADERS);
    assert_int_equal(row->body, BODY_8BIT);
    assert_int_equal(row->priority, 3);
    assert_int_equal(row->next, 5000);
    assert_int_equal(row->recipient_total, 2);
    assert_string_equal(row->recipients[0].address, "a@example.org");
    assert_string_equal(row->recipients[0].orcpt, "rfc822;A@example.org");
    assert_int_equal(row->recipients[0].notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
    assert_int_equal(row->recipients[1].state, STORE_QUEUED);
    assert_int_equal(story.event_count, 1);
    assert_int_equal(story.events[0].kind, STORE_EVENT_ACCEPTED);
    store_story_done(&story);

    struct store_items items = { 0 };
    claim(store, 5000, 10, &items);
    assert_int_equal(items.count, 1);
    const struct store_item *item = &items.at[0];
    assert_int_equal(item->id, accepted.id);
    assert_int_equal(item->envelope->count, 2);
    assert_string_equal(item->envelope->sender, "me@live.com");
    assert_string_equal(item->envelope->envid, "QQ314159");
    assert_int_equal(item->envelope->ret, RET_HEADERS);
    assert_int_equal(item->envelope->body, BODY_8BIT);
    assert_int_equal(item->envelope->size, order.last.len);
    assert_string_equal(item->envelope->recipients[0].orcpt, "rfc822;A@example.org");
    assert_int_equal(item->envelope->recipients[0].notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
    check_bytes("body", item->body, order.last);
    assert_string_equal(item->submitter, "uid:7");
    assert_int_equal(items.next_due, STORE_NEVER);
    store_items_done(&items);
}

static void test_misuse_is_told(void **state)
{
    struct store *store = *state;
    OWN(envelope) nobody = envelope_new();
    OWN(envelope) envelope = letter_envelope(&(struct letter){ .key = "k" });
    struct store_body body = { 0 };
    struct store_accepted accepted;
    static char large[STORE_PIECE_MAX + 1];

    struct store_order order = letter_order(&(struct letter){ 0 }, nobody);
    REFUSED(store, "recipients:none", store_accept(store, &order, 1, &accepted, &err));
    order = letter_order(&(struct letter){ .key = "k" }, envelope);
    order.content = SPAN_NONE;
    REFUSED(store, "", store_accept(store, &order, 1, &accepted, &err));
    order = letter_order(&(struct letter){ .priority = 10 }, envelope);
    REFUSED(store, "", store_accept(store, &order, 1, &accepted, &err));
    order = letter_order(&(struct letter){ 0 }, envelope);
    order.last = SPAN_NONE;
    REFUSED(store, "", store_accept(store, &order, 1, &accepted, &err));
    order.last = (struct span){ large, sizeof large };
    REFUSED(store, "", store_accept(store, &order, 1, &accepted, &err));
    REFUSED(store, "", store_body_add(store, &body, order.last, 1, &err));
    REFUSED(store, "", store_body_add(store, &body, SPAN_NONE, 1, &err));
}

static void add_pieces(struct store *store, struct store_body *body, const char *const *pieces, uint64_t now)
{
    for (; *pieces; pieces++)
        DO(store, store_body_add(store, body, span_of(*pieces), now, &err));
}

static void test_body_in_pieces(void **state)
{
    struct store *store = *state;
    struct store_body body = { 0 };
    struct store_items items = { 0 };

    add_pieces(store, &body, (const char *const[]){ "one\r\n", "two\r\n", NULL }, 1);
    assert_int_equal(body.pieces, 2);
    assert_int_equal(body.size, 10);
    claim(store, 1, 10, &items);
    assert_int_equal(items.count, 0);
    store_items_done(&items);

    uint64_t id = POST(store, 2, .body = &body, .text = "three\r\n");
    claim(store, 2, 10, &items);
    assert_int_equal(items.count, 1);
    assert_int_equal(items.at[0].pieces, 3);
    assert_int_equal(items.at[0].size, 17);
    assert_null(items.at[0].body.at);
    store_items_done(&items);

    HELD(buf) out = BUF(100);
    for (uint32_t i = 0; i < 3; i++)
        DO(store, store_body_read(store, id, i, &out, &err));
    check_bytes("pieces", buf_span(&out), SPAN("one\r\ntwo\r\nthree\r\n"));
    REFUSED(store, "store:gone", store_body_read(store, id, 3, &out, &err));
    REFUSED(store, "store:gone", store_body_read(store, id + 1000, 0, &out, &err));
}

static void test_body_must_be_there_as_it_was_added(void **state)
{
    struct store *store = *state;
    struct store_body body = { 0 };
    OWN(envelope) envelope = letter_envelope(&(struct letter){ 0 });
    struct store_accepted accepted;

    add_pieces(store, &body, (const char *const[]){ "one\r\n", NULL }, 1);
    struct store_body more = body;
    more.pieces++;
    more.size += 5;
    struct store_order order = letter_order(&(struct letter){ .body = &more }, envelope);
    REFUSED(store, "store:gone", store_accept(store, &order, 2, &accepted, &err));
    REFUSED(store, "store:gone", store_body_add(store, &more, SPAN("x"), 2, &err));
    DO(store, store_body_drop(store, &body, &err));
    order.body = &body;
    REFUSED(store, "store:gone", store_accept(store, &order, 2, &accepted, &err));
}

static void test_abandoned_bodies_are_swept(void **state)
{
    struct store *store = *state;
    struct store_body old = { 0 }, young = { 0 };
    HELD(buf) out = BUF(100);
    bool more;

    add_pieces(store, &old, (const char *const[]){ "old\r\n", NULL }, 1000);
    add_pieces(store, &young, (const char *const[]){ "young\r\n", NULL }, 2000);
    DO(store, store_sweep(store, &(struct store_sweep){ .bodies_before = 1500, .most = 10 }, 3000, &more, &err));
    assert_false(more);
    REFUSED(store, "store:gone", store_body_add(store, &old, SPAN("x"), 3000, &err));
    uint64_t id = POST(store, 3000, .body = &young, .text = "end\r\n");
    DO(store, store_body_read(store, id, 0, &out, &err));
    check_bytes("young", buf_span(&out), SPAN("young\r\n"));
}

static struct store_accepted try_key(struct store *store, const struct letter *letter, uint64_t now)
{
    OWN(envelope) envelope = letter_envelope(letter);
    struct store_order order = letter_order(letter, envelope);
    struct store_accepted accepted = { 0 };

    DO(store, store_accept(store, &order, now, &accepted, &err));
    return accepted;
}
#define TRY_KEY(store, now, ...) try_key(store, &(struct letter){ __VA_ARGS__ }, now)

static void test_a_key_is_accepted_once(void **state)
{
    struct store *store = *state;
    struct store_body body = { 0 };
    OWN(envelope) envelope = letter_envelope(&(struct letter){ .key = "k" });
    struct store_order other = letter_order(&(struct letter){ .key = "k", .content = "another" }, envelope);
    struct store_accepted first = TRY_KEY(store, 1000, .key = "k"), again;

    assert_false(first.repeated);
    again = TRY_KEY(store, 2000, .key = "k");
    assert_true(again.repeated);
    assert_int_equal(again.id, first.id);
    REFUSED(store, "store:key-reused", store_accept(store, &other, 2000, &again, &err));

    add_pieces(store, &body, (const char *const[]){ "one\r\n", NULL }, 2000);
    assert_true(TRY_KEY(store, 2000, .key = "k", .body = &body).repeated);
    REFUSED(store, "store:gone", store_body_add(store, &body, SPAN("x"), 2000, &err));

    assert_false(TRY_KEY(store, 2000, .key = "k", .submitter = "uid:1").repeated);
    assert_false(TRY_KEY(store, 2000, .key = "k", .account = "other").repeated);
    assert_false(TRY_KEY(store, 2000, .key = "kk").repeated);
    assert_true(TRY_KEY(store, 1000 + STORE_KEY_MS - 1, .key = "k").repeated);
    assert_false(TRY_KEY(store, 1000 + STORE_KEY_MS, .key = "k", .content = "another").repeated);
    assert_true(TRY_KEY(store, 1000 + STORE_KEY_MS, .key = "k", .content = "another").repeated);
}

/* Out ------------------------------------------------------------------------------------------------------ */

static void check_ids(const struct store_items *items, const uint64_t *ids)
{
    size_t count = 0;

    for (; ids[count]; count++)
        if (count >= items->count || items->at[count].id != ids[count])
            fail_msg("item %zu is not message %llu", count, (unsigned long long)ids[count]);
    assert_int_equal(items->count, count);
}

static void test_claimed_in_order(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t late = POST(store, 1000, .not_before = 5000), second = post(store, &plain, 1001),
             third = post(store, &plain, 1002), urgent = POST(store, 1003, .priority = 4),
             idle = POST(store, 1004, .priority = -9);
    POST(store, 1000, .account = "other");

    claim(store, 1003, 10, &items);
    check_ids(&items, (const uint64_t[]){ urgent, second, third, 0 });
    assert_int_equal(items.next_due, 1004);
    store_items_done(&items);
    claim(store, 4999, 10, &items);
    check_ids(&items, (const uint64_t[]){ idle, 0 });
    assert_int_equal(items.next_due, 5000);
    store_items_done(&items);
    claim(store, 5000, 10, &items);
    check_ids(&items, (const uint64_t[]){ late, 0 });
    assert_int_equal(items.next_due, STORE_NEVER);
    store_items_done(&items);
}

static void test_claimed_with_precedence(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t urgent = POST(store, 1000, .priority = 9), plain_one = post(store, &plain, 1001),
             bulk = POST(store, 1002, .priority = -9), late = POST(store, 1003, .not_before = 5000),
             others = POST(store, 1004, .account = "other");
    struct store_claim claiming = { .account = "live", .until = 9000, .messages = 2, .recipients = 10, .bytes = 1000 };
    const uint64_t absent[] = { late, others, 999 };

    for (size_t i = 0; i < COUNT(absent); i++) {
        claiming.first = absent[i];
        DO(store, store_claim(store, &claiming, 2000, &items, &err));
        check_ids(&items, (const uint64_t[]){ urgent, plain_one, 0 });
        for (size_t k = 0; k < items.count; k++)
            settle(store, &items.at[k], STORE_QUEUED, 1000, 2000);
        store_items_done(&items);
    }
    claiming.first = bulk;
    DO(store, store_claim(store, &claiming, 2000, &items, &err));
    check_ids(&items, (const uint64_t[]){ bulk, urgent, 0 });
    store_items_done(&items);
    DO(store, store_claim(store, &claiming, 2000, &items, &err)); /* it is somebody's by now */
    check_ids(&items, (const uint64_t[]){ plain_one, 0 });
    store_items_done(&items);
}

static void test_claimed_in_windows(void **state)
{
    struct store *store = *state;
    struct store_claim narrow = { .account = "live", .until = 9000, .messages = 10, .recipients = 1000, .bytes = 50 };
    struct store_items items = { 0 };
    uint64_t a = post(store, &plain, 1000), b = post(store, &plain, 1001), c = post(store, &plain, 1002), /* of 25 bytes each */
             d = POST(store, 1003, .recipients = 5);

    claim(store, 2000, 1, &items);
    check_ids(&items, (const uint64_t[]){ a, 0 });
    assert_int_equal(items.next_due, 1001);
    store_items_done(&items);
    DO(store, store_claim(store, &narrow, 2000, &items, &err));
    check_ids(&items, (const uint64_t[]){ b, c, 0 });
    store_items_done(&items);

    narrow.recipients = 3;
    narrow.bytes = 1; /* one comes, however large */
    DO(store, store_claim(store, &narrow, 2000, &items, &err));
    check_ids(&items, (const uint64_t[]){ d, 0 });
    assert_int_equal(items.at[0].envelope->count, 3);
    assert_true(items.at[0].partial);
    assert_true(items.at[0].total > items.at[0].envelope->count);
    assert_string_equal(items.at[0].envelope->recipients[0].address, "r0@example.org");
    const struct store_outcome outcomes[] = {
        { .number = 0, .state = STORE_DELIVERED }, { .number = 1, .state = STORE_DELIVERED },
        { .number = 2, .state = STORE_DEFERRED, .next = 8000 },
    };
    struct store_settlement settlement = { d, items.at[0].lease, "live", outcomes, 3, NULL, NULL };
    DO(store, store_settle(store, &settlement, 2000, &err));
    store_items_done(&items);

    DO(store, store_claim(store, &narrow, 2000, &items, &err));
    check_ids(&items, (const uint64_t[]){ d, 0 });
    assert_int_equal(items.at[0].envelope->count, 2);
    assert_string_equal(items.at[0].envelope->recipients[0].address, "r3@example.org");
    assert_int_equal(items.at[0].recipients[1].number, 4);
    assert_false(items.at[0].partial);
    assert_true(items.at[0].total > items.at[0].envelope->count);
    store_items_done(&items);
}

static void test_delivered(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct store_story story = { 0 };
    HELD(buf) out = BUF(100);
    uint64_t id = post(store, &plain, 1000);

    claim(store, 1000, 1, &items);
    assert_int_equal(state_of(store, id, -1), STORE_SENDING);
    assert_int_equal(next_of(store, id), 2000);
    DO(store, store_leaving(store, "live", &(struct store_lease){ .id = id, .lease = items.at[0].lease }, 1, 1100, &err));
    assert_int_equal(state_of(store, id, 0), STORE_LEAVING);
    const struct store_outcome taken = { .number = 0, .state = STORE_DELIVERED, .reply = 250,
                                         .enhanced = { 2, 6, 0 }, .text = "queued as 7" };
    struct store_settlement settlement = { id, items.at[0].lease, "live", &taken, 1, NULL, NULL };
    DO(store, store_settle(store, &settlement, 1200, &err));

    DO(store, store_show(store, id, 0, 10, 2000, &story, &err));
    const struct store_row *row = &story.rows.at[0];
    assert_int_equal(row->state, STORE_DELIVERED);
    assert_int_equal(row->done, 1200);
    assert_int_equal(row->next, STORE_NEVER);
    assert_int_equal(row->recipients[0].at, 1200);
    assert_int_equal(row->recipients[0].reply, 250);
    assert_int_equal(row->recipients[0].enhanced[1], 6);
    assert_int_equal(row->recipients[0].tries, 1);
    assert_string_equal(row->recipients[0].text, "queued as 7");
    assert_string_equal(row->recipients[0].by, "live");
    assert_int_equal(story.event_count, 2);
    assert_int_equal(story.events[1].kind, STORE_EVENT_DELIVERED);
    assert_int_equal(story.events[1].at, 1200);
    assert_string_equal(story.events[1].text, "queued as 7");
    store_story_done(&story);

    REFUSED(store, "store:gone", store_body_read(store, id, 0, &out, &err));
    REFUSED(store, "store:lease-lost", store_settle(store, &settlement, 1300, &err));
    store_items_done(&items);
    claim(store, 100000, 1, &items);
    assert_int_equal(items.count, 0);
    store_items_done(&items);
}

static void test_recipients_have_outcomes_of_their_own(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct store_story story = { 0 };
    uint64_t id = POST(store, 1000, .to = { "a@x.org", "b@x.org", "c@x.org", "d@x.org" });

    claim(store, 1000, 1, &items);
    const struct store_outcome outcomes[] = {
        { .number = 0, .state = STORE_DELIVERED, .reply = 250 },
        { .number = 1, .state = STORE_DEFERRED, .next = 5000, .reply = 450, .cause = "greylisted", .text = "later" },
        { .number = 2, .state = STORE_DEFERRED, .next = 5000, .reply = 450, .cause = "greylisted", .text = "later" },
    };
    struct store_settlement settlement = { id, items.at[0].lease, "live", outcomes, 3, NULL, NULL };
    DO(store, store_settle(store, &settlement, 1500, &err));
    assert_int_equal(state_of(store, id, -1), STORE_SENDING); /* d is still out */
    const struct store_outcome last = { .number = 3, .state = STORE_FAILED, .reply = 550, .cause = "recipient_rejected" };
    settlement.outcomes = &last;
    settlement.count = 1;
    DO(store, store_settle(store, &settlement, 1600, &err));

    DO(store, store_show(store, id, 0, 10, 2000, &story, &err));
    const struct store_row *row = &story.rows.at[0];
    assert_int_equal(row->state, STORE_DEFERRED);
    assert_int_equal(row->next, 5000);
    assert_int_equal(row->recipients[0].state, STORE_DELIVERED);
    assert_int_equal(row->recipients[1].next, 5000);
    assert_string_equal(row->recipients[2].cause, "greylisted");
    assert_int_equal(row->recipients[3].state, STORE_FAILED);
    assert_int_equal(story.event_count, 4); /* the two that were deferred share one */
    assert_int_equal(story.events[2].kind, STORE_EVENT_DEFERRED);
    assert_int_equal(story.events[2].first, 1);
    assert_int_equal(story.events[2].count, 2);
    store_story_done(&story);
    store_items_done(&items);

    claim(store, 5000, 1, &items);
    assert_int_equal(items.count, 1);
    assert_int_equal(items.at[0].envelope->count, 2);
    assert_int_equal(items.at[0].recipients[0].number, 1);
    assert_int_equal(items.at[0].recipients[0].tries, 1);
    assert_int_equal(items.at[0].recipients[0].was, STORE_DEFERRED);
    store_items_done(&items);
}

static void test_settled_all_or_not_at_all(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t id = POST(store, 1000, .to = { "a@x.org", "b@x.org" });

    claim(store, 1000, 1, &items);
    const struct store_outcome outcomes[] = {
        { .number = 0, .state = STORE_DELIVERED }, { .number = 2, .state = STORE_DELIVERED }, /* there is none */
    };
    struct store_settlement settlement = { id, items.at[0].lease, "live", outcomes, 2, NULL, NULL };
    REFUSED(store, "store:lease-lost", store_settle(store, &settlement, 1000, &err));
    assert_int_equal(state_of(store, id, 0), STORE_SENDING);
    store_items_done(&items);
}

static void test_given_back_is_no_try(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t id = post(store, &plain, 1000);

    claim(store, 1000, 1, &items);
    settle(store, &items.at[0], STORE_QUEUED, 1500, 1200);
    store_items_done(&items);
    assert_int_equal(state_of(store, id, 0), STORE_QUEUED);
    assert_int_equal(next_of(store, id), 1500);
    claim(store, 1500, 1, &items);
    assert_int_equal(items.count, 1);
    assert_int_equal(items.at[0].recipients[0].tries, 0);
    store_items_done(&items);
}

static void test_held_with_a_cause(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct store_story story = { 0 };
    uint64_t id = post(store, &plain, 1000);

    claim(store, 1000, 1, &items);
    const struct store_outcome back = { .number = 0, .state = STORE_QUEUED, .next = 1000 };
    struct store_settlement settlement = { id, items.at[0].lease, "live", &back, 1, "too_many_recipients",
                                           "by HTTPS it can't be split" };
    DO(store, store_settle(store, &settlement, 1500, &err));
    store_items_done(&items);
    claim(store, 9000, 1, &items);
    assert_int_equal(items.count, 0);
    store_items_done(&items);
    DO(store, store_show(store, id, 0, 10, 2000, &story, &err));
    assert_int_equal(story.rows.at[0].state, STORE_HELD);
    assert_int_equal(story.rows.at[0].next, STORE_NEVER);
    assert_string_equal(story.rows.at[0].held_because, "too_many_recipients");
    assert_string_equal(story.rows.at[0].held_text, "by HTTPS it can't be split");
    store_story_done(&story);
}

static struct store_changed change(struct store *store, enum store_verb verb, const struct store_filter *filter,
                                   bool dry_run, uint64_t now)
{
    struct store_changed changed = { 0 };
    struct store_cursor cursor = { 0 };

    while (!cursor.end)
        DO(store, store_change(store, verb, filter, &cursor, 2, dry_run, "uid:0", now, &changed, &err));
    return changed;
}
#define CHANGE(store, verb, now, ...) \
    change(store, STORE_VERB_##verb, &(struct store_filter){ __VA_ARGS__ }, false, now).matched

/* Leases --------------------------------------------------------------------------------------------------- */

static void sweep(struct store *store, uint64_t now, uint64_t unknown_next)
{
    bool more;

    DO(store, store_sweep(store, &(struct store_sweep){ .unknown_next = unknown_next, .most = 100 }, now, &more, &err));
    assert_false(more);
}

static void test_a_lease_runs_out(void **state)
{
    struct store *store = *state;
    struct store_items first = { 0 }, second = { 0 };
    uint64_t id = post(store, &plain, 1000);
    struct store_lease lease;

    claim(store, 1000, 1, &first);
    sweep(store, 1999, 0);
    assert_int_equal(state_of(store, id, 0), STORE_SENDING);
    lease = (struct store_lease){ .id = id, .lease = first.at[0].lease };
    DO(store, store_leaving(store, "live", &lease, 0, 2000, &err));
    DO(store, store_extend(store, &lease, 1, 5000, 2000, &err)); /* too late */
    assert_true(lease.gone);
    DO(store, store_leaving(store, "live", &lease, 1, 2000, &err));
    assert_true(lease.gone);
    sweep(store, 2000, 0);
    assert_int_equal(state_of(store, id, 0), STORE_QUEUED);

    claim(store, 2000, 1, &second);
    assert_int_equal(second.count, 1);
    assert_int_equal(second.at[0].lost, 1);
    assert_true(second.at[0].lease != first.at[0].lease);
    const struct store_outcome taken = { .number = 0, .state = STORE_DELIVERED };
    struct store_settlement settlement = { id, first.at[0].lease, "live", &taken, 1, NULL, NULL };
    REFUSED(store, "store:lease-lost", store_settle(store, &settlement, 2100, &err)); /* it woke up late */
    settlement.lease = second.at[0].lease;
    DO(store, store_settle(store, &settlement, 2100, &err));
    store_items_done(&first);
    store_items_done(&second);
}

static void test_a_lease_is_extended(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t id = post(store, &plain, 1000);

    claim(store, 1000, 1, &items);
    struct store_lease lease = { .id = id, .lease = items.at[0].lease };
    DO(store, store_extend(store, &lease, 1, 9000, 1500, &err));
    assert_false(lease.gone);
    sweep(store, 8999, 0);
    assert_int_equal(state_of(store, id, 0), STORE_SENDING);
    store_items_done(&items);
}

static void test_left_and_not_heard_of_is_unknown(void **state)
{
    static const struct {
        const char *label;
        uint64_t policy;
        size_t claimed;
    } cases[] = {
        { "retry", 7000, 1 },
        { "hold", STORE_NEVER, 0 },
    };
    struct store *store = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct store_items items = { 0 };
        uint64_t id = POST(store, 1000, .to = { "a@x.org", "b@x.org" });
        claim(store, 1000, 1, &items);
        const uint32_t one[] = { 1 };
        struct store_lease lease = { .id = id, .lease = items.at[0].lease, .recipients = one, .count = 1 };
        DO(store, store_leaving(store, "live", &lease, 1, 1500, &err));
        store_items_done(&items);
        sweep(store, 2000, cases[i].policy);
        check_row(cases[i].label, state_of(store, id, 0) == STORE_QUEUED);
        check_row(cases[i].label, state_of(store, id, 1) == STORE_UNKNOWN);
        check_row(cases[i].label, state_of(store, id, -1) == STORE_UNKNOWN);

        claim(store, 2000, 1, &items); /* the one that had not left */
        check_row(cases[i].label, items.count == 1 && items.at[0].envelope->count == 1);
        settle(store, &items.at[0], STORE_DELIVERED, 0, 2100);
        store_items_done(&items);
        claim(store, 7000, 1, &items);
        check_row(cases[i].label, items.count == cases[i].claimed);
        if (items.count) {
            check_row(cases[i].label, items.at[0].recipients[0].was == STORE_UNKNOWN);
            check_row(cases[i].label, items.at[0].recipients[0].tries == 1);
            settle(store, &items.at[0], STORE_DELIVERED, 0, 7100);
        }
        store_items_done(&items);
    }
}

static void test_claimed_as_leaving(void **state)
{
    struct store *store = *state;
    struct store_claim warm = { .account = "live", .until = 2000, .leaving = true, .messages = 1, .recipients = 9, .bytes = 99 };
    struct store_items items = { 0 };
    uint64_t id = post(store, &plain, 1000);

    DO(store, store_claim(store, &warm, 1000, &items, &err));
    assert_int_equal(state_of(store, id, 0), STORE_LEAVING);
    store_items_done(&items);
    sweep(store, 2000, 3000);
    assert_int_equal(state_of(store, id, 0), STORE_UNKNOWN);
}

static void test_the_truth_may_come_late(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 }, again = { 0 };
    uint64_t id = post(store, &plain, 1000), other = post(store, &plain, 1000);

    claim(store, 1000, 2, &items);
    struct store_lease leases[] = { { .id = id, .lease = items.at[0].lease }, { .id = other, .lease = items.at[1].lease } };
    DO(store, store_leaving(store, "live", leases, 2, 1500, &err));
    sweep(store, 2000, 3000);
    settle(store, &items.at[0], STORE_DELIVERED, 0, 2500);
    assert_int_equal(state_of(store, id, -1), STORE_DELIVERED);

    claim(store, 3000, 1, &again); /* now it is somebody else's: too late */
    assert_int_equal(again.at[0].id, other);
    const struct store_outcome taken = { .number = 0, .state = STORE_DELIVERED };
    struct store_settlement settlement = { other, items.at[1].lease, "live", &taken, 1, NULL, NULL };
    REFUSED(store, "store:lease-lost", store_settle(store, &settlement, 3100, &err));
    store_items_done(&items);
    store_items_done(&again);
}

static void test_what_kills_its_sender_is_held(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct store_story story = { 0 };
    uint64_t id = post(store, &plain, 1000), innocent = post(store, &plain, 1001), now = 5000;

    claim(store, 1001, 2, &items);
    assert_int_equal(items.count, 2);
    store_items_done(&items);
    sweep(store, now, 0);
    claim(store, now, 10, &items); /* what lost a lease comes alone */
    check_ids(&items, (const uint64_t[]){ id, 0 });
    store_items_done(&items);
    claim(store, now, 10, &items);
    check_ids(&items, (const uint64_t[]){ innocent, 0 });
    assert_int_equal(items.at[0].lost, 1);
    settle(store, &items.at[0], STORE_DEFERRED, now, now);
    store_items_done(&items);
    claim(store, now, 10, &items); /* who answered has killed nobody */
    check_ids(&items, (const uint64_t[]){ innocent, 0 });
    assert_int_equal(items.at[0].lost, 0);
    settle(store, &items.at[0], STORE_DELIVERED, 0, now);
    store_items_done(&items);

    for (unsigned lost = 2; lost < STORE_LOST_MAX; lost++) {
        sweep(store, now += 2000, 0);
        claim(store, now, 10, &items);
        check_ids(&items, (const uint64_t[]){ id, 0 });
        assert_int_equal(items.at[0].lost, lost);
        store_items_done(&items);
    }
    sweep(store, now += 2000, 0);
    DO(store, store_show(store, id, 0, 1, now, &story, &err));
    assert_int_equal(story.rows.at[0].state, STORE_HELD);
    assert_true(strlen(story.rows.at[0].held_text) > 0);
    store_story_done(&story);
    assert_int_equal(CHANGE(store, RELEASE, now, 0), 1);
    claim(store, now, 10, &items);
    assert_int_equal(items.at[0].lost, 0);
    store_items_done(&items);
}

static void test_a_new_life_holds_no_leases(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct store_body body = { 0 };
    uint64_t id = post(store, &plain, 1000);
    bool more;

    claim(store, 1000, 1, &items);
    store_items_done(&items);
    add_pieces(store, &body, (const char *const[]){ "x", NULL }, 1000);
    DO(store, store_sweep(store, &(struct store_sweep){ .reborn = true, .most = 100 }, 1001, &more, &err));
    assert_int_equal(state_of(store, id, 0), STORE_QUEUED);
    REFUSED(store, "store:gone", store_body_add(store, &body, SPAN("x"), 1001, &err));
}

static void test_what_left_by_one_account_stays_with_it(void **state)
{
    struct store *store = *state;
    struct store_claim claim = { .account = "route", .by = "live", .until = 2000, .messages = 9, .recipients = 9, .bytes = 999 };
    struct store_items items = { 0 };
    uint64_t stuck = POST(store, 1000, .account = "route"), loose = POST(store, 1001, .account = "route");

    DO(store, store_claim(store, &claim, 1001, &items, &err));
    assert_int_equal(items.count, 2);
    DO(store, store_leaving(store, "live", &(struct store_lease){ .id = stuck, .lease = items.at[0].lease }, 1, 1100, &err));
    settle(store, &items.at[0], STORE_UNKNOWN, 1200, 1200);
    settle(store, &items.at[1], STORE_QUEUED, 1200, 1200);
    store_items_done(&items);
    claim.by = "backup";
    claim.tied = true;
    DO(store, store_claim(store, &claim, 1200, &items, &err));
    assert_int_equal(items.count, 0);
    assert_int_equal(items.next_due, STORE_NEVER);
    store_items_done(&items);
    claim.tied = false;
    DO(store, store_claim(store, &claim, 1200, &items, &err));
    check_ids(&items, (const uint64_t[]){ loose, 0 });
    store_items_done(&items);
    claim.by = "live";
    claim.tied = true;
    DO(store, store_claim(store, &claim, 1100, &items, &err));
    assert_int_equal(items.next_due, 1200);
    store_items_done(&items);
    DO(store, store_claim(store, &claim, 1200, &items, &err));
    check_ids(&items, (const uint64_t[]){ stuck, 0 });
    store_items_done(&items);
}

/* Given back it is what it was: above all, what may have arrived already still may. */
static void test_given_back_is_what_it_was(void **state)
{
    static const enum store_state states[] = { STORE_QUEUED, STORE_DEFERRED, STORE_UNKNOWN };
    struct store *store = *state;

    for (size_t i = 0; i < COUNT(states); i++) {
        struct store_items items = { 0 };
        uint64_t id = post(store, &plain, 1000);
        claim(store, 1000, 1, &items);
        settle(store, &items.at[0], states[i], 2000, 1100);
        store_items_done(&items);
        for (int lost = 0; lost < 2; lost++) {
            claim(store, 2000 + (uint64_t)lost * 100, 1, &items);
            check_ids(&items, (const uint64_t[]){ id, 0 });
            if (lost)
                sweep(store, 9000, 9000);
            else
                settle(store, &items.at[0], STORE_QUEUED, 2100, 2050);
            store_items_done(&items);
            assert_int_equal(state_of(store, id, 0), states[i]);
        }
        assert_int_equal(CHANGE(store, REMOVE, 9000, 0), 1);
    }
}

static void defer_by(struct store *store, const char *via, enum store_state state, const char *tied_to, uint64_t now)
{
    struct store_items items = { 0 };

    claim(store, now, 1, &items);
    assert_int_equal(items.count, 1);
    assert_string_equal(items.at[0].tied_to, tied_to);
    struct store_lease lease = { .id = items.at[0].id, .lease = items.at[0].lease, .via = via };
    DO(store, store_leaving(store, "live", &lease, 1, now, &err));
    settle(store, &items.at[0], state, now + 10, now + 5);
    store_items_done(&items);
}

static void test_tied_to_the_way_it_may_have_gone(void **state)
{
    struct store *store = *state;
    struct store_story story = { 0 };
    uint64_t id = post(store, &plain, 1000);

    defer_by(store, "smtp", STORE_DEFERRED, "", 1000);
    defer_by(store, "graph", STORE_DEFERRED, "", 1010); /* it was said that it did not arrive: it is free */
    defer_by(store, "smtp", STORE_UNKNOWN, "", 1020);
    defer_by(store, "smtp", STORE_DEFERRED, "smtp", 1030);
    defer_by(store, "smtp", STORE_DEFERRED, "smtp", 1040); /* the doubt stays, whatever came later */
    DO(store, store_show(store, id, 0, 1, 1050, &story, &err));
    assert_true(story.rows.at[0].recipients[0].unsure);
    assert_int_equal(story.rows.at[0].recipients[0].state, STORE_DEFERRED);
    store_story_done(&story);
}

static void test_due_at_its_deadline(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t id = POST(store, 1000, .deadline = 4000);

    claim(store, 1000, 1, &items);
    settle(store, &items.at[0], STORE_DEFERRED, 9000, 1100);
    store_items_done(&items);
    assert_int_equal(next_of(store, id), 4000);
    claim(store, 3999, 1, &items);
    assert_int_equal(items.count, 0);
    store_items_done(&items);
    claim(store, 4000, 1, &items);
    assert_int_equal(items.count, 1);
    assert_int_equal(items.at[0].deadline, 4000);
    settle(store, &items.at[0], STORE_DEFERRED, 9000, 4100); /* it was told of, and goes on */
    store_items_done(&items);
    assert_int_equal(next_of(store, id), 9000);
}

/* Late ------------------------------------------------------------------------------------------------------ */

static const struct store_late old = { .give_up_ms = 5000, .delay_ms = 3000 };

/* What is late then, with a lease of 1000. */
static void claim_late(struct store *store, uint64_t now, size_t most, struct store_items *ret)
{
    const struct store_claim claim = { .account = "live", .until = now + 1000, .messages = most, .recipients = 100,
                                       .late = &old };

    DO(store, store_claim(store, &claim, now, ret, &err));
}

/* These are, given back as they were; then it is to be looked at again at `next`. */
static void check_late(struct store *store, uint64_t now, const uint64_t *ids, uint64_t next)
{
    struct store_items items = { 0 };

    claim_late(store, now, 10, &items);
    check_ids(&items, ids);
    for (size_t i = 0; i < items.count; i++)
        settle(store, &items.at[i], STORE_QUEUED, items.at[i].recipients[0].next, now);
    assert_int_equal(items.next_due, next);
    store_items_done(&items);
}

static const uint64_t none[] = { 0 };

static void test_late_by_its_age(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t first = POST(store, 1000, .text = "x"), later = POST(store, 1500, .not_before = 4000),
             second = POST(store, 2000, .priority = 9);
    POST(store, 100, .account = "other");

    claim(store, 2000, 1, &items); /* the second, put off for long: it gets late all the same */
    const struct store_outcome later_on = { .number = 0, .state = STORE_DEFERRED, .next = 99000, .text = "451 later" };
    struct store_settlement settlement = { second, items.at[0].lease, "live", &later_on, 1, NULL, NULL };
    DO(store, store_settle(store, &settlement, 2100, &err));
    store_items_done(&items);
    check_late(store, 5999, none, 6000);
    check_late(store, 6000, (const uint64_t[]){ first, 0 }, 7000);
    check_late(store, 8999, (const uint64_t[]){ first, second, 0 }, 9000);
    assert_int_equal(next_of(store, second), 99000);
    assert_int_equal(state_of(store, second, 0), STORE_DEFERRED);
    check_late(store, 9000, (const uint64_t[]){ first, second, later, 0 }, STORE_NEVER);

    claim_late(store, 9000, 2, &items);
    check_ids(&items, (const uint64_t[]){ first, second, 0 });
    assert_true(items.next_due <= 9000);
    assert_null(items.at[0].body.at);
    assert_int_equal(items.at[1].recipients[0].was, STORE_DEFERRED);
    assert_int_equal(items.at[1].recipients[0].tries, 1);
    assert_int_equal(items.at[1].recipients[0].next, 99000);
    assert_string_equal(items.at[1].recipients[0].text, "451 later");
    check_late(store, 9000, (const uint64_t[]){ later, 0 }, STORE_NEVER); /* the others are somebody's */
    settle(store, &items.at[0], STORE_FAILED, 0, 9100);
    settle(store, &items.at[1], STORE_FAILED, 0, 9100);
    store_items_done(&items);
    check_late(store, 99999, (const uint64_t[]){ later, 0 }, STORE_NEVER);
}

static void test_parked_it_does_not_get_late(void **state)
{
    struct store *store = *state;
    uint64_t before = post(store, &plain, 1000);

    DO(store, store_park(store, "live", "auth_bad_credentials", "no", 2000, &err));
    uint64_t during = post(store, &plain, 3000);
    check_late(store, 50000, none, STORE_NEVER);
    DO(store, store_unpark(store, "live", 12000, &err)); /* the first is 1000 old, the other has not begun */
    check_late(store, 15999, none, 16000);
    check_late(store, 16000, (const uint64_t[]){ before, 0 }, 17000);
    check_late(store, 17000, (const uint64_t[]){ before, during, 0 }, STORE_NEVER);
}

static void test_a_deadline_does_not_wait(void **state)
{
    struct store *store = *state;
    uint64_t returns = POST(store, 1000, .deadline = 4000), quiet = POST(store, 1000, .deadline = 4000, .deadline_tells = true,
                                                                        .notify = NOTIFY_NEVER);

    POST(store, 1000, .deadline = 4000, .deadline_tells = true, .silent = true);
    DO(store, store_park(store, "live", "auth_bad_credentials", "no", 2000, &err));
    check_late(store, 3999, none, 4000);
    check_late(store, 4000, (const uint64_t[]){ returns, 0 }, STORE_NEVER);
    assert_int_equal(state_of(store, quiet, 0), STORE_QUEUED);
}

/* It goes on as it was, and is told of once. */
static void check_told(struct store *store, const struct letter *letter, uint64_t at)
{
    struct store_items items = { 0 };
    struct store_rows rows = { 0 };
    uint64_t id = post(store, letter, 1000), next;

    claim(store, 1000, 1, &items);
    settle(store, &items.at[0], STORE_DEFERRED, 9000, 1100);
    store_items_done(&items);
    check_late(store, at - 1, none, at);
    claim_late(store, at, 10, &items);
    check_ids(&items, (const uint64_t[]){ id, 0 });
    const struct store_outcome told = { .number = 0, .state = STORE_QUEUED, .next = 9000, .reports = REPORT_DELAY };
    struct store_settlement settlement = { id, items.at[0].lease, "live", &told, 1, NULL, NULL };
    DO(store, store_settle(store, &settlement, at, &err));
    store_items_done(&items);
    check_late(store, 5900, none, 6000);
    assert_int_equal(state_of(store, id, 0), STORE_DEFERRED);
    DO(store, store_reports(store, at, 9999, 10, 10, &rows, &next, &err));
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.at[0].recipients[0].wanted, REPORT_DELAY);
    assert_int_equal(rows.at[0].recipients[0].tries, 1);
    store_rows_done(&rows);
    const uint32_t who[] = { 0 };
    DO(store, store_told(store, &(struct store_told){ id, REPORT_DELAY, who, 1, "x" }, 5000, &err));
    check_late(store, 5900, none, 6000);
    check_late(store, 6000, (const uint64_t[]){ id, 0 }, STORE_NEVER);
}

static void test_a_delay_is_told_of_once(void **state)
{
    check_told(*state, &(struct letter){ .notify = NOTIFY_DELAY }, 4000);
}

static void test_a_deadline_is_told_of_once(void **state)
{
    check_told(*state, &(struct letter){ .deadline = 3500, .deadline_tells = true }, 3500);
}

static void test_what_is_a_persons_is_not_late(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    const struct store_filter all = { 0 };
    struct store_cursor cursor = { 0 };
    struct store_changed changed = { 0 };
    uint64_t unknown = POST(store, 1000, .deadline = 3000), id;

    claim(store, 1000, 1, &items);
    DO(store, store_leaving(store, "live", &(struct store_lease){ .id = unknown, .lease = items.at[0].lease }, 1, 1100, &err));
    settle(store, &items.at[0], STORE_UNKNOWN, STORE_NEVER, 1200);
    store_items_done(&items);
    check_late(store, 9000, none, STORE_NEVER);
    assert_int_equal(next_of(store, unknown), STORE_NEVER);
    claim(store, 9000, 1, &items); /* nor is it due by its deadline */
    assert_int_equal(items.count, 0);
    store_items_done(&items);

    DO(store, store_change(store, STORE_VERB_RELEASE, &all, &cursor, 10, false, "root", 9000, &changed, &err));
    check_late(store, 9000, (const uint64_t[]){ unknown, 0 }, STORE_NEVER);
    claim(store, 9000, 1, &items);
    const struct store_outcome asks = { .number = 0, .state = STORE_UNKNOWN, .next = 9000, .reports = REPORT_FAILURE };
    struct store_settlement settlement = { unknown, items.at[0].lease, "live", &asks, 1, NULL, NULL };
    DO(store, store_settle(store, &settlement, 9000, &err));
    store_items_done(&items);
    check_late(store, 9000, none, STORE_NEVER); /* whoever was asked lets it go on */

    id = POST(store, 1300, .deadline = 3000, .notify = NOTIFY_DELAY);
    cursor = (struct store_cursor){ 0 };
    DO(store, store_change(store, STORE_VERB_HOLD, &all, &cursor, 10, false, "root", 1400, &changed, &err));
    check_late(store, 9000, none, STORE_NEVER);
    cursor = (struct store_cursor){ 0 };
    DO(store, store_change(store, STORE_VERB_RELEASE, &(struct store_filter){ .ids = &id, .id_count = 1 }, &cursor, 10, false,
                           "root", 9000, &changed, &err));
    check_late(store, 9000, (const uint64_t[]){ id, 0 }, STORE_NEVER);
}

/* Two recipients put off until the same time, a third until another; then what the first waited for is over. */
static void test_hastened(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t id = POST(store, 1000, .recipients = 4), over = post(store, &plain, 1000);
    const struct store_outcome outcomes[] = {
        { .number = 0, .state = STORE_DEFERRED, .next = 9000 }, { .number = 1, .state = STORE_DEFERRED, .next = 9000 },
        { .number = 2, .state = STORE_DEFERRED, .next = 8000 }, { .number = 3, .state = STORE_UNKNOWN, .next = 9000 },
    };
    struct store_wait waits[] = { { over, 9000 }, { 999, 9000 }, { id, 9000 } };

    claim(store, 1000, 2, &items);
    struct store_settlement settlement = { id, items.at[0].lease, "live", outcomes, 4, NULL, NULL };
    DO(store, store_settle(store, &settlement, 1100, &err));
    settle(store, &items.at[1], STORE_DELIVERED, 0, 1100);
    store_items_done(&items);
    DO(store, store_hasten(store, waits, 3, 9500, 2000, &err)); /* that is no haste */
    assert_int_equal(next_of(store, id), 8000);
    DO(store, store_hasten(store, waits, 3, 3000, 2000, &err));
    assert_int_equal(next_of(store, id), 3000);
    claim(store, 3000, 1, &items);
    assert_int_equal(items.at[0].envelope->count, 2);
    assert_int_equal(items.at[0].recipients[1].number, 1);
    assert_int_equal(items.at[0].recipients[1].tries, 1);
    DO(store, store_hasten(store, waits, 3, 3100, 3000, &err)); /* who is being sent is left alone */
    settle(store, &items.at[0], STORE_DELIVERED, 0, 3200);
    store_items_done(&items);
    assert_int_equal(state_of(store, id, 1), STORE_SENDING);
    assert_int_equal(state_of(store, over, 0), STORE_DELIVERED);
}

/* Telling -------------------------------------------------------------------------------------------------- */

static uint64_t fail_one(struct store *store, const struct letter *letter, uint64_t now)
{
    struct store_items items = { 0 };
    uint64_t id = post(store, letter, now);

    claim(store, now, 1, &items);
    assert_int_equal(items.at[0].id, id);
    const struct store_outcome failed = { .number = 0, .state = STORE_FAILED, .reply = 550,
                                          .cause = "recipient_rejected", .reports = REPORT_FAILURE };
    struct store_settlement settlement = { id, items.at[0].lease, "live", &failed, 1, NULL, NULL };
    DO(store, store_settle(store, &settlement, now, &err));
    store_items_done(&items);
    return id;
}

static size_t reports(struct store *store, uint64_t now, uint64_t *ret_next)
{
    struct store_rows rows = { 0 };

    DO(store, store_reports(store, now, now + 500, 10, 10, &rows, ret_next, &err));
    for (size_t i = 0; i < rows.count; i++) {
        assert_int_equal(rows.at[i].recipient_count, 1);
        assert_int_equal(rows.at[i].recipients[0].wanted, REPORT_FAILURE);
    }
    size_t count = rows.count;
    store_rows_done(&rows);
    return count;
}

static void test_a_failure_is_told_once(void **state)
{
    struct store *store = *state;
    HELD(buf) out = BUF(100);
    const uint32_t who[] = { 0 };
    uint64_t next, id = fail_one(store, &(struct letter){ .to = { "a@x.org" } }, 1000);

    assert_int_equal(state_of(store, id, -1), STORE_FAILED);
    DO(store, store_body_read(store, id, 0, &out, &err)); /* it stays until somebody knows */
    assert_int_equal(reports(store, 1000, &next), 1);
    assert_int_equal(next, 1500);
    assert_int_equal(reports(store, 1499, &next), 0);
    assert_int_equal(reports(store, 1500, &next), 1); /* whoever had it did nothing */

    struct store_told told = { id, REPORT_FAILURE, who, 1, NULL };
    uint64_t report = POST(store, 1600, .silent = true, .tells = &told, .to = { "me@live.com" });
    assert_int_equal(reports(store, 9999, &next), 0);
    assert_int_equal(next, STORE_NEVER);
    REFUSED(store, "store:gone", store_body_read(store, id, 0, &out, &err));

    OWN(envelope) envelope = letter_envelope(&(struct letter){ 0 });
    struct store_order twice = letter_order(&(struct letter){ .tells = &told }, envelope);
    struct store_accepted accepted;
    REFUSED(store, "store:told-already", store_accept(store, &twice, 1700, &accepted, &err));

    struct store_story story = { 0 };
    DO(store, store_show(store, id, 0, 1, 2000, &story, &err));
    assert_int_equal(story.rows.at[0].done, 1600);
    assert_int_equal(story.rows.at[0].recipients[0].told, REPORT_FAILURE);
    assert_int_equal(story.rows.at[0].recipients[0].wanted, 0);
    assert_int_equal(story.event_count, 3);
    assert_int_equal(story.events[1].kind, STORE_EVENT_FAILED);
    assert_int_equal(story.events[2].kind, STORE_EVENT_TOLD);
    store_story_done(&story);
    DO(store, store_show(store, report, 0, 1, 2000, &story, &err));
    assert_int_equal(story.rows.at[0].report_of, id);
    assert_true(story.rows.at[0].silent);
    store_story_done(&story);
}

static void test_told_by_another_way(void **state)
{
    struct store *store = *state;
    const uint32_t who[] = { 0 };
    uint64_t next, id = fail_one(store, &(struct letter){ .to = { "a@x.org" } }, 1000);
    struct store_told told = { id, REPORT_FAILURE, who, 1, "mailbox /var/mail/root" };

    assert_int_equal(reports(store, 1000, &next), 1);
    DO(store, store_told(store, &told, 1100, &err));
    DO(store, store_told(store, &told, 1200, &err)); /* again is no failure */
    assert_int_equal(reports(store, 9999, &next), 0);
    assert_int_equal(state_of(store, id, -1), STORE_FAILED);
    struct store_story story = { 0 };
    DO(store, store_show(store, id, 0, 1, 2000, &story, &err));
    assert_string_equal(story.events[story.event_count - 1].text, "mailbox /var/mail/root");
    store_story_done(&story);
}

/* Who did not fit is told of as soon as the others were; and where nobody was, when it is tried again. */
static void test_told_of_in_parts(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct store_rows rows = { 0 };
    const struct store_outcome failed[] = {
        { .number = 0, .state = STORE_FAILED, .reports = REPORT_FAILURE },
        { .number = 1, .state = STORE_FAILED, .reports = REPORT_FAILURE },
    };
    uint64_t next, id = POST(store, 1000, .recipients = 2);

    claim(store, 1000, 1, &items);
    struct store_settlement settlement = { id, items.at[0].lease, "live", failed, 2, NULL, NULL };
    DO(store, store_settle(store, &settlement, 1000, &err));
    store_items_done(&items);
    for (uint32_t who = 0; who < 2; who++) {
        DO(store, store_reports(store, 1100, 2000, 10, 1, &rows, &next, &err));
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.at[0].recipient_count, 1);
        assert_int_equal(rows.at[0].recipients[0].number, who);
        store_rows_done(&rows);
        DO(store, store_reports(store, 1100, 2000, 10, 1, &rows, &next, &err));
        assert_int_equal(rows.count, 0);
        store_rows_done(&rows);
        DO(store, store_told(store, &(struct store_told){ id, REPORT_FAILURE, &who, 1, "x" }, 1100, &err));
    }
    DO(store, store_reports(store, 9999, 9999, 10, 1, &rows, &next, &err));
    assert_int_equal(rows.count, 0);
    store_rows_done(&rows);
}

static void test_told_of_a_delay_while_it_goes_on(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct store_rows rows = { 0 };
    const uint32_t who[] = { 0 };
    uint64_t next, id = post(store, &plain, 1000);

    claim(store, 1000, 1, &items);
    const struct store_outcome later = { .number = 0, .state = STORE_DEFERRED, .next = 1200, .reports = REPORT_DELAY };
    struct store_settlement settlement = { id, items.at[0].lease, "live", &later, 1, NULL, NULL };
    DO(store, store_settle(store, &settlement, 1000, &err));
    store_items_done(&items);
    DO(store, store_reports(store, 1000, 2000, 10, 10, &rows, &next, &err));
    assert_int_equal(rows.count, 1);
    store_rows_done(&rows);
    claim(store, 1200, 1, &items); /* delivered before anybody could be told */
    assert_int_equal(items.count, 1);
    assert_int_equal(items.at[0].recipients[0].told, REPORT_DELAY);
    DO(store, store_told(store, &(struct store_told){ id, REPORT_DELAY, who, 1, "x" }, 1250, &err));
    settle(store, &items.at[0], STORE_DELIVERED, 0, 1300);
    store_items_done(&items);
    struct store_story story = { 0 };
    DO(store, store_show(store, id, 0, 1, 2000, &story, &err));
    assert_int_equal(story.rows.at[0].done, 1300);
    store_story_done(&story);
}

/* By hand -------------------------------------------------------------------------------------------------- */

static void test_held_released_retried_removed(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t a = post(store, &plain, 1000), b = post(store, &plain, 1001), c = POST(store, 1002, .not_before = 8000);

    assert_int_equal(change(store, STORE_VERB_HOLD, &(struct store_filter){ 0 }, true, 1100).matched, 3);
    assert_int_equal(state_of(store, a, -1), STORE_QUEUED);
    assert_int_equal(CHANGE(store, HOLD, 1100, .ids = &a, .id_count = 1), 1);
    assert_int_equal(CHANGE(store, HOLD, 1100, .ids = &a, .id_count = 1), 0); /* it is */
    assert_int_equal(state_of(store, a, -1), STORE_HELD);
    assert_int_equal(CHANGE(store, RETRY, 1100, .ids = &a, .id_count = 1), 0);
    claim(store, 1100, 10, &items);
    check_ids(&items, (const uint64_t[]){ b, 0 });
    settle(store, &items.at[0], STORE_DEFERRED, 5000, 1100);
    store_items_done(&items);

    assert_int_equal(CHANGE(store, RELEASE, 1200, .account = "live"), 1);
    assert_int_equal(CHANGE(store, RETRY, 1200, .account = "live"), 3);
    assert_int_equal(next_of(store, c), 8000); /* not before */
    claim(store, 1200, 10, &items);
    check_ids(&items, (const uint64_t[]){ a, b, 0 });
    assert_int_equal(change(store, STORE_VERB_REMOVE, &(struct store_filter){ 0 }, false, 1300).sending, 2);
    assert_int_equal(state_of(store, c, -1), STORE_REMOVED);
    assert_int_equal(state_of(store, a, -1), STORE_SENDING);
    struct store_lease lease = { .id = a, .lease = items.at[0].lease };
    DO(store, store_leaving(store, "live", &lease, 1, 1400, &err));
    assert_true(lease.gone); /* it was not too late */
    settle(store, &items.at[0], STORE_QUEUED, 1400, 1400);
    settle(store, &items.at[1], STORE_DELIVERED, 0, 1400); /* here it was */
    store_items_done(&items);
    assert_int_equal(state_of(store, a, -1), STORE_REMOVED);
    assert_int_equal(state_of(store, b, -1), STORE_DELIVERED);
    assert_int_equal(CHANGE(store, REMOVE, 1500, 0), 0);
}

static void test_held_while_it_is_sent(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t id = post(store, &plain, 1000);

    claim(store, 1000, 1, &items);
    assert_int_equal(CHANGE(store, HOLD, 1100, 0), 1);
    assert_int_equal(state_of(store, id, -1), STORE_SENDING);
    settle(store, &items.at[0], STORE_DEFERRED, 1200, 1200);
    store_items_done(&items);
    assert_int_equal(state_of(store, id, -1), STORE_HELD);
    claim(store, 9000, 1, &items);
    assert_int_equal(items.count, 0);
    store_items_done(&items);
}

static void test_unknown_is_released_or_retried_by_a_person(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };

    for (int i = 0; i < 2; i++) {
        uint64_t id = post(store, &plain, 1000);
        claim(store, 1000, 1, &items);
        settle(store, &items.at[0], STORE_UNKNOWN, STORE_NEVER, 1100);
        store_items_done(&items);
        assert_int_equal(next_of(store, id), STORE_NEVER);
        assert_int_equal(i ? CHANGE(store, RETRY, 2000, .states = STORE_IN(STORE_UNKNOWN))
                           : CHANGE(store, RELEASE, 2000, .states = STORE_IN(STORE_UNKNOWN)), 1);
        claim(store, 2000, 1, &items);
        check_ids(&items, (const uint64_t[]){ id, 0 });
        settle(store, &items.at[0], STORE_DELIVERED, 0, 2100);
        store_items_done(&items);
    }
}

static uint64_t list_all(struct store *store, const struct store_filter *filter, uint64_t *ids, size_t most)
{
    struct store_cursor cursor = { 0 };
    size_t count = 0;

    while (!cursor.end) {
        struct store_rows rows = { 0 };
        DO(store, store_list(store, filter, &cursor, 2, 1, 9000, &rows, &err));
        assert_true(rows.count <= 2 && count + rows.count <= most);
        for (size_t i = 0; i < rows.count; i++) {
            assert_true(rows.at[i].recipient_count <= 1);
            ids[count++] = rows.at[i].id;
        }
        store_rows_done(&rows);
    }
    return count;
}

static void test_listed_by_filter(void **state)
{
    struct store *store = *state;
    uint64_t ids[16];
    uint64_t a = POST(store, 1000, .to = { "ann@example.org", "bob@example.com" }),
             b = POST(store, 2000, .account = "other", .submitter = "uid:7", .sender = "x@y.org"),
             c = POST(store, 3000, .from = "Boss@live.com", .to = { "bob@example.com" }),
             d = fail_one(store, &(struct letter){ .to = { "gone@example.org" }, .priority = 9 }, 3500), next;
    const uint64_t wanted[] = { b, c };
    const uint32_t zero[] = { 0 };
    const struct {
        const char *label;
        struct store_filter filter;
        uint64_t ids[5];
    } cases[] = {
        { "all that is open", { 0 }, { a, b, c } },
        { "account", { .account = "other" }, { b } },
        { "account is exact", { .account = "oth*" }, { 0 } },
        { "submitter", { .submitter = "uid:7" }, { b } },
        { "ids", { .ids = wanted, .id_count = 2 }, { b, c } },
        { "sender", { .from = "*@y.org" }, { b } },
        { "From, whatever the case", { .from = "boss@*" }, { c } },
        { "any recipient", { .to = "bob@*" }, { a, c } },
        { "nobody", { .to = "nobody@*" }, { 0 } },
        { "older", { .created_before = 2000 }, { a } },
        { "state", { .states = STORE_IN(STORE_QUEUED) }, { a, b, c } },
        { "another state", { .states = STORE_IN(STORE_HELD) }, { 0 } },
        { "history", { .states = STORE_IN(STORE_FAILED) }, { d } },
        { "cause in history", { .states = STORE_IN(STORE_FAILED), .cause = "recipient_rejected" }, { d } },
        { "both", { .states = STORE_IN(STORE_QUEUED) | STORE_IN(STORE_FAILED) }, { a, b, c, d } },
        { "all at once", { .account = "live", .to = "ann*", .created_before = 5000, .from = "me@*" }, { a } },
    };

    assert_int_equal(reports(store, 3500, &next), 1);
    DO(store, store_told(store, &(struct store_told){ d, REPORT_FAILURE, zero, 1, "x" }, 3500, &err));
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t count = list_all(store, &cases[i].filter, ids, COUNT(ids)), want = 0;
        for (; cases[i].ids[want]; want++)
            check_row(cases[i].label, want < count && ids[want] == cases[i].ids[want]);
        check_row(cases[i].label, count == want);
    }
}

static void test_shown_in_parts(void **state)
{
    struct store *store = *state;
    struct store_story story = { 0 };
    uint64_t id = POST(store, 1000, .recipients = 25);

    DO(store, store_show(store, id, 10, 10, 2000, &story, &err));
    assert_int_equal(story.rows.at[0].recipient_count, 10);
    assert_int_equal(story.rows.at[0].recipient_total, 25);
    assert_string_equal(story.rows.at[0].recipients[0].address, "r10@example.org");
    assert_int_equal(story.rows.at[0].recipients[9].number, 19);
    store_story_done(&story);
    DO(store, store_show(store, id, 20, 10, 2000, &story, &err));
    assert_int_equal(story.rows.at[0].recipient_count, 5);
    store_story_done(&story);
    REFUSED(store, "store:gone", store_show(store, id + 1, 0, 1, 2000, &story, &err));
    store_story_done(&story);
}

static void test_a_long_story_is_cut(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct store_story story = { 0 };
    uint64_t id = post(store, &plain, 1000);

    for (uint64_t i = 0; i < 300; i++) {
        claim(store, 2000 + i, 1, &items);
        settle(store, &items.at[0], STORE_DEFERRED, 2000 + i, 2000 + i);
        store_items_done(&items);
    }
    DO(store, store_show(store, id, 0, 1, 5000, &story, &err));
    assert_true(story.event_count > 100 && story.event_count < 300);
    assert_int_equal(story.events[0].kind, STORE_EVENT_ACCEPTED);
    assert_int_equal(story.events[story.event_count - 1].at, 2299);
    assert_int_equal(story.rows.at[0].recipients[0].tries, 300);
    store_story_done(&story);
}

/* Accounts ------------------------------------------------------------------------------------------------- */

static struct store_account account_of(struct store *store, const char *name, uint64_t now)
{
    struct store_accounts accounts = { 0 };

    DO(store, store_accounts(store, name, now, &accounts, &err));
    struct store_account account = { 0 };
    if (accounts.count) {
        account = accounts.at[0];
        assert_string_equal(account.name, name);
    }
    store_accounts_done(&accounts);
    return account; /* its texts are gone */
}

static void test_counted_by_account_and_state(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct store_accounts all = { 0 };
    uint64_t a = post(store, &plain, 1000);
    post(store, &plain, 1001);
    post(store, &plain, 1002);
    POST(store, 1500, .account = "other", .not_before = 7000);

    claim(store, 1000, 1, &items);
    assert_int_equal(CHANGE(store, HOLD, 1100, .created_before = 1002), 2);
    struct store_account live = account_of(store, "live", 2000), other = account_of(store, "other", 2000);
    assert_int_equal(live.counts[STORE_SENDING], 1);
    assert_int_equal(live.counts[STORE_HELD], 1);
    assert_int_equal(live.counts[STORE_QUEUED], 1);
    assert_int_equal(live.oldest, 1000);
    assert_int_equal(live.next_due, 1002);
    assert_int_equal(other.counts[STORE_QUEUED], 1);
    assert_int_equal(other.next_due, 7000);
    settle(store, &items.at[0], STORE_DELIVERED, 0, 1200);
    store_items_done(&items);
    assert_int_equal(state_of(store, a, -1), STORE_DELIVERED);
    live = account_of(store, "live", 2000);
    assert_int_equal(live.counts[STORE_SENDING], 0);
    assert_int_equal(live.counts[STORE_DELIVERED], 0);
    assert_int_equal(live.oldest, 1001);
    DO(store, store_accounts(store, NULL, 2000, &all, &err));
    assert_int_equal(all.count, 2);
    assert_string_equal(all.at[0].name, "live");
    assert_string_equal(all.at[1].name, "other");
    store_accounts_done(&all);
    assert_int_equal(account_of(store, "nobody", 1).oldest, 0);
}

static uint64_t stood_of(struct store *store, uint64_t id, uint64_t now)
{
    struct store_story story = { 0 };

    DO(store, store_show(store, id, 0, 1, now, &story, &err));
    uint64_t stood = story.rows.at[0].stood;
    store_story_done(&story);
    return stood;
}

static void test_parked_time_does_not_age(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    uint64_t before = post(store, &plain, 1000);

    DO(store, store_park(store, "live", "oauth_consent_required", "AADSTS65001", 2000, &err));
    uint64_t during = post(store, &plain, 3000);
    assert_int_equal(state_of(store, before, -1), STORE_PARKED);
    assert_int_equal(state_of(store, before, 0), STORE_QUEUED);
    assert_int_equal(next_of(store, before), STORE_NEVER);
    struct store_account live = account_of(store, "live", 4000);
    assert_int_equal(live.counts[STORE_PARKED], 2);
    assert_int_equal(live.parked_since, 2000);
    assert_int_equal(live.parked_for, 2000);
    assert_int_equal(stood_of(store, before, 4000), 2000);
    assert_int_equal(stood_of(store, during, 4000), 1000);

    DO(store, store_unpark(store, "live", 5000, &err));
    DO(store, store_unpark(store, "live", 6000, &err)); /* it is not */
    uint64_t after = post(store, &plain, 6000);
    DO(store, store_park(store, "live", "auth_bad_credentials", NULL, 7000, &err));
    assert_int_equal(stood_of(store, before, 8000), 4000);
    assert_int_equal(stood_of(store, during, 8000), 3000);
    assert_int_equal(stood_of(store, after, 8000), 1000);
    claim(store, 8000, 10, &items);
    assert_int_equal(items.count, 3);
    assert_int_equal(items.at[0].stood, 4000);
    store_items_done(&items);
}

static void test_one_notice_for_each_cause(void **state)
{
    struct store *store = *state;

    DO(store, store_park(store, "live", "auth_bad_credentials", "535", 2000, &err));
    assert_int_equal(account_of(store, "live", 3000).parked_told, 0);
    DO(store, store_park_told(store, "live", 2500, &err));
    DO(store, store_park(store, "live", "auth_bad_credentials", "535 again", 3000, &err));
    assert_int_equal(account_of(store, "live", 3000).parked_told, 2500);
    assert_int_equal(account_of(store, "live", 3000).parked_since, 2000);
    DO(store, store_park(store, "live", "account_locked", "locked", 3000, &err));
    assert_int_equal(account_of(store, "live", 3000).parked_told, 0);
    DO(store, store_unpark(store, "live", 4000, &err));
    DO(store, store_park_told(store, "live", 4000, &err)); /* nothing to be told of */
    DO(store, store_park_told(store, "nobody", 4000, &err));
    assert_int_equal(account_of(store, "live", 3000).parked_told, 0);
}

static void test_marks(void **state)
{
    struct store *store = *state;
    HELD(buf) out = BUF(100);

    DO(store, store_mark_get(store, "limit", "live", &out, &err));
    assert_int_equal(out.len, 0);
    DO(store, store_mark_put(store, "limit", "live", SPAN("a\0b"), &err));
    DO(store, store_mark_put(store, "limit", "other", SPAN("x"), &err));
    DO(store, store_mark_put(store, "limi", "tlive", SPAN("y"), &err));
    DO(store, store_mark_put(store, "limit", "live", SPAN("c\0d"), &err));
    DO(store, store_mark_get(store, "limit", "live", &out, &err));
    check_bytes("mark", buf_span(&out), SPAN("c\0d"));
    DO(store, store_mark_put(store, "limit", "live", SPAN_NONE, &err));
    DO(store, store_mark_get(store, "limit", "live", &out, &err));
    assert_int_equal(out.len, 3);
}

/* Upkeep, batches ------------------------------------------------------------------------------------------ */

static void test_history_is_forgotten(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct store_story story = { 0 };
    uint64_t ids[6], listed[8];
    bool more = true;

    for (size_t i = 0; i < COUNT(ids); i++)
        ids[i] = post(store, &plain, 1000 + i);
    claim(store, 2000, 10, &items);
    for (size_t i = 0; i < 5; i++)
        settle(store, &items.at[i], STORE_DELIVERED, 0, 3000 + i);
    store_items_done(&items);
    size_t rounds = 0;
    for (; more; rounds++)
        DO(store, store_sweep(store, &(struct store_sweep){ .history_before = 3004, .most = 2 }, 2500, &more, &err));
    assert_true(rounds > 1);
    assert_int_equal(list_all(store, &(struct store_filter){ .states = STORE_IN(STORE_DELIVERED) }, listed, 8), 1);
    assert_int_equal(listed[0], ids[4]);
    REFUSED(store, "store:gone", store_show(store, ids[0], 0, 1, 9000, &story, &err));
    store_story_done(&story);
    uint64_t id = post(store, &plain, 9000);
    assert_true(id > ids[5]); /* no number is given twice */
}

static void test_a_job_that_fails_spoils_no_other(void **state)
{
    struct store *store = *state;
    struct err made = { 0 };
    OWN(envelope) envelope = letter_envelope(&(struct letter){ .key = "k" });
    struct store_order order = letter_order(&(struct letter){ .key = "k" }, envelope);
    struct store_accepted first, second, third;
    struct store_body body = { 0 };

    assert_true(store_begin(store, &made));
    assert_true(store_job_begin(store, &made));
    assert_true(store_accept(store, &order, 1000, &first, &made));
    assert_true(store_body_add(store, &body, SPAN("x"), 1000, &made));
    assert_true(store_park(store, "new", "c", "t", 1000, &made));
    assert_true(store_job_end(store, false, &made));
    assert_true(store_job_begin(store, &made));
    assert_true(store_accept(store, &order, 1000, &second, &made));
    assert_false(second.repeated); /* the first never was */
    assert_true(store_job_end(store, true, &made));
    assert_true(store_job_begin(store, &made));
    assert_true(store_accept(store, &order, 1000, &third, &made));
    assert_true(third.repeated);
    assert_int_equal(third.id, second.id);
    assert_true(store_job_end(store, true, &made));
    assert_true(store_commit(store, &made));

    struct store_accounts all = { 0 };
    DO(store, store_accounts(store, NULL, 2000, &all, &err));
    assert_int_equal(all.count, 1);
    assert_int_equal(all.at[0].counts[STORE_QUEUED], 1);
    store_accounts_done(&all);
    REFUSED(store, "store:gone", store_body_add(store, &body, SPAN("x"), 1000, &err));
}

static void accept_bare(struct store *store, const char *account, bool keep, struct store_accepted *ret, bool *ret_ended)
{
    struct err made = { 0 };
    OWN(envelope) envelope = letter_envelope(&(struct letter){ .account = account });
    struct store_order order = letter_order(&(struct letter){ .account = account }, envelope);

    assert_true(store_job_begin_bare(store, &made));
    assert_true(store_accept(store, &order, 1000, ret, &made));
    *ret_ended = store_job_end(store, keep, &made);
}

/* It is kept, or gone, or took the batch along; and who only failed before he did anything spoils nothing. */
static void test_a_bare_job_is_kept_or_takes_the_batch_along(void **state)
{
    struct store *store = *state;
    struct err made = { 0 };
    struct store_accepted kept, half, gone;
    struct store_body body = { .id = 999999, .pieces = 3, .size = 30 };
    uint64_t ids[8];
    bool ended;

    assert_true(store_begin(store, &made));
    assert_true(store_job_begin_bare(store, &made));
    assert_false(store_body_add(store, &body, SPAN("x"), 1000, &made));
    assert_true(store_job_end(store, false, &made));
    accept_bare(store, "live", true, &kept, &ended);
    assert_true(ended);
    assert_true(store_commit(store, &made));
    assert_int_equal(account_of(store, "live", 2000).counts[STORE_QUEUED], 1);

    assert_true(store_begin(store, &made));
    accept_bare(store, "live", true, &gone, &ended);
    assert_true(ended);
    accept_bare(store, "new", false, &half, &ended);
    bool committed = store_commit(store, &made);
    assert_int_equal(committed, ended);
    assert_int_equal(account_of(store, "live", 2000).counts[STORE_QUEUED], 1 + committed);
    assert_int_equal(list_all(store, &(struct store_filter){ 0 }, ids, 8), 1 + committed);
    uint64_t id = post(store, &plain, 3000);
    assert_true(id != kept.id && state_of(store, kept.id, -1) == STORE_QUEUED && state_of(store, id, -1) == STORE_QUEUED);
}

static void test_a_batch_may_never_have_been(void **state)
{
    struct store *store = *state;
    struct err made = { 0 };
    struct store_items items = { 0 };
    struct store_claim all = { .account = "live", .until = 9000, .messages = 9, .recipients = 99, .bytes = 999 };
    uint64_t id = post(store, &plain, 1000);
    OWN(envelope) envelope = letter_envelope(&(struct letter){ .account = "new" });
    struct store_order order = letter_order(&(struct letter){ .account = "new" }, envelope);
    struct store_accepted accepted;

    assert_true(store_begin(store, &made));
    assert_true(store_job_begin(store, &made));
    assert_true(store_claim(store, &all, 1000, &items, &made));
    assert_int_equal(items.count, 1);
    assert_true(store_accept(store, &order, 1000, &accepted, &made));
    assert_true(store_job_end(store, true, &made));
    store_abort(store);
    assert_int_equal(state_of(store, id, -1), STORE_QUEUED);
    assert_int_equal(account_of(store, "live", 2000).counts[STORE_QUEUED], 1);
    assert_int_equal(account_of(store, "new", 2000).counts[STORE_QUEUED], 0);
    store_items_done(&items);
}

struct told_due {
    uint64_t changed;
    size_t count;
    char account[32];
    uint64_t at;
};

static void on_due(void *who, const char *account, uint64_t at)
{
    struct told_due *told = who;

    told->count++;
    told->at = at;
    memset(told->account, 0, sizeof told->account);
    memcpy(told->account, account, strnlen(account, sizeof told->account - 1));
}

static void on_changed(void *who, uint64_t id)
{
    ((struct told_due *)who)->changed = id;
}

static void test_told_of_what_is_due(void **state)
{
    struct store *store = *state;
    struct store_items items = { 0 };
    struct told_due told = { 0 };

    store_watch(store, &(struct store_watch){ on_due, on_changed, &told });
    POST(store, 1000, .account = "live", .not_before = 3000);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.account, "live");
    assert_int_equal(told.at, 3000);
    claim(store, 3000, 1, &items);
    assert_int_equal(told.count, 1);
    settle(store, &items.at[0], STORE_DEFERRED, 4000, 3100);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.at, 4000);
    assert_int_equal(told.changed, items.at[0].id);
    store_items_done(&items);
    assert_int_equal(CHANGE(store, RETRY, 3500, 0), 1);
    assert_int_equal(told.at, 3500);
    claim(store, 3500, 1, &items);
    told.count = 0;
    sweep(store, 9000, 9000);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.at, 9000);
    store_items_done(&items);
    store_watch(store, &(struct store_watch){ 0 });
}

static void test_checked(void **state)
{
    struct store *store = *state;
    struct store_checking checking = { 0 };

    for (uint64_t i = 0; i < 10; i++)
        post(store, &plain, 1000 + i);
    while (!checking.end)
        DO(store, store_check(store, &checking, 3, 2000, &err));
    assert_true(checking.seen >= 10);
    assert_int_equal(checking.damaged, 0);
    assert_string_equal(checking.text, "");
}

#define EACH(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(accepted_as_it_was_given),
        EACH(misuse_is_told),
        EACH(body_in_pieces),
        EACH(body_must_be_there_as_it_was_added),
        EACH(abandoned_bodies_are_swept),
        EACH(a_key_is_accepted_once),
        EACH(claimed_in_order),
        EACH(claimed_with_precedence),
        EACH(claimed_in_windows),
        EACH(delivered),
        EACH(recipients_have_outcomes_of_their_own),
        EACH(settled_all_or_not_at_all),
        EACH(given_back_is_no_try),
        EACH(held_with_a_cause),
        EACH(a_lease_runs_out),
        EACH(a_lease_is_extended),
        EACH(left_and_not_heard_of_is_unknown),
        EACH(claimed_as_leaving),
        EACH(the_truth_may_come_late),
        EACH(what_kills_its_sender_is_held),
        EACH(a_new_life_holds_no_leases),
        EACH(what_left_by_one_account_stays_with_it),
        EACH(given_back_is_what_it_was),
        EACH(tied_to_the_way_it_may_have_gone),
        EACH(due_at_its_deadline),
        EACH(hastened),
        EACH(late_by_its_age),
        EACH(parked_it_does_not_get_late),
        EACH(a_deadline_does_not_wait),
        EACH(a_delay_is_told_of_once),
        EACH(a_deadline_is_told_of_once),
        EACH(what_is_a_persons_is_not_late),
        EACH(a_failure_is_told_once),
        EACH(told_by_another_way),
        EACH(told_of_in_parts),
        EACH(told_of_a_delay_while_it_goes_on),
        EACH(held_released_retried_removed),
        EACH(held_while_it_is_sent),
        EACH(unknown_is_released_or_retried_by_a_person),
        EACH(listed_by_filter),
        EACH(shown_in_parts),
        EACH(a_long_story_is_cut),
        EACH(counted_by_account_and_state),
        EACH(parked_time_does_not_age),
        EACH(one_notice_for_each_cause),
        EACH(marks),
        EACH(history_is_forgotten),
        EACH(a_job_that_fails_spoils_no_other),
        EACH(a_bare_job_is_kept_or_takes_the_batch_along),
        EACH(a_batch_may_never_have_been),
        EACH(told_of_what_is_due),
        EACH(checked),
    };
    int failed = 0;

    for (size_t i = 0; i < keeper_count; i++) {
        keeper = &keepers[i];
        failed += cmocka_run_group_tests_name(keeper->name, tests, NULL, NULL);
    }
    return failed;
}
