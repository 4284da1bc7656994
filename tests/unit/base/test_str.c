#include "support/check.h"

#include "base/str.h"

static const struct {
    const char *label;
    struct span foreign, shown;
} shown[] = {
    { "plain",             SPAN_INIT("hello \\ \xc3\xa9"),   SPAN_INIT("hello \\ \xc3\xa9")     },
    { "escape sequence",   SPAN_INIT("\x1b[31mred"),         SPAN_INIT("\\x1b[31mred")          },
    { "line ends, NUL",    SPAN_INIT("a\r\n\0b"),            SPAN_INIT("a\\x0d\\x0a\\x00b")     },
    { "C1",                SPAN_INIT("\xc2\x9b" "31m"),      SPAN_INIT("\\u{009b}31m")          },
    { "right to left",     SPAN_INIT("\xe2\x80\xae" "x"),    SPAN_INIT("\\u{202e}x")            },
    { "not UTF-8",         SPAN_INIT("\xff\xc3"),            SPAN_INIT("\\xff\\xc3")            },
    { "overlong slash",    SPAN_INIT("\xc0\xaf"),            SPAN_INIT("\\xc0\\xaf")            },
    { "surrogate",         SPAN_INIT("\xed\xa0\x80"),        SPAN_INIT("\\xed\\xa0\\x80")       },
    { "delete",            SPAN_INIT("\x7f"),                SPAN_INIT("\\x7f")                 },
};

static void test_printable(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(shown); i++) {
        HELD(buf) out = BUF(1000);
        str_printable(&out, shown[i].foreign, 500);
        check_bytes(shown[i].label, buf_span(&out), shown[i].shown);
        check_row(shown[i].label,
                  str_is_safe(shown[i].foreign) == span_equal(shown[i].foreign, shown[i].shown));
    }
    HELD(buf) cut = BUF(1000);
    str_printable(&cut, SPAN("0123456789"), 4);
    assert_string_equal(buf_text(&cut), "0123...");
}

static const struct {
    const char *label;
    struct span text;
    bool good;
    uint64_t value;
} numbers[] = {
    { "plain",       SPAN_INIT("587"),                   true,  587        },
    { "zeros first", SPAN_INIT("0025"),                  true,  25         },
    { "the largest", SPAN_INIT("18446744073709551615"),  true,  UINT64_MAX },
    { "one more",    SPAN_INIT("18446744073709551616"),  false, 0          },
    { "many digits", SPAN_INIT("99999999999999999999"),  false, 0          },
    { "nothing",     SPAN_INIT(""),                      false, 0          },
    { "signed",      SPAN_INIT("-1"),                    false, 0          },
    { "plus",        SPAN_INIT("+1"),                    false, 0          },
    { "blank after", SPAN_INIT("1 "),                    false, 0          },
    { "hexadecimal", SPAN_INIT("0x10"),                  false, 0          },
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        uint64_t value = 7;
        check_row(numbers[i].label,
                  str_to_u64(numbers[i].text, 0, UINT64_MAX, &value) == numbers[i].good);
        check_row(numbers[i].label, value == (numbers[i].good ? numbers[i].value : 7));
    }
    uint16_t port = 1;
    assert_false(str_to_u16(SPAN("70000"), 1, 65535, &port));
    assert_false(str_to_u16(SPAN("0"), 1, 65535, &port));
    assert_int_equal(port, 1);
}

static void test_matches(void **state)
{
    (void)state;
    assert_true(str_matches(SPAN("hotmail.co.uk"), "hotmail.*"));
    assert_true(str_matches(SPAN("Me@Example.ORG"), "*@example.org"));
    assert_false(str_matches(SPAN("hotmail"), "hotmail.*"));
    assert_true(str_matches(SPAN("aXbXc"), "a*b*c"));
    assert_false(str_matches(SPAN("aXbX"), "a*b*c"));
    assert_true(str_matches(SPAN(""), "*"));
    assert_false(str_matches(SPAN("a"), ""));
    assert_true(str_matches(SPAN("aaaaaaaaaaab"), "*a*a*a*b"));
}

static void test_distance(void **state)
{
    (void)state;
    assert_int_equal(str_distance("server", "server", 3), 0);
    assert_int_equal(str_distance("sevrer", "server", 3), 1);
    assert_int_equal(str_distance("adress", "address", 3), 1);
    assert_int_equal(str_distance("abc", "xyz", 2), 3);
    assert_int_equal(str_distance("", "ab", 5), 2);
}

/* Wherever the odd one stands: many are looked at together. */
static void test_ascii(void **state)
{
    (void)state;
    assert_true(str_is_ascii(SPAN_NONE));
    for (size_t len = 1; len <= 20; len++)
        for (size_t at = 0; at <= len; at++) {
            char text[20] = "abcdefghijklmnopqrs\x7f";
            if (at < len)
                text[at] = '\x80';
            assert_true(str_is_ascii((struct span){ text, len }) == (at == len));
        }
}

static void test_secrets(void **state)
{
    (void)state;
    char bytes[] = "password";
    str_wipe(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], 0);
    assert_true(str_equal_secret(SPAN("abc"), SPAN("abc")));
    assert_false(str_equal_secret(SPAN("abc"), SPAN("abd")));
    assert_false(str_equal_secret(SPAN("abc"), SPAN("ab")));
    assert_false(str_equal_secret(SPAN(""), SPAN("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printable), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_matches),   cmocka_unit_test(test_distance),
        cmocka_unit_test(test_ascii),     cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
