#include "support/check.h"

#include "base/alloc.h"
#include "mail/address.h"
#include "support/alloc_fails.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define LABEL A60 "aaa" /* 63 */

static const struct {
    const char *label, *text;
    const char *wire; /* NULL: refused */
    const char *says;
    bool smtputf8;
} addresses[] = {
    { "plain", "me@live.com", "me@live.com", NULL, false },
    { "the case stays", "Me.You@Live.COM", "Me.You@Live.COM", NULL, false },
    { "a tag", "me+tag=x@live.com", "me+tag=x@live.com", NULL, false },
    { "like an option", "-x@live.com", "-x@live.com", NULL, false },
    { "quoted", "\"a b\\\"@<>\"@x.org", "\"a b\\\"@<>\"@x.org", NULL, false },
    { "one label", "root@localhost", "root@localhost", NULL, false },
    { "an IPv4 literal", "me@[192.0.2.1]", "me@[192.0.2.1]", NULL, false },
    { "an IPv6 literal", "me@[IPv6:2001:db8::1]", "me@[IPv6:2001:db8::1]", NULL, false },
    { "an international domain", "me@b\xC3\xBC" "cher.example", "me@xn--bcher-kva.example", NULL, false },
    { "an international name", "j\xC3\xBC@live.com", "j\xC3\xBC@live.com", NULL, true },
    { "64 in front", A60 "aaaa@x", A60 "aaaa@x", NULL, false },
    { "65 in front", A60 "aaaaa@x", NULL, "at character 66: the name before this has more", false },
    { "a label of 63", "a@" LABEL ".x", "a@" LABEL ".x", NULL, false },
    { "a label of 64", "a@" LABEL "a.x", NULL, "at most 63", false },
    { "a domain of 255", "a@" LABEL "." LABEL "." LABEL "." LABEL, "a@" LABEL "." LABEL "." LABEL "." LABEL,
      NULL, false },
    { "a domain of 257", "a@" LABEL "." LABEL "." LABEL "." LABEL ".a", NULL, "at most 255", false },
    { "nothing", "", NULL, "at character 1: an address is missing", false },
    { "no at", "me", NULL, "at character 3: \"@\" and a domain are missing", false },
    { "no domain", "me@", NULL, "at character 4: a domain is missing", false },
    { "no name", "@live.com", NULL, "at character 1: '@' may not stand here", false },
    { "two ats", "a@b@c", NULL, "at character 4: '@'", false },
    { "two dots", "a..b@c", NULL, "at character 3: a dot", false },
    { "a dot in front", ".a@c", NULL, "at character 1: a dot", false },
    { "a dot behind", "a.@c", NULL, "at character 3: '@'", false },
    { "a last dot", "a@c.", NULL, "at character 5: a domain does not end with a dot", false },
    { "dots in the domain", "a@c..d", NULL, "at character 5: a dot", false },
    { "a hyphen first", "a@-c", NULL, "a hyphen", false },
    { "an underscore", "a@c_d", NULL, "at character 4: a domain has only letters", false },
    { "a blank", "me @live.com", NULL, "at character 3: a blank", false },
    { "a blank behind", "me@live.com ", NULL, "at character 12: a blank", false },
    { "brackets", "<me@live.com>", NULL, "at character 1: '<'", false },
    { "a command behind", "a@b\r\nRCPT TO:<c@d>", NULL, "at character 4: a line break", false },
    { "a line break in quotes", "\"a\r\nb\"@c", NULL, "at character 3: a line break", false },
    { "a tab in quotes", "\"a\tb\"@c", NULL, "control character", false },
    { "a folded line in quotes", "\"a\r\n b\"@c", NULL, "control character", false },
    { "a quote left open", "\"a@b", NULL, "at character 1: this quote is never closed", false },
    { "a control", "a\x01@b", NULL, "at character 2: a control character", false },
    { "places count characters", "j\xC3\xBC\xC3\xBC \x40x", NULL, "at character 4: a blank", false },
    { "not UTF-8", "a\xFF@b.c", NULL, "not valid UTF-8", false },
    { "bytes for a line end", "a\xC2\x85@b.c", NULL, "not valid UTF-8", false },
    { "a domain not UTF-8", "a@b\xFF.c", NULL, "not valid UTF-8", false },
    { "a domain no registry takes", "a@\xE2\x80\xAE.com", NULL, "at character 3", false },
    { "a bad literal", "a@[300.1.1.1]", NULL, "no valid address literal", false },
    { "a literal with a name", "a@[b.c]", NULL, "no valid address literal", false },
    { "an open literal", "a@[1.1.1.1", NULL, "this bracket is never closed", false },
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        const char *label = addresses[i].label, *wire = addresses[i].wire;
        HELD(address) address = { 0 };
        struct err err = { 0 };
        bool good = address_parse(span_of(addresses[i].text), &address, &err);
        if (good != (wire != NULL))
            fail_msg("case \"%s\": %s %s", label, err.text, good ? address.wire : "");
        if (good) {
            assert_string_equal(address.wire, wire);
            check_row(label, address.smtputf8 == addresses[i].smtputf8);
            continue;
        }
        check_row(label, err.kind == ERR_DATA && strcmp(err.fact, "address:malformed") == 0);
        if (!strstr(err.text, addresses[i].says))
            fail_msg("case \"%s\": says \"%s\"", label, err.text);
    }
}

