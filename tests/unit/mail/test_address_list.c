#include "support/check.h"

#include "base/alloc.h"
#include "mail/address.h"
#include "support/alloc_fails.h"

/* Lists as "name|address, ..." or what the error says. */
static const struct {
    const char *label, *text;
    const char *domain; /* for bare names */
    const char *gives, *says;
} lists[] = {
    { "one", "a@b", NULL, "|a@b;", NULL },
    { "names", "A B <a@b>, \"C, D\" <c@d>", NULL, "A B|a@b;C, D|c@d;", NULL },
    { "folded", "a@b,\r\n c@d", NULL, "|a@b;|c@d;", NULL },
    { "comments", "(x) a(y)@(z)b (v (w) \\) u)", NULL, "|a@b;", NULL },
    { "a name in a comment is none", "a@b (Joe)", NULL, "|a@b;", NULL },
    { "a dot in a name", "John Q. Public <j@p>", NULL, "John Q. Public|j@p;", NULL },
    { "empty members", ",a@b,, c@d,", NULL, "|a@b;|c@d;", NULL },
    { "nothing", " ", NULL, "", NULL },
    { "a folded name", "\"A\r\n B\" <a@b>", NULL, "A B|a@b;", NULL },
    { "a tab in quotes", "\"a\tb\"@c", NULL, NULL, "control character" },
    { "a tab in a bare name", "\"\t\"", "x", NULL, "control character" },
    { "a group", "Team: a@b, C <c@d>;, e@f", NULL, "|a@b;C|c@d;|e@f;", NULL },
    { "an empty group", "Undisclosed recipients:;", NULL, "", NULL },
    { "a route", "<@x,@y:a@b>", NULL, "|a@b;", NULL },
    { "blanks around dots", "a . b @ c . d", NULL, "|a.b@c.d;", NULL },
    { "a literal", "a@[127.0.0.1], c@d", NULL, "|a@[127.0.0.1];|c@d;", NULL },
    { "quotes in a name", "\"a \\\"b\\\" c\" <a@b>", NULL, "a \"b\" c|a@b;", NULL },
    { "a quoted name before the at", "\"a b\"@c", NULL, "|\"a b\"@c;", NULL },
    { "bare", "root, Me <me>", "h.x", "|root@h.x;Me|me@h.x;", NULL },
    { "international", "J\xC3\xBC <j@\xC3\xBC.example>", NULL, "J\xC3\xBC|j@xn--tda.example;", NULL },
    /* threats.md P3: nothing in these becomes a recipient. */
    { "an address as a name", "\"evil@x.com\" <a@b>", NULL, "evil@x.com|a@b;", NULL },
    { "an address as a comment", "a@b (, evil@x.com,)", NULL, "|a@b;", NULL },
    { "an encoded address", "=?utf-8?q?evil=40x=2Ecom=2C?= <a@b>", NULL,
      "=?utf-8?q?evil=40x=2Ecom=2C?=|a@b;", NULL },
    { "an encoded local part", "=?utf-8?q?evil=40x.com=3E?=@b", NULL, "|=?utf-8?q?evil=40x.com=3E?=@b;", NULL },
    { "a quoted at", "\"a@evil.com>\"@b", NULL, "|\"a@evil.com>\"@b;", NULL },
    { "an unquoted address as a name", "evil@x.com <a@b>", NULL, NULL,
      "address 1: at character 12: '<' may not stand here" },

    { "a bare one without a domain", "a@b, root", NULL, NULL, "address 2: at character 10: \"@\"" },
    { "the second is bad", "a@b, c@, e@f", NULL, NULL, "address 2: at character 8: a domain is missing" },
    { "no comma", "a@b c@d", NULL, NULL, "address 1: at character 5: a comma is missing" },
    { "a semicolon", "a@b; c@d", NULL, NULL, "address 1: at character 4: a semicolon" },
    { "two words, no brackets", "John Smith@x", NULL, NULL, "address 1: at character 6: a blank" },
    { "a name alone", "John Smith", "x", NULL, "address 1: at character 6: a blank" },
    { "quotes in the middle", "a.\"b\"@c", NULL, NULL, "at character 3: quotes" },
    { "empty brackets", "A <>", NULL, NULL, "at character 4: '>'" },
    { "open brackets", "A <a@b", NULL, NULL, "at character 7: \">\" is missing" },
    { "an open comment", "a@b (x", NULL, NULL, "at character 5: this comment is never closed" },
    { "an escape at the end", "a@b (x\\", NULL, NULL, "at character 5: this comment is never closed" },
    { "a group left open", "A: a@b", NULL, NULL, "a group ends with a semicolon" },
    { "a group in a group", "A: B: a@b;;", NULL, NULL, "address 1: at character 5: \"@\" and" },
    { "a header behind", "a@b\r\nBcc: c@d", NULL, NULL, "at character 4: a line break" },
    { "dots", "a..b@c", NULL, NULL, "at character 3: a dot" },
    { "a dot alone", ".", NULL, NULL, "address 1: at character 2: an address" },
};

