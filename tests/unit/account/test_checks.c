#include "support/check.h"

#include "account/checks.h"
#include "account/password.h"
#include "net/loop.h"
#include "support/alloc_fails.h"
#include "support/world.h"

static char hash[PASSWORD_HASH_MAX + 1]; /* of "right" */

static int make_hash(void **state)
{
    (void)state;
    OWN(secret) password = secret_new(SPAN("right"));
    HELD(buf) text = BUF(PASSWORD_HASH_MAX);

    if (!password || !password_hash(password, &text, NULL))
        return -1;
    memcpy(hash, buf_text(&text), text.len + 1);
    return 0;
}

struct asker {
    unsigned told, rights;
    char order[16];
};

static void told(void *who, bool right)
{
    struct asker *asker = who;

    if (asker->told < sizeof asker->order - 1)
        asker->order[asker->told] = right ? 'r' : 'w';
    asker->told++;
    asker->rights += right;
}

struct bench {
    struct loop *loop;
    struct checks *checks;
};

static struct bench bench_new(void)
{
    struct bench bench;

    assert_true(loop_new(&bench.loop, NULL));
    assert_true(checks_new(bench.loop, &dice_system, &bench.checks, NULL));
    return bench;
}

static void bench_done(struct bench *bench)
{
    checks_free(bench->checks);
    loop_free(bench->loop);
}

static struct check *ask(struct bench *bench, const char *user, const char *of, const char *proof,
                         struct asker *asker)
{
    struct check *check = NULL;

    assert_true(checks_ask(bench->checks, span_of(user), of, span_of(proof), told, asker, &check, NULL));
    return check;
}

static void test_right_and_wrong(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct asker asker = { 0 };

    assert_non_null(ask(&bench, "me", hash, "right", &asker));
    loop_run(bench.loop);
    assert_non_null(ask(&bench, "me", hash, "wrong", &asker));
    loop_run(bench.loop);
    assert_non_null(ask(&bench, "nobody", NULL, "right", &asker));
    loop_run(bench.loop);
    assert_string_equal(asker.order, "rww");

    /* known now, and at once */
    assert_null(ask(&bench, "me", hash, "right", &asker));
    assert_null(ask(&bench, "me", hash, "wrong", &asker));
    assert_null(ask(&bench, "nobody", NULL, "right", &asker));
    assert_string_equal(asker.order, "rwwrww");
    bench_done(&bench);
}

static void test_two_at_a_time(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct asker asker = { 0 };
    static const char *const proofs[] = { "a", "right", "b", "c", "d" };
    struct check *last = NULL;

    for (size_t i = 0; i < COUNT(proofs); i++)
        last = ask(&bench, "me", hash, proofs[i], &asker);
    assert_int_equal(checks_waiting(bench.checks), COUNT(proofs) - CHECKS_AT_ONCE);
    check_abandon(last);
    loop_run(bench.loop);
    assert_int_equal(asker.told, 4);
    assert_int_equal(asker.rights, 1);
    assert_int_equal(checks_waiting(bench.checks), 0);
    bench_done(&bench);
}

static void test_too_many(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct asker asker = { 0 };
    struct check *open[CHECKS_AT_ONCE + CHECKS_WAIT_MAX], *more;
    struct err err = { 0 };

    for (size_t i = 0; i < COUNT(open); i++) {
        HELD(buf) proof = BUF(16);
        buf_addf(&proof, "%zu", i);
        open[i] = ask(&bench, "me", hash, buf_text(&proof), &asker);
    }
    assert_false(checks_ask(bench.checks, SPAN("me"), hash, SPAN("x"), told, &asker, &more, &err));
    assert_int_equal(err.kind, ERR_LATER);
    for (size_t i = 0; i < COUNT(open); i++)
        check_abandon(open[i]);
    bench_done(&bench); /* while two run */
    assert_int_equal(asker.told, 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct loop *loop;

    assert_true(loop_new(&loop, NULL));
    for (unsigned n = 1;; n++) {
        struct world world;
        struct asker asker = { 0 };
        struct checks *checks = NULL;
        struct check *check = NULL;
        struct err err = { 0 };

        world_begin(&world, n);
        bool asked = checks_new(loop, &world.dice, &checks, &err) &&
                     checks_ask(checks, SPAN("me"), hash, SPAN("right"), told, &asker, &check, &err);
        bool failed = world_end(&world);
        loop_run(loop);
        assert_true(asked || err.kind != ERR_NONE);
        assert_int_equal(asker.told, asked);
        assert_int_equal(asker.rights, asked);
        checks_free(checks);
        loop_run(loop);
        assert_int_equal(world_leaks(&world), 0);
        if (!failed)
            break;
    }
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_and_wrong),
        cmocka_unit_test(test_two_at_a_time),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, make_hash, NULL);
}
