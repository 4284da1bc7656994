#include "support/alloc_fails.h"
#include "support/check.h"

#include "base/buf.h"
#include "base/json_read.h"

#define SAMPLE                                                                                     \
    "{\"error\":\"invalid_grant\",\"error_codes\":[70008,50173],\"expires_in\":3599,"              \
    "\"ext\":\"3600\",\"real\":3.599e3,\"half\":0.5,\"minus\":-1,\"huge\":1e300,"                  \
    "\"ok\":true,\"off\":false,\"none\":null,\"in\":{\"name\":\"\\u00e9\\n\"},"              \
    "\"long\":\"0123456789012345678901234567890123456789\"}"

static void test_looking(void **state)
{
    (void)state;
    OWN(json_tree) tree = NULL;
    struct err err;
    uint64_t number = 7;
    bool flag = false;

    assert_true(json_read(SPAN(SAMPLE), 1000, &tree, &err));
    const struct json_value *root = json_root(tree);
    assert_int_equal(json_kind(root), JSON_KIND_OBJECT);
    assert_int_equal(json_count(root), 13);
    check_bytes("a text", json_text_at(root, "error"), SPAN("invalid_grant"));
    check_bytes("escapes are undone", json_text_at(json_member(root, "in"), "name"), SPAN("\xc3\xa9\n"));

    const struct json_value *codes = json_member(root, "error_codes");
    assert_int_equal(json_kind(codes), JSON_KIND_ARRAY);
    assert_int_equal(json_count(codes), 2);
    assert_true(json_as_number(json_element(codes, 1), &number) && number == 50173);
    assert_null(json_element(codes, 2));
    assert_null(json_element(root, 0));

    assert_true(json_number_at(root, "expires_in", &number) && number == 3599);
    assert_true(json_number_at(root, "real", &number) && number == 3599);
    assert_true(json_bool_at(root, "ok", &flag) && flag);
    assert_true(json_bool_at(root, "off", &flag) && !flag);
    assert_int_equal(json_kind(json_member(root, "none")), JSON_KIND_NULL);
}

static void test_what_it_is_not(void **state)
{
    (void)state;
    OWN(json_tree) tree = NULL;
    struct err err;
    uint64_t number = 7;
    bool flag = true;

    assert_true(json_read(SPAN(SAMPLE), 1000, &tree, &err));
    const struct json_value *root = json_root(tree);
    static const char *const no_number[] = { "ext", "half", "minus", "huge", "ok", "none", "in", "absent" };
    for (size_t i = 0; i < COUNT(no_number); i++)
        check_row(no_number[i], !json_number_at(root, no_number[i], &number) && number == 7);
    assert_false(json_bool_at(root, "none", &flag));
    assert_null(json_text_at(root, "ok").at);
    assert_null(json_text_at(root, "absent").at);
    assert_int_equal(json_kind(json_member(root, "absent")), JSON_KIND_NONE);
    /* A path over what is not there is nothing, too. */
    assert_null(json_text_at(json_member(json_member(root, "absent"), "x"), "y").at);
    assert_null(json_root(NULL));
    assert_int_equal(json_count(json_member(root, "error")), 0);
}

static const struct {
    const char *label;
    struct span text;
    enum err_kind kind;
} refused[] = {
    { "nothing",                 SPAN_INIT(""),                       ERR_PROTOCOL },
    { "a page",                  SPAN_INIT("<!DOCTYPE html>"),        ERR_PROTOCOL },
    { "a text alone",            SPAN_INIT("\"a\""),                  ERR_PROTOCOL },
    { "cut short",               SPAN_INIT("{\"a\":"),                ERR_PROTOCOL },
    { "something behind it",     SPAN_INIT("{} {}"),                  ERR_PROTOCOL },
    { "a NUL behind it",         SPAN_INIT("{}\0"),                   ERR_PROTOCOL },
    { "the same key twice",      SPAN_INIT("{\"a\":1,\"a\":2}"),      ERR_PROTOCOL },
    { "a NUL in a text",         SPAN_INIT("[\"\\u0000\"]"),          ERR_PROTOCOL },
    { "not UTF-8",               SPAN_INIT("[\"\xff\"]"),             ERR_PROTOCOL },
    { "half a surrogate",        SPAN_INIT("[\"\\ud800\"]"),          ERR_PROTOCOL },
    { "a comment",               SPAN_INIT("{/**/}"),                 ERR_PROTOCOL },
    { "a number beyond all",     SPAN_INIT("[99999999999999999999]"), ERR_PROTOCOL },
    { "too long",                SPAN_INIT("[\"0123456789012345678901234567890123456789\"]"), ERR_LIMIT },
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct json_tree *tree = NULL;
        struct err err = { 0 };
        check_row(refused[i].label, !json_read(refused[i].text, 40, &tree, &err));
        check_row(refused[i].label, err.kind == refused[i].kind && !tree);
    }
}

static void test_no_secret_in_the_error(void **state)
{
    (void)state;
    struct json_tree *tree = NULL;
    struct err err = { 0 };

    assert_false(json_read(SPAN("{\"access_token\":\"hunter2\" \"x\"}"), 100, &tree, &err));
    assert_null(strstr(err.text, "hunter2"));
    assert_non_null(strstr(err.text, "line 1"));
}

static bool reads_at_depth(unsigned depth)
{
    HELD(buf) text = BUF(1000);
    OWN(json_tree) tree = NULL;

    for (unsigned i = 0; i < depth; i++)
        buf_add(&text, "[");
    buf_add(&text, "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"");
    for (unsigned i = 0; i < depth; i++)
        buf_add(&text, "]");
    return json_read(buf_span(&text), 1000, &tree, NULL);
}

static void test_depth(void **state)
{
    (void)state;
    assert_true(reads_at_depth(JSON_READ_DEPTH));
    assert_false(reads_at_depth(JSON_READ_DEPTH + 1));
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        struct json_tree *tree = NULL;
        struct err err = { 0 };
        alloc_fail_at(n);
        bool ok = json_read(SPAN(SAMPLE), 1000, &tree, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(ok != failed);
        assert_true(ok || err.kind == ERR_MEMORY);
        json_tree_free(tree);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looking),
        cmocka_unit_test(test_what_it_is_not),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_secret_in_the_error),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
