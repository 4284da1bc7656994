#include "support/check.h"

#include <errno.h>

#include "base/err.h"

static void test_context_goes_in_front(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_false(err_set(&err, ERR_CONFIG, "port \"%d\" is above 65535", 70000));
    assert_false(err_in(&err, "line %d", 3));
    assert_false(err_in(&err, "in %s", "home.conf"));
    assert_string_equal(err.text, "in home.conf: line 3: port \"70000\" is above 65535");
    assert_int_equal(err_exit_status(err.kind), 78);
    err_sys(&err, ERR_IO, ENOSPC, "writing %s", "x");
    assert_string_equal(err.text, "writing x: No space left on device");
    assert_int_equal(err.sys, ENOSPC);
    err_found(&err, ERR_NETWORK, "connect:refused", "no");
    assert_string_equal(err.fact, "connect:refused");
    assert_int_equal(err.sys, 0);
}

static void test_nobody_wants_to_know(void **state)
{
    (void)state;
    assert_false(err_set(NULL, ERR_IO, "x"));
    assert_false(err_in(NULL, "x"));
    assert_false(err_said(NULL, SPAN("x")));
}

static void test_is_cut_never_grown(void **state)
{
    (void)state;
    struct err err = { 0 };
    char many[2000];
    memset(many, 'x', sizeof many);
    err_set(&err, ERR_IO, "%.*s", (int)sizeof many, many);
    err_in(&err, "%.*s", (int)sizeof many, many);
    err_said(&err, (struct span){ many, sizeof many });
    assert_true(strlen(err.text) < ERR_TEXT_MAX);
    assert_true(strlen(err.said) < ERR_TEXT_MAX);
}

static void test_their_words_are_made_safe(void **state)
{
    (void)state;
    struct err err = { 0 };
    err_said(&err, SPAN("no \x1b[2J\r\nway \xff"));
    assert_string_equal(err.said, "no ?[2J??way \xc3\xbf");
    err_said(&err, SPAN("Gr\xfc\xdf" "e, \x9b" "1m \xad \xc3\xbc"));
    assert_string_equal(err.said, "Gr\xc3\xbc\xc3\x9f" "e, ?1m ? \xc3\xbc");
}

static void test_our_words_are_made_safe(void **state)
{
    (void)state;
    struct err err = { 0 };
    char many[ERR_TEXT_MAX];

    err_set(&err, ERR_USAGE, "no \"%s\"", "a\x1b[2J\xc2\x9b");
    err_in(&err, "%s", "\xff\r\n\xc3\xbc");
    assert_string_equal(err.text, "???\xc3\xbc: no \"a?[2J??\"");
    /* A letter of two bytes, cut through the middle. */
    memset(many, 'x', sizeof many);
    many[ERR_TEXT_MAX - 2] = '\xc3';
    many[ERR_TEXT_MAX - 1] = '\xbc';
    err_set(&err, ERR_USAGE, "%.*s", (int)sizeof many, many);
    assert_int_equal(err.text[ERR_TEXT_MAX - 2], '?');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context_goes_in_front),
        cmocka_unit_test(test_nobody_wants_to_know),
        cmocka_unit_test(test_is_cut_never_grown),
        cmocka_unit_test(test_their_words_are_made_safe),
        cmocka_unit_test(test_our_words_are_made_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
