#include "support/check.h"

#include "base/base64.h"

static const struct {
    const char *label;
    struct span bytes, text;
} pairs[] = {
    { "nothing",    SPAN_INIT(""),              SPAN_INIT("")         },
    { "one byte",   SPAN_INIT("f"),             SPAN_INIT("Zg==")     },
    { "two bytes",  SPAN_INIT("fo"),            SPAN_INIT("Zm8=")     },
    { "three",      SPAN_INIT("foo"),           SPAN_INIT("Zm9v")     },
    { "four",       SPAN_INIT("foob"),          SPAN_INIT("Zm9vYg==") },
    { "a zero",     SPAN_INIT("\0"),            SPAN_INIT("AA==")     },
    { "high bytes", SPAN_INIT("\xff\xfe\xfd"),  SPAN_INIT("//79")     },
};

static const struct {
    const char *label;
    struct span text;
} refused[] = {
    { "one letter",            SPAN_INIT("Z")        },
    { "4n+1",                  SPAN_INIT("Zm9vY")    },
    { "4n+3, no padding",      SPAN_INIT("Zm9vYmE")  },
    { "only padding",          SPAN_INIT("====")     },
    { "one padding alone",     SPAN_INIT("=")        },
    { "padding inside",        SPAN_INIT("Zg==Zg==") },
    { "three paddings",        SPAN_INIT("Z===")     },
    { "padding before letter", SPAN_INIT("Zg=g")     },
    { "spare bits set",        SPAN_INIT("Zh==")     },
    { "spare bits set, two",   SPAN_INIT("Zm9=")     },
    { "space",                 SPAN_INIT("Zm 9")     },
    { "line end",              SPAN_INIT("Zm9v\r\n") },
    { "the web's letters",     SPAN_INIT("__79")     },
    { "a zero byte",           SPAN_INIT("Zm9\0")    },
};

static void test_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        HELD(buf) text = BUF(100), bytes = BUF(100);
        base64_encode(&text, pairs[i].bytes);
        check_bytes(pairs[i].label, buf_span(&text), pairs[i].text);
        check_row(pairs[i].label, base64_decode(&bytes, pairs[i].text));
        check_bytes(pairs[i].label, buf_span(&bytes), pairs[i].bytes);
    }
}

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        HELD(buf) bytes = BUF(100);
        buf_add(&bytes, "before");
        check_row(refused[i].label, !base64_decode(&bytes, refused[i].text));
        check_bytes(refused[i].label, buf_span(&bytes), SPAN("before"));
    }
}

static const struct {
    const char *label;
    struct span bytes, text;
} of_urls[] = {
    { "nothing",    SPAN_INIT(""),             SPAN_INIT("")     },
    { "one byte",   SPAN_INIT("f"),            SPAN_INIT("Zg")   },
    { "two bytes",  SPAN_INIT("fo"),           SPAN_INIT("Zm8")  },
    { "three",      SPAN_INIT("foo"),          SPAN_INIT("Zm9v") },
    { "high bytes", SPAN_INIT("\xff\xfe\xfd"), SPAN_INIT("__79") },
    { "the other",  SPAN_INIT("\xfb\xef\xbe"), SPAN_INIT("----") },
};

static const struct {
    const char *label;
    struct span text;
} refused_in_urls[] = {
    { "padding",         SPAN_INIT("Zg==") },
    { "4n+1",            SPAN_INIT("Zm9vY") },
    { "plus",            SPAN_INIT("++++") },
    { "slash",           SPAN_INIT("//79") },
    { "spare bits set",  SPAN_INIT("Zh")   },
    { "a space",         SPAN_INIT("Zm 9") },
};

static void test_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(of_urls); i++) {
        HELD(buf) text = BUF(100), bytes = BUF(100);
        base64url_encode(&text, of_urls[i].bytes);
        check_bytes(of_urls[i].label, buf_span(&text), of_urls[i].text);
        check_row(of_urls[i].label, base64url_decode(&bytes, of_urls[i].text));
        check_bytes(of_urls[i].label, buf_span(&bytes), of_urls[i].bytes);
    }
    for (size_t i = 0; i < COUNT(refused_in_urls); i++) {
        HELD(buf) bytes = BUF(100);
        check_row(refused_in_urls[i].label, !base64url_decode(&bytes, refused_in_urls[i].text));
        check_row(refused_in_urls[i].label, bytes.len == 0);
    }
}

static void test_ceiling(void **state)
{
    (void)state;
    HELD(buf) exact = BUF(3), less = BUF(2);
    assert_true(base64_decode(&exact, SPAN("Zm9v")));
    assert_false(base64_decode(&less, SPAN("Zm9v")));
    assert_int_equal(less.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