static void test_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lists); i++) {
        HELD(address_list) list = { 0 };
        HELD(buf) got = BUF(1000);
        struct err err = { 0 };
        bool good = address_list_parse(span_of(lists[i].text), lists[i].domain, &list, &err);
        if (good != (lists[i].gives != NULL))
            fail_msg("case \"%s\": %s", lists[i].label, err.text);
        for (size_t k = 0; k < list.count; k++)
            buf_addf(&got, "%s|%s;", list.at[k].name, list.at[k].wire);
        check_bytes(lists[i].label, buf_span(&got), span_of(good ? lists[i].gives : ""));
        if (!good && !strstr(err.text, lists[i].says))
            fail_msg("case \"%s\": says \"%s\"", lists[i].label, err.text);
    }
}

static void test_nothing_is_taken(void **state)
{
    (void)state;
    HELD(address_list) list = { 0 };
    assert_true(address_list_parse(SPAN("a@b"), NULL, &list, NULL));
    assert_false(address_list_parse(SPAN("c@d, e@f, g"), NULL, &list, NULL));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.at[0].wire, "a@b");
}

static void test_where_bare_names_end(void **state)
{
    (void)state;
    HELD(address_list) list = { 0 };
    assert_true(address_list_parse(SPAN("a@b, Root <root>, me (x)"), "h", &list, NULL));
    assert_int_equal(list.count, 3);
    assert_false(list.at[0].qualified);
    assert_true(list.at[1].qualified && list.at[2].qualified);
    assert_int_equal(list.at[1].end, 15);
    assert_int_equal(list.at[2].end, 20);
}

/* threats.md P4: depth and length cost no stack and no square of time. */
static void test_deep(void **state)
{
    enum { DEEP = 200000 };
    (void)state;
    HELD(buf) text = BUF(4 * DEEP);
    HELD(address_list) list = { 0 };
    for (size_t i = 0; i < DEEP; i++)
        buf_add_char(&text, '(');
    assert_false(address_list_parse(buf_span(&text), NULL, &list, NULL));
    for (size_t i = 0; i < DEEP; i++)
        buf_add_char(&text, ')');
    buf_add(&text, "a@b");
    assert_true(address_list_parse(buf_span(&text), NULL, &list, NULL));
    assert_int_equal(list.count, 1);
    buf_clear(&text);
    for (size_t i = 0; i < ADDRESS_LIST_MAX + 1; i++)
        buf_add(&text, "a@b,");
    struct err err = { 0 };
    assert_false(address_list_parse(buf_span(&text), NULL, &list, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(list.count, 1);
}

static void test_names_written(void **state)
{
    static const struct {
        const char *label, *name, *written;
    } cases[] = {
        { "plain", "My Name", "My Name <a@b>" },
        { "none", "", "a@b" },
        { "a dot", "J. Doe", "\"J. Doe\" <a@b>" },
        { "a comma", "Doe, J", "\"Doe, J\" <a@b>" },
        { "quotes", "a \"b\" \\", "\"a \\\"b\\\" \\\\\" <a@b>" },
        { "other letters", "J\xC3\xBCrgen", "=?utf-8?q?J=C3=BCrgen?= <a@b>" },
        { "like an encoded-word", "=?utf-8?q?x?=", "=?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= <a@b>" },
        { "a line break", "a\r\nBcc: c@d", "\"a  Bcc: c@d\" <a@b>" },
        { "blanks only", "  ", "a@b" },
        { "two blanks", "a  b", "\"a  b\" <a@b>" },
        { "brackets", "<c@d>", "\"<c@d>\" <a@b>" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) out = BUF(200);
        HELD(address_list) list = { 0 };
        address_add(&out, span_of(cases[i].name), SPAN("a@b"));
        check_bytes(cases[i].label, buf_span(&out), span_of(cases[i].written));
        check_row(cases[i].label, address_list_parse(buf_span(&out), NULL, &list, NULL));
        check_row(cases[i].label, list.count == 1 && strcmp(list.at[0].wire, "a@b") == 0);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        struct address_list list = { 0 };
        struct err err = { 0 };
        alloc_fail_at(n);
        bool good = address_list_parse(SPAN("A: a@b, c@d, \"E\" <e@f>;, g@h, i@j"), NULL, &list, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(good != failed);
        assert_int_equal(list.count, good ? 5 : 0);
        assert_int_equal(err.kind, failed ? ERR_MEMORY : ERR_NONE);
        address_list_done(&list);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),         cmocka_unit_test(test_nothing_is_taken),
        cmocka_unit_test(test_where_bare_names_end), cmocka_unit_test(test_deep),
        cmocka_unit_test(test_names_written), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
