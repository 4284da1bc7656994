#include "support/check.h"

#include <pthread.h>

#include "net/loop.h"
#include "net/work.h"

struct sum {
    int a, b, sum;
    pthread_t thread;
    bool done, dropped;
};

static void add(void *data)
{
    struct sum *sum = data;

    sum->sum = sum->a + sum->b;
    sum->thread = pthread_self();
}

static void added(void *data)
{
    struct sum *sum = data;

    assert_false(sum->dropped);
    sum->done = true;
}

static void drop(void *data)
{
    struct sum *sum = data;

    assert_false(sum->dropped);
    sum->dropped = true;
}

static void test_answers_on_the_loop(void **state)
{
    (void)state;
    OWN(loop) loop = NULL;
    struct err err = { 0 };
    struct sum sum = { .a = 2, .b = 3 };

    assert_true(loop_new(&loop, &err));
    assert_true(work_start(loop, &(struct work_plan){ add, added, drop, &sum }, NULL, &err));
    loop_run(loop);
    assert_int_equal(sum.sum, 5);
    assert_true(sum.done && sum.dropped);
    assert_false(pthread_equal(sum.thread, pthread_self()));
}

static void test_abandoned(void **state)
{
    (void)state;
    OWN(loop) loop = NULL;
    struct err err = { 0 };
    struct sum sums[16] = { 0 }; /* more than there are threads: some run, some never begin */

    assert_true(loop_new(&loop, &err));
    for (size_t i = 0; i < COUNT(sums); i++) {
        struct work *work;
        assert_true(work_start(loop, &(struct work_plan){ add, added, drop, &sums[i] }, &work, &err));
        work_abandon(work);
    }
    loop_run(loop);
    for (size_t i = 0; i < COUNT(sums); i++)
        assert_true(!sums[i].done && sums[i].dropped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_on_the_loop),
        cmocka_unit_test(test_abandoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
