#include "support/check.h"

#include "base/own.h"
#include "base/span.h"

static void test_cuts(void **state)
{
    (void)state;
    struct span s = SPAN("abcdef");
    check_bytes("middle", span_cut(s, 1, 3), SPAN("bc"));
    check_bytes("past the end", span_cut(s, 4, 99), SPAN("ef"));
    check_bytes("turned round", span_cut(s, 4, 2), SPAN(""));
    check_bytes("far out", span_from(s, 99), SPAN(""));
    check_bytes("of nothing", span_from(SPAN_NONE, 1), SPAN(""));
    check_bytes("trimmed", span_trim(SPAN(" \t a b\r\n")), SPAN("a b"));
    check_bytes("all blank", span_trim(SPAN(" \r\n ")), SPAN(""));
}

static void test_finds(void **state)
{
    (void)state;
    struct span s = SPAN("one Two one");
    assert_int_equal(span_find(s, 'T'), 4);
    assert_int_equal(span_find(s, 'x'), s.len);
    assert_int_equal(span_find_last(s, 'o'), 8);
    assert_int_equal(span_find_text(s, "one"), 0);
    assert_int_equal(span_find_text(s, "two"), s.len);
    assert_int_equal(span_find_word(s, "two"), 4);
    assert_int_equal(span_find_text(SPAN("ab"), "abc"), 2);
    assert_int_equal(span_find(SPAN_NONE, 'x'), 0);
    assert_true(span_starts_word(s, "ONE"));
    assert_false(span_starts(s, "ONE"));
    assert_true(span_ends_word(s, "ONE"));
    assert_false(span_ends_word(SPAN("ne"), "one"));
}

static void test_split(void **state)
{
    (void)state;
    struct span rest = SPAN("a,,b"), part;
    assert_true(span_split(&rest, ',', &part));
    check_bytes("first", part, SPAN("a"));
    assert_true(span_split(&rest, ',', &part));
    check_bytes("second", part, SPAN(""));
    assert_true(span_split(&rest, ',', &part));
    check_bytes("third", part, SPAN("b"));
    assert_false(span_split(&rest, ',', &part));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_finds),
        cmocka_unit_test(test_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
