#include "support/check.h"

#include "base/form.h"

static void test_adding(void **state)
{
    (void)state;
    OWN(secret) secret = secret_new(SPAN("a&b=c"));
    HELD(buf) form = BUF(200), url = BUF(200);

    form_add(&form, "grant_type", SPAN("refresh token"));
    form_add_text(&form, "absent", NULL);
    form_add_text(&form, "empty", "");
    form_add_secret(&form, "t", secret);
    form_add(&form, "n", SPAN("\0\xff-._~"));
    assert_string_equal(buf_text(&form), "grant_type=refresh%20token&empty=&t=a%26b%3Dc&n=%00%FF-._~");

    buf_add(&url, "https://a/b?");
    form_add_text(&url, "x", "1");
    form_add_text(&url, "y", "2");
    assert_string_equal(buf_text(&url), "https://a/b?x=1&y=2");
}

static const struct {
    const char *label;
    struct span form;
    enum form_found found;
    struct span value;
} cases[] = {
    { "alone",                 SPAN_INIT("code=abc"),           FORM_ONE,   SPAN_INIT("abc")       },
    { "among others",          SPAN_INIT("a=1&code=abc&b=2"),   FORM_ONE,   SPAN_INIT("abc")       },
    { "escapes and plus",      SPAN_INIT("code=a%2Fb+c%2b%C3%a9"), FORM_ONE, SPAN_INIT("a/b c+\xc3\xa9") },
    { "a zero",                SPAN_INIT("code=%00"),           FORM_ONE,   SPAN_INIT("\0")        },
    { "an equals sign in it",  SPAN_INIT("code=a=b="),          FORM_ONE,   SPAN_INIT("a=b=")      },
    { "empty",                 SPAN_INIT("code="),              FORM_ONE,   SPAN_INIT("")          },
    { "without a value",       SPAN_INIT("code"),               FORM_ONE,   SPAN_INIT("")          },
    { "not there",             SPAN_INIT("codex=1&xcode=2"),    FORM_NONE,  SPAN_INIT("")          },
    { "nothing at all",        SPAN_INIT(""),                   FORM_NONE,  SPAN_INIT("")          },
    { "twice",                 SPAN_INIT("code=1&code=1"),      FORM_TWICE, SPAN_INIT("")          },
    { "the case counts",       SPAN_INIT("Code=1"),             FORM_NONE,  SPAN_INIT("")          },
    { "half an escape",        SPAN_INIT("code=%4"),            FORM_BAD,   SPAN_INIT("")          },
    { "no hexadecimal",        SPAN_INIT("code=%4g"),           FORM_BAD,   SPAN_INIT("")          },
    { "too long",              SPAN_INIT("code=0123456789012345678901234567890"), FORM_BAD, SPAN_INIT("") },
};

static void test_looking(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) value = BUF(30);
        check_row(cases[i].label, form_value(cases[i].form, "code", &value) == cases[i].found);
        check_bytes(cases[i].label, buf_span(&value), cases[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adding),
        cmocka_unit_test(test_looking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
