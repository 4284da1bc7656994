#include "support/check.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "support/alloc_fails.h"

static void test_all_or_nothing(void **state)
{
    (void)state;
    HELD(buf) buf = BUF(8);
    assert_string_equal(buf_text(&buf), "");
    buf_add(&buf, "12345678");
    assert_false(buf.full);
    buf_add(&buf, "9");
    assert_true(buf.full);
    assert_string_equal(buf_text(&buf), "12345678");
    buf_cut(&buf, 2);
    buf_add(&buf, "x"); /* full stays until it is cleared */
    assert_string_equal(buf_text(&buf), "12");
    buf_clear(&buf);
    buf_addf(&buf, "%d-%s", 42, "abc");
    assert_string_equal(buf_text(&buf), "42-abc");
}

static void test_front(void **state)
{
    (void)state;
    HELD(buf) buf = BUF(100);
    buf_add(&buf, "hello world");
    buf_drop_front(&buf, 6);
    assert_string_equal(buf_text(&buf), "world");
    buf_drop_front(&buf, 99);
    assert_int_equal(buf.len, 0);
    buf_drop_front(&buf, 1);
}

static void test_give(void **state)
{
    (void)state;
    struct buf buf = BUF(10);
    char *text = buf_give(&buf);
    assert_string_equal(text, "");
    mem_free(text);
    buf_add(&buf, "mine");
    text = buf_give(&buf);
    assert_string_equal(text, "mine");
    assert_null(buf.at);
    mem_free(text);
    buf_add(&buf, "longer than ten");
    assert_null(buf_give(&buf));
    buf_done(&buf);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        struct buf buf = BUF(1000);
        alloc_fail_at(n);
        for (int i = 0; i < 50; i++)
            buf_add(&buf, "0123456789");
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(buf.full, failed);
        buf_done(&buf);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_front),
        cmocka_unit_test(test_give),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
