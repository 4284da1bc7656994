#include "support/check.h"

#include "base/secret.h"
#include "support/alloc_fails.h"

#define TOKEN "EwBYA8l6BAAUkj1NuJYtTVha+Mogk+HEiPbQo04AAZHhP0dVJrQ0qRJ8Qm6ySA1M4Zt5OXlE2qUw=="

static void test_hidden(void **state)
{
    static const struct {
        const char *label, *secret, *text, *want;
    } rows[] = {
        { "nothing of it", "hunter2", "535 5.7.8 wrong", "535 5.7.8 wrong" },
        { "as it is", "hunter2", "no: hunter2!", "no: ***!" },
        { "within a word", "hunter2", "xhunter2y", "***" },
        { "twice", "hunter2", "hunter2hunter2 hunter2", "****** ***" },
        { "case counts", "hunter2", "HUNTER2", "HUNTER2" },
        { "nearly", "hunter2", "hunter1 hunte", "hunter1 hunte" },
        { "in base64", "hunter2", "LOGIN aHVudGVyMg== is", "LOGIN *** is" },
        { "without padding", "hunter2", "(aHVudGVyMg)", "(***)" },
        { "behind one byte", "hunter2", "AGh1bnRlcjI=", "***" },
        { "behind two bytes", "hunter2", "AABodW50ZXIy", "***" },
        { "PLAIN", "hunter2", "501 \"AUTH PLAIN AG1lAGh1bnRlcjI=\"", "501 \"AUTH PLAIN ***\"" },
        { "the web's base64", "~?~?~?", "fj9-P34_ fj9+P34/", "*** ***" },
        { "base64 behind what is none", "hunter2", "auth/AGh1bnRlcjI=", "***" },
        { "percent form", "a&b c/d", "pass=a%26b+c%2Fd&x a%26b%20c%2fd", "pass=***&x ***" },
        { "a percent sign alone", "hunter2", "100% %zz hunter2%", "100% %zz ***%" },
        { "base64 of other things", "hunter2", "aGVsbG8gd29ybGQ= hello", "aGVsbG8gd29ybGQ= hello" },
        { "not ASCII", "s\303\251cret w\303\266rd", "s\303\251cret w\303\266rd s%C3%A9cret%20w%C3%B6rd",
          "*** ***" },
        { "too short to look for", "abc", "abcdef abc", "abcdef abc" },
        { "short", "1234", "12345", "***5" },
        { "empty", "", "hello", "hello" },
        { "a token", TOKEN, "Bearer " TOKEN " expired", "Bearer *** expired" },
        { "its beginning", TOKEN, "token EwBYA8l6BAAUkj1NuJYt... expired", "token ***... expired" },
        { "cut at the end of the text", TOKEN, "token EwBYA8l6", "token ***" },
        { "too little to tell", TOKEN, "token EwBYA8l expired; EwB", "token EwBYA8l expired; EwB" },
        { "an ordinary word at its beginning", "password123", "wrong password", "wrong password" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        OWN(secret) secret = secret_new(span_of(rows[i].secret));
        HELD(buf) out = BUF(1000);

        secret_hide(&out, span_of(rows[i].text), secret);
        check_bytes(rows[i].label, buf_span(&out), span_of(rows[i].want));
    }
}

static void test_in_an_error(void **state)
{
    struct err err = { 0 };
    OWN(secret) secret = secret_new(SPAN("hunter2"));

    (void)state;
    err_found(&err, ERR_SIGNIN, "auth:x", "of the token: hunter2");
    err_said(&err, SPAN("hunter2 is wrong"));
    secret_hide_err(&err, secret);
    assert_string_equal(err.text, "of the token: ***");
    assert_string_equal(err.said, "*** is wrong");
    assert_string_equal(err.fact, "auth:x");

    /* Where stars take more room than the secret, what no longer fits is cut. */
    OWN(secret) small = secret_new(SPAN("aaaa"));
    memset(err.said, 'a', sizeof err.said - 1);
    secret_hide_err(&err, small);
    assert_true(strlen(err.said) < sizeof err.said && !strstr(err.said, "aaaa"));

    alloc_fail_at(1);
    err_said(&err, SPAN("hunter2"));
    secret_hide_err(&err, secret);
    alloc_fail_at(0);
    assert_null(strstr(err.said, "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_in_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
