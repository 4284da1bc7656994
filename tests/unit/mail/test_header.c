#include "support/check.h"

#include "mail/header.h"

static const char block[] =
    "Received: one\r\n\tmore\r\n"
    "Subject: hello\r\n"
    "no field\r\n"
    "received:two\r\n"
    "Bcc: x@y,\r\n z@y\r\n"
    "Last:";

static void test_fields(void **state)
{
    (void)state;
    struct scan scan = scan_of(span_of(block));
    struct header_field field;
    assert_true(header_next(&scan, &field));
    check_bytes("name", field.name, SPAN("Received"));
    check_bytes("value", field.value, SPAN(" one\r\n\tmore"));
    check_bytes("whole", field.whole, SPAN("Received: one\r\n\tmore\r\n"));
    assert_true(header_find(span_of(block), "SUBJECT", &field));
    check_bytes("subject", field.value, SPAN(" hello"));
    assert_int_equal(header_count(span_of(block), "Received"), 2);
    assert_true(header_has(span_of(block), "Last"));
    assert_false(header_has(span_of(block), "no field"));
}

static void test_copy(void **state)
{
    static const char *const list[] = { "Bcc", "rec*", NULL };
    (void)state;
    HELD(buf) out = BUF(1000);
    header_copy_but(&out, SPAN("Received: x\r\nBcc: a\r\n b\r\nTo: c\r\nBcc:\r\n"), list);
    assert_string_equal(buf_text(&out), "To: c\r\n");
}

static void test_long_lines_are_folded(void **state)
{
    static const char *const none[] = { NULL };
    (void)state;
    HELD(buf) in = BUF(8000), out = BUF(8000), back = BUF(8000);
    buf_add(&in, "To: ");
    for (int i = 0; i < 200; i++)
        buf_add(&in, "someone@example.org, ");
    buf_add(&in, "last@example.org\r\n");
    header_copy_but(&out, buf_span(&in), none);
    struct scan scan = scan_of(buf_span(&out));
    struct span line;
    while (scan_line(&scan, &line))
        assert_true(line.len <= HEADER_FOLD_AT);
    header_unfold(&back, buf_span(&out));
    check_bytes("unfolded", buf_span(&back), span_trim(buf_span(&in)));
}

static void test_checks(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_true(header_name_is_good(SPAN("X-Y!")));
    assert_false(header_name_is_good(SPAN("")));
    assert_false(header_name_is_good(SPAN("X Y")));
    assert_false(header_name_is_good(SPAN("X:")));
    assert_false(header_name_is_good(SPAN("X\xC3\xBC")));
    assert_true(header_check_text("the subject", SPAN("gr\xC3\xBC\xC3\x9F" "e\ttab"), &err));
    assert_false(header_check_text("the subject", SPAN("a\r\nBcc: b@c"), &err));
    assert_string_equal(err.text,
                        "the subject has a line break in it, at byte 2: it would begin another header line");
    assert_string_equal(err.fact, "message:header");
    assert_false(header_check_text("x", SPAN("a\nb"), NULL));
    assert_false(header_check_text("x", SPAN("a\rb"), NULL));
    assert_false(header_check_text("x", SPAN("a\0b"), NULL));
    assert_false(header_check_text("x", SPAN("a\xFF"), NULL));
}

static void test_folding(void **state)
{
    static const struct {
        const char *label, *value, *want;
    } cases[] = {
        { "short", "hello", "Subject: hello\r\n" },
        { "empty", "", "Subject: \r\n" },
        { "long",
          "a line of quite a few words that goes on until it has passed the mark, and then some more",
          "Subject: a line of quite a few words that goes on until it has passed the\r\n"
          " mark, and then some more\r\n" },
        { "one long word is left alone",
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "Subject: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" },
        { "blanks at the end start no line of their own",
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  ",
          "Subject: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  \r\n" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) out = BUF(500);
        header_fold(&out, "Subject", span_of(cases[i].value));
        check_bytes(cases[i].label, buf_span(&out), span_of(cases[i].want));
    }
    HELD(buf) out = BUF(500);
    header_fold_text(&out, "Subject", SPAN("gr\xC3\xBC\xC3\x9F" "e"));
    assert_string_equal(buf_text(&out), "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),  cmocka_unit_test(test_copy),
        cmocka_unit_test(test_long_lines_are_folded), cmocka_unit_test(test_checks),
        cmocka_unit_test(test_folding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
