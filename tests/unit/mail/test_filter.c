#include "support/check.h"

#include "base/alloc.h"
#include "mail/filter.h"
#include "mail/header.h"
#include "support/alloc_fails.h"

static const struct {
    const char *label;
    struct span in;
    const char *header, *body;
} cases[] = {
    { "CRLF", SPAN_INIT("A: b\r\nC: d\r\n\r\nHi\r\n"), "A: b\r\nC: d\r\n", "Hi\r\n" },
    { "LF", SPAN_INIT("A: b\nC: d\n\nHi\n.\n"), "A: b\r\nC: d\r\n", "Hi\r\n.\r\n" },
    { "no last line end", SPAN_INIT("A: b\n\nHi"), "A: b\r\n", "Hi\r\n" },
    { "a last CR", SPAN_INIT("A: b\n\nHi\r"), "A: b\r\n", "Hi\r\n" },
    { "CR in the body", SPAN_INIT("A: b\n\na\rb\r\rc\r\n"), "A: b\r\n", "a\r\nb\r\n\r\nc\r\n" },
    { "no end of data in disguise", SPAN_INIT("A: b\r\n\r\nx\r\n.\rMAIL FROM:<a@b>\n.\n"), "A: b\r\n",
      "x\r\n.\r\nMAIL FROM:<a@b>\r\n.\r\n" },
    { "CR in the header begins no field", SPAN_INIT("A: b\rBcc: x\r\n\r\n"), "A: b Bcc: x\r\n", "" },
    { "CR CR LF", SPAN_INIT("A: b\r\r\n\r\r\nHi\r\n"), "A: b \r\n", "Hi\r\n" },
    { "folded", SPAN_INIT("A: b\n c\n\td\n\n"), "A: b\r\n c\r\n\td\r\n", "" },
    { "header only", SPAN_INIT("A: b\n"), "A: b\r\n", "" },
    { "header only, cut short", SPAN_INIT("A: b"), "A: b\r\n", "" },
    { "no header", SPAN_INIT("Hello there,\nyou.\n"), "", "Hello there,\r\nyou.\r\n" },
    { "no header, a colon later", SPAN_INIT("Hello you: there\n"), "", "Hello you: there\r\n" },
    { "no header, one word", SPAN_INIT("Hello"), "", "Hello\r\n" },
    { "an empty header", SPAN_INIT("\nHello\n"), "", "Hello\r\n" },
    { "a blank line first", SPAN_INIT(" x: y\n"), "", " x: y\r\n" },
    { "no line between", SPAN_INIT("A: b\nHello you\nC: d\n"), "A: b\r\n", "Hello you\r\nC: d\r\n" },
    { "a colon first", SPAN_INIT("A: b\n: x\n"), "A: b\r\n", ": x\r\n" },
    { "a name not ASCII", SPAN_INIT("A\xC3\xBC: b\n\n"), "", "A\xC3\xBC: b\r\n\r\n" },
    { "a blank before the colon", SPAN_INIT("A \t: b\n\n"), "A: b\r\n", "" },
    { "mbox", SPAN_INIT("From me Mon Jan  1\nA: b\n\nFrom x\n"), "A: b\r\n", "From x\r\n" },
    { "mbox twice", SPAN_INIT("From me Mon\nFrom me Mon\n\n"), "", "From me Mon\r\n\r\n" },
    { "From is a field too", SPAN_INIT("From: me\n\n"), "From: me\r\n", "" },
    { "From with a blank", SPAN_INIT("From : me\n\n"), "From: me\r\n", "" },
    { "nothing", SPAN_INIT(""), "", "" },
    { "a line end", SPAN_INIT("\n"), "", "" },
    { "NUL", SPAN_INIT("A: b\n\na\0b\n"), "A: b\r\n", NULL },
};

struct outcome {
    struct buf header, body;
    struct filter_facts facts;
};

static void outcome_done(struct outcome *outcome)
{
    buf_done(&outcome->header);
    buf_done(&outcome->body);
}

