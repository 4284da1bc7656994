#include "support/check.h"

#include "base/str.h"
#include "mail/mime.h"

static void test_params(void **state)
{
    (void)state;
    struct scan scan = scan_of(SPAN(" (x (y)) text/plain (z); charset = utf-8;\r\n"
                                    " name=\"a \\\"b\\\";c\"; ; bad; empty=; last*=utf-8''%41"));
    HELD(buf) says = BUF(100);
    struct span name;
    check_bytes("type", mime_word(&scan), SPAN("text/plain"));
    assert_true(mime_param(&scan, &name, &says));
    check_bytes("name", name, SPAN("charset"));
    check_bytes("says", buf_span(&says), SPAN("utf-8"));
    assert_true(mime_param(&scan, &name, &says));
    check_bytes("quoted", buf_span(&says), SPAN("a \"b\";c"));
    assert_true(mime_param(&scan, &name, &says));
    check_bytes("empty", name, SPAN("empty"));
    assert_int_equal(says.len, 0);
    assert_true(mime_param(&scan, &name, &says));
    check_bytes("last", buf_span(&says), SPAN("utf-8''%41"));
    assert_false(mime_param(&scan, &name, &says));

    struct scan odd = scan_of(SPAN("(\\"));
    assert_int_equal(mime_word(&odd).len, 0);
    assert_true(scan_end(&odd));
}

static void test_to_ascii(void **state)
{
    static const struct {
        const char *label, *field, *want; /* NULL: refused */
    } cases[] = {
        { "ASCII stays", "Subject:  x \r\n y\r\n", "Subject:  x \r\n y\r\n" },
        { "text", "Subject: gr\xC3\xBC\xC3\x9F" "e dich\r\n", "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?= dich\r\n" },
        { "latin 1", "Subject: gr\xFC\xDF" "e\r\n", "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n" },
        { "a name", "From: \"J\xC3\xBC, X\" <a@b>, c@d\r\n", "From: =?utf-8?q?J=C3=BC=2C_X?= <a@b>, c@d\r\n" },
        { "a bare name stays bare", "To: \xC3\xBC <root>\r\n", "To: =?utf-8?q?=C3=BC?= <root>\r\n" },
        { "a domain", "To: a@\xC3\xBC.example\r\n", "To: a@xn--tda.example\r\n" },
        { "a local part", "To: \xC3\xBC@b\r\n", NULL },
        { "a bad list", "To: \xC3\xBC b c\r\n", NULL },
        { "a file name", "Content-Disposition: attachment; filename=\"\xC3\xBC x.pdf\"; size=1\r\n",
          "Content-Disposition: attachment; filename*=utf-8''%C3%BC%20x.pdf; size=\"1\"\r\n" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) out = BUF(1000);
        struct err err = { 0 };
        bool good = mime_header_to_ascii(&out, span_of(cases[i].field), &err);
        if (good != (cases[i].want != NULL))
            fail_msg("case \"%s\": %s", cases[i].label, err.text);
        if (good)
            check_bytes(cases[i].label, buf_span(&out), span_of(cases[i].want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_to_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
