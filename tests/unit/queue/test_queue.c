#include "support/check.h"

#include <pthread.h>
#include <stdatomic.h>

#include "net/loop.h"
#include "queue/queue.h"
#include "queue/store_int.h"
#include "support/alloc_fails.h"
#include "support/world.h"

/* A store whose commits and checks can be made to fail, and are counted; the rest is memory's. */
struct frail {
    struct store_type type;
    const struct store_type *real;
    atomic_uint commits, rests;
    atomic_bool fails;
};
static struct frail frail;

static bool frail_commit(struct store *store, struct err *err)
{
    frail.commits++;
    if (!frail.fails)
        return frail.real->commit(store, err);
    frail.real->abort(store);
    return err_found(err, ERR_IO, "disk:failed", "the disk is gone");
}

static bool frail_rest(struct store *store, struct err *err)
{
    frail.rests++;
    return frail.real->rest(store, err);
}

static struct store *frail_store(void)
{
    struct store *store = NULL;
    struct err err = { 0 };

    assert_true(store_memory_open(&store, &err));
    frail.real = store->type;
    frail.type = *store->type;
    frail.type.commit = frail_commit;
    frail.type.rest = frail_rest;
    frail.commits = frail.rests = 0;
    frail.fails = false;
    store->type = &frail.type;
    return store;
}

/* A job that accepts a message, and what became of it. */
struct accepting {
    struct envelope *envelope;
    const char *account;
    uint64_t not_before;
    struct store_accepted accepted;
    bool fails, early;
    pthread_t thread;
    unsigned commits; /* before it was answered */
    bool ok, done, dropped;
    const char *fact;
    struct loop *loop; /* to be stopped when it was answered */
    unsigned *left;
};

static bool run_accept(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct accepting *accepting = data;
    struct store_order order = { .account = accepting->account ? accepting->account : "live", .submitter = "me",
                                 .envelope = accepting->envelope, .not_before = accepting->not_before,
                                 .last = SPAN("hello\r\n") };

    accepting->thread = pthread_self();
    if (!store_accept(store, &order, now, &accepting->accepted, err))
        return false;
    return !accepting->fails || err_found(err, ERR_DATA, "test:no", "not this one");
}

static void accepted(void *data, const struct err *err)
{
    struct accepting *accepting = data;

    assert_false(accepting->done || accepting->dropped);
    accepting->done = true;
    accepting->ok = err->kind == ERR_NONE;
    accepting->fact = err->fact;
    accepting->commits = frail.commits;
    if (accepting->left && --*accepting->left == 0 && accepting->loop)
        loop_stop(accepting->loop);
}

static void drop(void *data)
{
    struct accepting *accepting = data;

    assert_false(accepting->dropped);
    accepting->dropped = true;
    envelope_free(accepting->envelope);
}

static struct envelope *envelope(void)
{
    struct envelope *envelope = envelope_new();
    struct err err = { 0 };

    assert_true(envelope_add(envelope, SPAN("you@example.org"), &err));
    return envelope;
}

static void ask(struct queue_port *port, struct accepting *accepting, struct queue_ask **ret_ask)
{
    struct err err = { 0 };
    struct queue_job job = { run_accept, accepted, drop, accepting, .bytes = 10, .early = accepting->early };

    accepting->envelope = envelope();
    assert_true(queue_ask(port, &job, ret_ask, &err));
}

static struct queue *open_queue(struct world *world, bool in_line)
{
    struct queue_options options = { .clock = &world->clock, .in_line = in_line, .unknown_ms = 1000,
                                     .keep_history_ms = 86400000, .most_jobs = 100, .most_bytes = 1000 };
    struct store_opened opened = { 0 };
    struct queue *queue = NULL;
    struct err err = { 0 };

    assert_true(queue_open(frail_store(), &opened, &options, &queue, &err));
    return queue;
}

