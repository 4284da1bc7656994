#include "support/check.h"

#include <pthread.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/wake.h"

struct heard {
    struct wake *wake;
    unsigned rings;
};

static void rang(void *who)
{
    struct heard *heard = who;

    heard->rings++;
    wake_let_go(heard->wake);
}

static void *ring(void *who)
{
    struct heard *heard = who;

    for (int i = 0; i < 100; i++)
        wake_ring(heard->wake);
    return NULL;
}

static void test_rung_from_another_thread(void **state)
{
    (void)state;
    OWN(loop) loop = NULL;
    struct heard heard = { 0 };
    struct err err = { 0 };
    pthread_t thread;

    assert_true(loop_new(&loop, &err));
    assert_true(wake_new(loop, rang, &heard, &heard.wake, &err));
    loop_run(loop); /* nobody waits for it: it ends */
    wake_hold(heard.wake);
    assert_int_equal(pthread_create(&thread, NULL, ring, &heard), 0);
    pthread_join(thread, NULL);
    loop_run(loop); /* until it was heard: the rings come as one */
    assert_int_equal(heard.rings, 1);
    wake_free(heard.wake);
}

static void test_freed_with_a_ring_under_way(void **state)
{
    (void)state;
    OWN(loop) loop = NULL;
    struct heard heard = { 0 };
    struct err err = { 0 };

    assert_true(loop_new(&loop, &err));
    assert_true(wake_new(loop, rang, &heard, &heard.wake, &err));
    wake_ring(heard.wake);
    wake_free(heard.wake);
    loop_run(loop);
    assert_int_equal(heard.rings, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rung_from_another_thread),
        cmocka_unit_test(test_freed_with_a_ring_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
