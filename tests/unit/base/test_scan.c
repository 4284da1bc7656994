#include "support/check.h"

#include "base/scan.h"

static void test_takes_or_leaves(void **state)
{
    (void)state;
    struct scan scan = scan_of(SPAN("MAIL FROM:<a>  42x"));
    struct span bytes;
    uint64_t number;

    assert_true(scan_word(&scan, "mail from:"));
    assert_false(scan_char(&scan, '('));
    assert_true(scan_char(&scan, '<'));
    assert_false(scan_until(&scan, ')', &bytes));
    assert_true(scan_until(&scan, '>', &bytes));
    check_bytes("inside", bytes, SPAN("a"));
    scan_blanks(&scan);
    assert_false(scan_number(&scan, 0, 41, &number));
    assert_true(scan_number(&scan, 0, 42, &number));
    assert_int_equal(number, 42);
    assert_int_equal(scan_peek(&scan), 'x');
    assert_true(scan_text(&scan, "x"));
    assert_true(scan_end(&scan));
    assert_int_equal(scan_peek(&scan), 0);
}

static void test_lines(void **state)
{
    (void)state;
    static const char *const want[] = { "one", "", "two\rthree", "last" };
    struct scan scan = scan_of(SPAN("one\r\n\ntwo\rthree\r\nlast"));
    struct span line;

    for (size_t i = 0; i < COUNT(want); i++) {
        assert_true(scan_line(&scan, &line));
        check_bytes(want[i], line, span_of(want[i]));
    }
    assert_false(scan_line(&scan, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_or_leaves),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
