#include "support/check.h"

#include "mail/status.h"

static void test_codes(void **state)
{
    static const struct {
        const char *label, *text;
        bool code;
        uint16_t status[3];
        size_t taken;
    } cases[] = {
        { "Microsoft's", "5.7.139 Authentication", true, { 5, 7, 139 }, 7 },
        { "alone", "2.0.0", true, { 2, 0, 0 }, 5 },
        { "the largest", "4.999.999\r", true, { 4, 999, 999 }, 9 },
        { "too large", "4.1000.1", false, { 0 }, 0 },
        { "class 3", "3.1.1", false, { 0 }, 0 },
        { "class 25", "25.1.1", false, { 0 }, 0 },
        { "two parts", "5.7 no", false, { 0 }, 0 },
        { "four parts", "5.7.1.2", false, { 0 }, 0 },
        { "a word behind", "5.7.1x", false, { 0 }, 0 },
        { "nothing", "", false, { 0 }, 0 },
        { "cut short", "5.7.", false, { 0 }, 0 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scan scan = scan_of(span_of(cases[i].text));
        uint16_t got[3] = { 0 };
        check_row(cases[i].label, status_scan(&scan, got) == cases[i].code);
        check_row(cases[i].label, memcmp(got, cases[i].status, sizeof got) == 0);
        check_row(cases[i].label, scan.at == cases[i].taken);
    }
}

static void test_whole(void **state)
{
    (void)state;
    HELD(buf) text = BUF(20);
    uint16_t got[3];
    assert_true(status_parse(SPAN("5.1.1"), got));
    assert_false(status_parse(SPAN("5.1.1 "), got));
    status_add(&text, got);
    assert_string_equal(buf_text(&text), "5.1.1");
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(status_class_words(4), "temporary failure");
    assert_string_equal(status_class_words(7), "an unknown outcome");
    assert_string_equal(status_subject_words(7), "security or policy");
    assert_string_equal(status_subject_words(900), status_subject_words(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
