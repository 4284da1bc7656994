#include "support/check.h"

#include "base/json.h"

static void test_nesting(void **state)
{
    (void)state;
    HELD(buf) out = BUF(1000);
    struct json json = json_to(&out);
    json_open(&json, NULL, '{');
    json_text(&json, "cause", "cert_expired");
    json_open(&json, "fix", '[');
    json_text(&json, NULL, "wait");
    json_number(&json, NULL, 18446744073709551615u);
    json_close(&json);
    json_open(&json, "empty", '{');
    json_close(&json);
    json_bool(&json, "ok", false);
    json_text(&json, "none", NULL);
    json_close(&json);
    json_close(&json); /* one too many does no harm */
    assert_string_equal(buf_text(&out), "{\"cause\":\"cert_expired\",\"fix\":[\"wait\","
                                        "18446744073709551615],\"empty\":{},\"ok\":false,"
                                        "\"none\":null}");
}

static void test_foreign_bytes(void **state)
{
    (void)state;
    HELD(buf) out = BUF(1000);
    struct json json = json_to(&out);
    json_span(&json, NULL, SPAN("a\"b\\c\x1b\r\n\0\xff \xc3\xa9"));
    assert_string_equal(buf_text(&out), "\"a\\\"b\\\\c\\u001b\\u000d\\n\\u0000\xef\xbf\xbd \xc3\xa9\"");
}

static void test_too_deep(void **state)
{
    (void)state;
    HELD(buf) out = BUF(1000);
    struct json json = json_to(&out);
    for (unsigned i = 0; i <= JSON_DEPTH; i++)
        json_open(&json, NULL, '[');
    assert_true(out.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_foreign_bytes),
        cmocka_unit_test(test_too_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