static void test_all_that_wait_share_a_commit(void **state)
{
    (void)state;
    struct world world;
    struct err err = { 0 };
    OWN(queue_port) port = NULL;
    struct accepting all[20] = { 0 };

    world_init(&world);
    struct queue *queue = open_queue(&world, true);
    assert_true(queue_port_new(queue, NULL, NULL, NULL, &port, &err));
    unsigned commits = frail.commits;
    all[7].fails = true;
    all[9].early = true;
    for (size_t i = 0; i < COUNT(all); i++)
        ask(port, &all[i], NULL);
    assert_true(queue_turn(queue));
    assert_int_equal(frail.commits, commits + 1);
    for (size_t i = 0; i < COUNT(all); i++) {
        assert_true(all[i].done && all[i].dropped);
        assert_int_equal(all[i].ok, i != 7); /* one that fails spoils no other */
        assert_true(i == 7 || all[i].accepted.id > 0);
    }
    assert_string_equal(all[7].fact, "test:no");
    assert_false(queue_turn(queue));
    queue_port_free(GIVE(port));
    queue_free(queue);
}

static void test_no_commit_no_promise(void **state)
{
    (void)state;
    struct world world;
    struct err err = { 0 };
    struct accepting one = { 0 }, two = { 0 };
    struct queue_port *port = NULL;

    world_init(&world);
    struct queue *queue = open_queue(&world, true);
    assert_true(queue_port_new(queue, NULL, NULL, NULL, &port, &err));
    frail.fails = true;
    ask(port, &one, NULL);
    queue_turn(queue);
    assert_false(one.ok);
    assert_string_equal(one.fact, "disk:failed");
    frail.fails = false;
    ask(port, &two, NULL);
    queue_turn(queue);
    assert_true(two.ok);
    queue_port_free(port);
    queue_free(queue);
}

static void test_abandoned(void **state)
{
    (void)state;
    struct world world;
    struct err err = { 0 };
    struct accepting one = { 0 }, left = { 0 };
    struct queue_port *port = NULL;
    struct queue_ask *asked;

    world_init(&world);
    struct queue *queue = open_queue(&world, true);
    assert_true(queue_port_new(queue, NULL, NULL, NULL, &port, &err));
    ask(port, &one, &asked);
    queue_abandon(asked);
    queue_turn(queue);
    assert_true(!one.done && one.dropped && one.accepted.id);
    ask(port, &left, NULL);
    queue_port_free(port); /* what was asked is done */
    assert_true(!left.done && left.dropped && left.accepted.id);
    queue_free(queue);
}

static void test_only_so_much_may_wait(void **state)
{
    (void)state;
    struct world world;
    struct err err = { 0 };
    struct accepting all[100] = { 0 }, more = { .envelope = NULL };
    struct queue_port *port = NULL;
    struct queue_job job = { run_accept, accepted, drop, &more, .bytes = 1 };

    world_init(&world);
    struct queue *queue = open_queue(&world, true);
    assert_true(queue_port_new(queue, NULL, NULL, NULL, &port, &err));
    for (size_t i = 0; i < COUNT(all); i++)
        ask(port, &all[i], NULL); /* jobs and bytes are at their limit both */
    assert_false(queue_ask(port, &job, NULL, &err));
    assert_string_equal(err.fact, "queue:full");
    queue_turn(queue);
    job.bytes = 2000; /* larger than all that may wait: alone it is taken */
    more.envelope = envelope();
    assert_true(queue_ask(port, &job, NULL, &err));
    queue_turn(queue);
    assert_true(more.ok);
    queue_port_free(port);
    queue_free(queue);
}

struct watcher {
    unsigned count, troubles;
    uint64_t at;
    char account[16];
    const char *fact;
    bool well;
};

static void saw_due(void *who, const char *account, uint64_t at)
{
    struct watcher *watcher = who;

    watcher->count++;
    watcher->at = at;
    memcpy(watcher->account, account, strlen(account) + 1);
}

static void saw_trouble(void *who, const struct err *err)
{
    struct watcher *watcher = who;

    watcher->troubles++;
    watcher->fact = err->fact;
    watcher->well = err->kind == ERR_NONE;
}

