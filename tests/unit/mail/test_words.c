#include "support/check.h"

#include "base/str.h"
#include "mail/words.h"

static void test_decode(void **state)
{
    static const struct {
        const char *label, *text, *want;
    } cases[] = {
        { "q", "=?utf-8?q?J=C3=BCrgen_x?=", "J\xC3\xBCrgen x" },
        { "b", "=?UTF-8?B?SsO8?=", "J\xC3\xBC" },
        { "latin 1", "a =?iso-8859-1?Q?=FC?= b", "a \xC3\xBC b" },
        { "a language", "=?us-ascii*en?q?x?=", "x" },
        { "blanks between two go", "=?utf-8?q?a?= \r\n =?utf-8?q?b?=", "ab" },
        { "blanks before plain stay", "=?utf-8?q?a?= b  c", "a b  c" },
        { "unknown charset", "=?koi8-r?q?a?=", "=?koi8-r?q?a?=" },
        { "a bad escape", "=?utf-8?q?=C?=", "=?utf-8?q?=C?=" },
        { "bytes that are not UTF-8", "=?utf-8?q?=FF?=", "=?utf-8?q?=FF?=" },
        { "bad base64", "=?utf-8?b?A?=", "=?utf-8?b?A?=" },
        { "cut short", "=?utf-8?q?abc", "=?utf-8?q?abc" },
        { "too short", "=?=", "=?=" },
        { "inside a word", "x=?utf-8?q?a?=", "x=?utf-8?q?a?=" },
        { "nothing", "", "" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) out = BUF(200);
        words_decode(&out, span_of(cases[i].text));
        check_bytes(cases[i].label, buf_span(&out), span_of(cases[i].want));
    }
}

static void test_there_and_back(void **state)
{
    static const char *const texts[] = {
        "J\xC3\xBCrgen", "\xE2\x82\xAC", "a?b=c_d  \xC3\xA4 ", "=?x?=",
        ("\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82, \xD0\xBC\xD0\xB8\xD1\x80 and a tail that is long "
         "enough for a second word \xF0\x9F\x93\xAC and a third, which has \"quotes\" and (brackets) in it"),
        "plain \xC3\xBC plain", "two \xC3\xBC words \xC3\xBC here",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        HELD(buf) all = BUF(2000), some = BUF(2000), back = BUF(2000);
        words_encode(&all, span_of(texts[i]));
        assert_true(str_is_ascii(buf_span(&all)));
        words_decode(&back, buf_span(&all));
        check_bytes("all", buf_span(&back), span_of(texts[i]));
        buf_clear(&back);
        words_encode_text(&some, span_of(texts[i]));
        words_decode(&back, buf_span(&some));
        check_bytes("some", buf_span(&back), span_of(texts[i]));

        struct span rest = buf_span(&all), word;
        while (span_split(&rest, ' ', &word))
            check_row(texts[i], word.len <= 75 && span_starts(word, "=?utf-8?"));
    }
}

static void test_what_is_encoded(void **state)
{
    (void)state;
    HELD(buf) out = BUF(500);
    words_encode_text(&out, SPAN("one \xC3\xBC two \xC3\xBC three"));
    assert_string_equal(buf_text(&out), "one =?utf-8?q?=C3=BC_two_=C3=BC?= three");
    buf_clear(&out);
    words_encode_text(&out, SPAN("as it is"));
    assert_string_equal(buf_text(&out), "as it is");
    buf_clear(&out);
    words_encode(&out, SPAN("a\xFFz"));
    assert_string_equal(buf_text(&out), "=?utf-8?q?a=EF=BF=BDz?=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_is_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