static void test_bytes_of_zero(void **state)
{
    (void)state;
    HELD(address) address = { 0 };
    assert_false(address_parse(SPAN("a\0b@c"), &address, NULL));
    assert_false(address_parse(SPAN("a@c\0d"), &address, NULL));
    assert_false(address_parse(SPAN("a@[1.1.1.1\0]"), &address, NULL));
    assert_false(address_parse(SPAN("a@\xC3\xBC\0d"), &address, NULL));
}

static void test_parts(void **state)
{
    (void)state;
    HELD(address) address = { 0 };
    assert_true(address_parse(SPAN("\"a@b\"@c.d"), &address, NULL));
    check_bytes("local", address_local(&address), SPAN("\"a@b\""));
    check_bytes("domain", address_domain(&address), SPAN("c.d"));
    assert_true(address_same(SPAN("a@b.C"), SPAN("a@B.c")));
    assert_false(address_same(SPAN("A@b.c"), SPAN("a@b.c")));
    assert_false(address_same(SPAN("\"x@b\"@c"), SPAN("\"X@b\"@c")));
}

static void test_bare_names(void **state)
{
    (void)state;
    HELD(address) bare = { 0 }, whole = { 0 };
    assert_true(address_parse_bare(SPAN("root"), "web1.example", &bare, NULL));
    assert_string_equal(bare.wire, "root@web1.example");
    assert_true(bare.qualified);
    assert_true(address_parse_bare(SPAN("a@b"), "web1.example", &whole, NULL));
    assert_false(whole.qualified);
}

static void test_paths(void **state)
{
    static const struct {
        const char *label;
        enum path_kind kind;
        const char *text, *wire, *rest;
    } cases[] = {
        { "with a parameter", PATH_REVERSE, "<a@b> SIZE=1", "a@b", " SIZE=1" },
        { "null", PATH_REVERSE, "<>", "", "" },
        { "null recipient", PATH_FORWARD, "<>", NULL, "<>" },
        { "postmaster", PATH_FORWARD, "<postMaster>", "postMaster", "" },
        { "postmaster as sender", PATH_REVERSE, "<Postmaster>", NULL, "<Postmaster>" },
        { "a route", PATH_FORWARD, "<@a.b,@c.d:e@f>x", "e@f", "x" },
        { "a bad route", PATH_FORWARD, "<@a.b,c.d:e@f>", NULL, "<@a.b,c.d:e@f>" },
        { "a route of bad domains", PATH_FORWARD, "<@a..b:e@f>", NULL, "<@a..b:e@f>" },
        { "angles in quotes", PATH_FORWARD, "<\"a>b\"@c>", "\"a>b\"@c", "" },
        { "a literal", PATH_FORWARD, "<a@[1.2.3.4]>", "a@[1.2.3.4]", "" },
        { "no bracket", PATH_FORWARD, "a@b", NULL, "a@b" },
        { "an open bracket", PATH_FORWARD, "<a@b", NULL, "<a@b" },
        { "a blank before the end", PATH_FORWARD, "<a@b >", NULL, "<a@b >" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scan scan = scan_of(span_of(cases[i].text));
        HELD(address) address = { 0 };
        bool good = address_path_scan(&scan, cases[i].kind, &address, NULL);
        check_row(cases[i].label, good == (cases[i].wire != NULL));
        check_row(cases[i].label, !good || strcmp(address.wire, cases[i].wire) == 0);
        check_bytes(cases[i].label, scan_rest(&scan), span_of(cases[i].rest));
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        struct address address = { 0 };
        struct err err = { 0 };
        struct scan scan = scan_of(SPAN("<me@b\xC3\xBC" "cher.example>"));
        alloc_fail_at(n);
        bool good = address_path_scan(&scan, PATH_FORWARD, &address, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(good != failed);
        assert_int_equal(err.kind, failed ? ERR_MEMORY : ERR_NONE);
        address_done(&address);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),  cmocka_unit_test(test_bytes_of_zero),
        cmocka_unit_test(test_parts),      cmocka_unit_test(test_bare_names),
        cmocka_unit_test(test_paths),      cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