static const struct queue_events watching = { saw_due, saw_trouble };

static void test_watched(void **state)
{
    (void)state;
    struct world world;
    struct err err = { 0 };
    struct accepting three[3] = { { .not_before = UINT64_MAX / 2 }, { 0 }, { 0 } }, lost = { 0 };
    struct watcher watcher = { 0 };
    struct queue_port *asks = NULL, *watches = NULL;

    world_init(&world);
    struct queue *queue = open_queue(&world, true);
    assert_true(queue_port_new(queue, NULL, NULL, NULL, &asks, &err));
    assert_true(queue_port_new(queue, NULL, &watching, &watcher, &watches, &err));
    for (size_t i = 0; i < COUNT(three); i++)
        ask(asks, &three[i], NULL);
    queue_turn(queue);
    assert_int_equal(watcher.count, 1); /* once for many, with the earliest */
    assert_string_equal(watcher.account, "live");
    assert_int_equal(watcher.at, queue_now(queue));

    frail.fails = true;
    for (int i = 0; i < 2; i++) {
        struct accepting again = { 0 };
        ask(asks, &again, NULL);
        queue_turn(queue);
    }
    assert_int_equal(watcher.count, 1); /* what was not committed is not due */
    assert_int_equal(watcher.troubles, 1);
    assert_string_equal(watcher.fact, "disk:failed");
    frail.fails = false;
    ask(asks, &lost, NULL);
    queue_turn(queue);
    assert_int_equal(watcher.troubles, 2);
    assert_true(watcher.well);
    assert_int_equal(watcher.count, 2);
    queue_port_free(watches);
    queue_port_free(asks);
    queue_free(queue);
}

struct following {
    struct queue_follow *follow;
    unsigned told;
    uint64_t id;
    bool once;
};

static void became(void *who, uint64_t id)
{
    struct following *following = who;

    following->told++;
    following->id = id;
    if (following->once)
        queue_unfollow(GIVE(following->follow));
}

struct holding {
    uint64_t id;
    enum store_verb verb;
};

static bool run_change(void *data, struct store *store, uint64_t now, struct err *err)
{
    const struct holding *holding = data;
    struct store_filter filter = { .ids = &holding->id, .id_count = 1 };
    struct store_cursor cursor = { 0 };
    struct store_changed changed = { 0 };

    return store_change(store, holding->verb, &filter, &cursor, 10, false, "me", now, &changed, err);
}

static void change(struct queue *queue, struct queue_port *port, uint64_t id, enum store_verb verb)
{
    struct holding holding = { id, verb };
    struct err err = { 0 };

    assert_true(queue_ask(port, &(struct queue_job){ run_change, NULL, NULL, &holding, 0, false, false }, NULL, &err));
    queue_turn(queue);
}

static void test_followed(void **state)
{
    (void)state;
    struct world world;
    struct err err = { 0 };
    struct accepting two[2] = { { 0 }, { 0 } };
    struct following always = { 0 }, once = { .once = true };
    struct queue_port *port = NULL;

    world_init(&world);
    struct queue *queue = open_queue(&world, true);
    assert_true(queue_port_new(queue, NULL, NULL, NULL, &port, &err));
    ask(port, &two[0], NULL);
    ask(port, &two[1], NULL);
    queue_turn(queue);
    uint64_t id = two[0].accepted.id, other = two[1].accepted.id;
    assert_true(queue_follow(port, id, became, &always, &always.follow, &err));
    assert_true(queue_follow(port, id, became, &once, &once.follow, &err));
    change(queue, port, other, STORE_VERB_HOLD);
    assert_int_equal(always.told, 0);
    frail.fails = true;
    change(queue, port, id, STORE_VERB_HOLD); /* which never was */
    assert_int_equal(always.told, 0);
    frail.fails = false;
    change(queue, port, id, STORE_VERB_HOLD);
    assert_int_equal(always.told, 1);
    assert_int_equal(always.id, id);
    assert_int_equal(once.told, 1);
    change(queue, port, id, STORE_VERB_REMOVE);
    assert_int_equal(always.told, 2);
    assert_int_equal(once.told, 1);
    queue_unfollow(always.follow);
    queue_port_free(port);
    queue_free(queue);
}