/* Feeds the input cut at `first` and then every `step` bytes. */
static void run(struct span in, size_t first, size_t step, struct outcome *outcome)
{
    OWN(filter) filter = filter_new();
    outcome->header = outcome->body = (struct buf)BUF(10000);

    for (size_t at = 0, next; at < in.len; at = next) {
        next = at + (at == 0 && first ? first : step);
        assert_true(filter_feed(filter, span_cut(in, at, next), &outcome->body, NULL));
    }
    assert_true(filter_end(filter, &outcome->body, NULL));
    assert_true(filter_in_body(filter));
    buf_add_span(&outcome->header, filter_header(filter));
    outcome->facts = *filter_facts(filter);
}

static void check_case(size_t i, size_t first, size_t step)
{
    HELD(outcome) outcome = { 0 };
    HELD(outcome) whole = { 0 };

    run(cases[i].in, first, step, &outcome);
    run(cases[i].in, 0, 10000, &whole);
    check_bytes(cases[i].label, buf_span(&outcome.header), span_of(cases[i].header));
    if (cases[i].body)
        check_bytes(cases[i].label, buf_span(&outcome.body), span_of(cases[i].body));
    check_row(cases[i].label, memcmp(&outcome.facts, &whole.facts, sizeof whole.facts) == 0);
    check_row(cases[i].label, outcome.facts.body == outcome.body.len);
    check_row(cases[i].label, outcome.facts.in == cases[i].in.len);
}

static void test_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(i, 0, 10000);
        check_case(i, 0, 1);
        for (size_t cut = 1; cut < cases[i].in.len; cut++)
            check_case(i, cut, 10000);
    }
}

static void test_facts(void **state)
{
    (void)state;
    HELD(outcome) o = { 0 };
    run(SPAN("A: \xC3\xBC\r\nB:\r\n\r\nlong\xFF\nx\ry\r\nz\0\r\n"), 0, 10000, &o);
    assert_true(o.facts.header_8bit && o.facts.body_8bit && o.facts.bare_cr && o.facts.bare_lf &&
                o.facts.crlf);
    assert_int_equal(o.facts.fields, 2);
    assert_int_equal(o.facts.longest, 5);
    assert_int_equal(o.facts.lines, 4);
    assert_int_equal(o.facts.nul_at, 26);

    HELD(outcome) plain = { 0 };
    run(SPAN("A: b\r\n\r\nHi\r\n"), 0, 10000, &plain);
    assert_false(plain.facts.header_8bit || plain.facts.body_8bit || plain.facts.bare_cr ||
                 plain.facts.bare_lf || plain.facts.mbox_line || plain.facts.nul_at);
}

static void test_a_line_of_a_megabyte(void **state)
{
    static char line[1 << 16];
    (void)state;
    memset(line, 'x', sizeof line);
    HELD(buf) body = BUF(sizeof line * 2);
    OWN(filter) filter = filter_new();
    for (int i = 0; i < 16; i++) {
        assert_true(filter_feed(filter, (struct span){ line, sizeof line }, &body, NULL));
        buf_clear(&body);
    }
    assert_true(filter_end(filter, &body, NULL));
    assert_int_equal(filter_facts(filter)->longest, 1 << 20);
    assert_int_equal(filter_header(filter).len, 0);
}

static void test_limits(void **state)
{
    (void)state;
    struct err err = { 0 };
    HELD(buf) body = BUF(1000);
    OWN(filter) wide = filter_new();
    OWN(filter) many = filter_new();
    bool good = filter_feed(wide, SPAN("A: b\n"), &body, &err);
    for (int i = 0; good && i < 300; i++) {
        char line[1025] = " ";
        memset(line + 1, 'x', 1023);
        good = filter_feed(wide, (struct span){ line, 1024 }, &body, &err);
    }
    assert_false(good);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.text, "the header is larger than 256 KB");

    good = true;
    for (int i = 0; good && i < HEADER_FIELDS_MAX; i++)
        good = filter_feed(many, SPAN("A:\n"), &body, &err);
    assert_true(good);
    assert_false(filter_feed(many, SPAN("A:\n"), &body, &err));
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        struct buf body = BUF(1000);
        struct err err = { 0 };
        alloc_fail_at(n);
        struct filter *filter = filter_new();
        bool good = filter && filter_feed(filter, SPAN("A: b\n\nHi\n"), &body, &err) &&
                    filter_end(filter, &body, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(good != failed);
        filter_free(filter);
        buf_done(&body);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_every_cut),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_a_line_of_a_megabyte),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