struct claiming {
    struct store_items items;
    bool dropped;
};

static bool run_claim(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct claiming *claiming = data;
    struct store_claim claim = { .account = "live", .until = now + 60000, .leaving = true, .messages = 5, .recipients = 5, .bytes = 100 };

    return store_claim(store, &claim, now, &claiming->items, err);
}

static void drop_claim(void *data)
{
    struct claiming *claiming = data;

    store_items_done(&claiming->items);
}

static void claim(struct queue *queue, struct queue_port *port, size_t expected)
{
    struct claiming claiming = { 0 };
    struct err err = { 0 };

    assert_true(queue_ask(port, &(struct queue_job){ run_claim, NULL, NULL, &claiming, 0, false, false }, NULL, &err));
    queue_turn(queue);
    assert_int_equal(claiming.items.count, expected);
    drop_claim(&claiming);
}

static void test_swept_by_itself(void **state)
{
    (void)state;
    struct world world;
    struct err err = { 0 };
    struct accepting one = { 0 };
    struct watcher watcher = { 0 };
    struct queue_port *port = NULL;

    world_init(&world);
    struct queue *queue = open_queue(&world, true);
    assert_true(queue_port_new(queue, NULL, &watching, &watcher, &port, &err));
    ask(port, &one, NULL);
    queue_turn(queue);
    claim(queue, port, 1);
    watcher.count = 0;
    world.now += 59000;
    queue_turn(queue);
    assert_int_equal(watcher.count, 0);
    world.now += 11000;
    queue_turn(queue); /* the lease has run out: unknown, and due a second later */
    assert_int_equal(watcher.count, 1);
    assert_int_equal(watcher.at, queue_now(queue) + 1000);
    claim(queue, port, 0);
    world.now += 1000;
    claim(queue, port, 1);
    queue_port_free(port);
    queue_free(queue);
}

static void test_time_does_not_jump(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    struct queue *queue = open_queue(&world, true);
    uint64_t begun = queue_now(queue);
    assert_int_equal(begun, world.wall);
    world.wall += 50ull * 365 * 86400000; /* the clock is set right, or wrong */
    world.now += 1000;
    assert_int_equal(queue_now(queue), begun + 1000);
    assert_int_equal(queue_to_wall(queue, begun + 1000), world.wall);
    assert_int_equal(queue_from_wall(queue, world.wall), begun + 1000);
    assert_true(queue_to_wall(queue, STORE_NEVER) == STORE_NEVER);
    assert_int_equal(queue_from_wall(queue, 0), 0);
    queue_free(queue);
}

/* On a thread ------------------------------------------------------------------------------------------------ */

static void test_answers_on_the_loop(void **state)
{
    (void)state;
    OWN(loop) loop = NULL;
    struct world world;
    struct err err = { 0 };
    struct accepting all[80] = { 0 };
    struct watcher watcher = { 0 };
    struct queue_port *port = NULL;
    unsigned left = COUNT(all);

    world_init(&world);
    assert_true(loop_new(&loop, &err));
    struct queue *queue = open_queue(&world, false);
    assert_true(queue_port_new(queue, loop, &watching, &watcher, &port, &err));
    for (size_t i = 0; i < COUNT(all); i++) {
        all[i].left = &left;
        ask(port, &all[i], NULL);
    }
    loop_run(loop); /* until nobody waits for an answer any more */
    for (size_t i = 0; i < COUNT(all); i++) {
        assert_true(all[i].ok && all[i].dropped);
        assert_false(pthread_equal(all[i].thread, pthread_self()));
        assert_true(all[i].commits > 0);
        assert_true(i == 0 || all[i].accepted.id > all[i - 1].accepted.id); /* in the order they were asked */
    }
    assert_true(watcher.count > 0);
    queue_port_free(port);
    queue_free(queue);
}

static void test_left_in_the_middle(void **state)
{
    (void)state;
    OWN(loop) loop = NULL;
    struct world world;
    struct err err = { 0 };
    struct accepting all[50] = { 0 };
    struct queue_port *port = NULL;

    world_init(&world);
    assert_true(loop_new(&loop, &err));
    struct queue *queue = open_queue(&world, false);
    assert_true(queue_port_new(queue, loop, NULL, NULL, &port, &err));
    for (size_t i = 0; i < COUNT(all); i++)
        ask(port, &all[i], NULL);
    queue_port_free(port);
    for (size_t i = 0; i < COUNT(all); i++)
        assert_true(!all[i].done && all[i].dropped && all[i].accepted.id);
    queue_free(queue);
}

struct side {
    struct queue *queue;
    pthread_t thread;
    unsigned asked;
};

/* A loop of its own, which asks one after another. */
static void *run_side(void *of)
{
    struct side *side = of;
    struct loop *loop = NULL;
    struct err err = { 0 };
    struct queue_port *port = NULL;

    if (!loop_new(&loop, &err) || !queue_port_new(side->queue, loop, NULL, NULL, &port, &err))
        return NULL;
    for (; side->asked < 200; side->asked++) {
        struct accepting one = { 0 };
        ask(port, &one, NULL);
        loop_run(loop);
        if (!one.ok || !one.dropped)
            break;
    }
    queue_port_free(port);
    loop_free(loop);
    return NULL;
}

static void test_several_loops(void **state)
{
    (void)state;
    struct world world;
    struct side sides[4] = { 0 };

    world_init(&world);
    struct queue *queue = open_queue(&world, false);
    for (size_t i = 0; i < COUNT(sides); i++) {
        sides[i].queue = queue;
        assert_int_equal(pthread_create(&sides[i].thread, NULL, run_side, &sides[i]), 0);
    }
    for (size_t i = 0; i < COUNT(sides); i++) {
        pthread_join(sides[i].thread, NULL);
        assert_int_equal(sides[i].asked, 200);
    }
    queue_free(queue);
}

static void test_no_memory(void **state)
{
    (void)state;

    for (unsigned n = 1;; n++) {
        struct world world;
        struct err err = { 0 };
        struct queue_port *port = NULL;
        struct queue *queue = NULL;
        struct accepting one = { 0 };
        struct watcher watcher = { 0 };
        struct queue_options options = { .clock = &world.clock, .in_line = true };
        struct store_opened opened = { 0 };
        struct store *store = frail_store();
        struct queue_job job = { run_accept, accepted, drop, &one, 0, false, false };

        one.envelope = envelope();
        world_begin(&world, n);
        bool ok = queue_open(store, &opened, &options, &queue, &err) &&
                  queue_port_new(queue, NULL, &(struct queue_events){ NULL, saw_trouble }, &watcher, &port, &err);
        bool asked = ok && queue_ask(port, &job, NULL, &err);
        if (asked)
            queue_turn(queue);
        bool failed = world_end(&world);
        if (!asked)
            envelope_free(one.envelope);
        assert_true(asked ? one.dropped && one.done : err.kind != ERR_NONE);
        assert_true(failed || one.ok);
        queue_port_free(port);
        queue_free(queue);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_wait_share_a_commit),
        cmocka_unit_test(test_no_commit_no_promise),
        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_only_so_much_may_wait),
        cmocka_unit_test(test_watched),
        cmocka_unit_test(test_followed),
        cmocka_unit_test(test_swept_by_itself),
        cmocka_unit_test(test_time_does_not_jump),
        cmocka_unit_test(test_answers_on_the_loop),
        cmocka_unit_test(test_left_in_the_middle),
        cmocka_unit_test(test_several_loops),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
