#include "support/check.h"

#include "smtp/data.h"

/* What is on the wire, and the message it is. */
static const struct {
    const char *label, *wire, *text, *rest;
    bool bare_cr, bare_lf;
} cases[] = {
    { "empty", ".\r\n", "", "", false, false },
    { "one line", "a\r\n.\r\n", "a\r\n", "", false, false },
    { "what follows is left", "a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n", false, false },
    { "a stuffed dot", "..\r\n.\r\n", ".\r\n", "", false, false },
    { "two dots", "...x\r\n.\r\n", "..x\r\n", "", false, false },
    { "a dot that nobody stuffed", ".x\r\n.\r\n", "x\r\n", "", false, false },
    { "a dot inside a line", "a.\r\n.\r\n", "a.\r\n", "", false, false },
    { "LF . LF is content", "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", "", false, true },
    { "LF . CRLF is content", "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", "", false, true },
    { "CR . CR is content", "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", "", true, false },
    { "CRLF . CR", "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", "", true, false },
    { "CRLF . LF", "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", "", false, true },
    { "CR CRLF . CRLF", "a\r\r\n.\r\n", "a\r\r\n", "", true, false },
    { "LF at the start", "\n.\r\n.\r\n", "\n.\r\n", "", false, true },
};

static void check_reading(size_t i, size_t cut)
{
    struct smtp_data_reader reader = { 0 };
    struct span all = span_of(cases[i].wire), part = span_cut(all, 0, cut);
    HELD(buf) out = BUF(1024);

    if (!smtp_data_read(&reader, &part, &out)) {
        check_row(cases[i].label, part.len == 0);
        part = span_from(all, cut);
        check_row(cases[i].label, smtp_data_read(&reader, &part, &out));
        check_bytes(cases[i].label, part, span_of(cases[i].rest));
    }
    check_bytes(cases[i].label, buf_span(&out), span_of(cases[i].text));
    check_row(cases[i].label, reader.bare_cr == cases[i].bare_cr);
    check_row(cases[i].label, reader.bare_lf == cases[i].bare_lf);
}

static void test_reads_at_any_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t cut = 0; cut <= strlen(cases[i].wire); cut++)
            check_reading(i, cut);
}

static void test_reader_flags(void **state)
{
    (void)state;
    struct smtp_data_reader reader = { 0 };
    struct span bytes = SPAN("12345\r\n\xc3\xa9\0\r\n.\r\n");
    HELD(buf) out = BUF(4);

    assert_true(smtp_data_read(&reader, &bytes, &out));
    assert_true(reader.nul);
    assert_true(reader.eight);
    assert_int_equal(reader.line_max, 5);
    assert_true(out.full);
}

/* In a line of any length every octet is looked at, wherever the reader looks at many together. */
static void test_long_lines(void **state)
{
    static const struct {
        const char *label;
        size_t len, at;
        char odd;
        bool nul, eight, bare_lf, bare_cr;
    } rows[] = {
        { "as looked at together", 1024, 1023, 'x', false, false, false, false },
        { "one more", 1025, 1024, 'x', false, false, false, false },
        { "8 bits, far behind", 5000, 4999, '\xe9', false, true, false, false },
        { "8 bits, first", 1025, 0, '\xe9', false, true, false, false },
        { "NUL", 3000, 2047, '\0', true, false, false, false },
        { "bare LF", 3000, 1024, '\n', false, false, true, false },
        { "bare CR", 3000, 1023, '\r', false, false, false, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct smtp_data_reader reader = { 0 };
        HELD(buf) text = BUF(8192), out = BUF(8192);

        for (size_t n = 0; n < rows[i].len; n++)
            buf_add_char(&text, n == rows[i].at ? rows[i].odd : 'x');
        buf_add(&text, "\r\n.\r\n");
        struct span rest = buf_span(&text);
        check_row(rows[i].label, smtp_data_read(&reader, &rest, &out) && rest.len == 0);
        check_bytes(rows[i].label, buf_span(&out), span_cut(buf_span(&text), 0, rows[i].len + 2));
        check_row(rows[i].label, reader.nul == rows[i].nul && reader.eight == rows[i].eight);
        check_row(rows[i].label, reader.bare_lf == rows[i].bare_lf && reader.bare_cr == rows[i].bare_cr);
        check_row(rows[i].label, reader.line_max == rows[i].len);
    }
}

/* What is written at any cut is read back as it was. */
static void test_writes_at_any_cut(void **state)
{
    static const char *const texts[] = { "", ".\r\n", "..\r\n.\r\n", "a\r\n.b\r\n", "a",
                                         "\r\n.\r\n", "a.\r\n..\r\n" };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct span text = span_of(texts[i]);
        for (size_t cut = 0; cut <= text.len; cut++) {
            struct smtp_data_writer writer = { 0 };
            struct smtp_data_reader reader = { 0 };
            HELD(buf) wire = BUF(1024), back = BUF(1024);

            smtp_data_write(&writer, span_cut(text, 0, cut), &wire);
            smtp_data_write(&writer, span_from(text, cut), &wire);
            smtp_data_write_end(&writer, &wire);
            struct span rest = buf_span(&wire);
            check_row(texts[i], smtp_data_read(&reader, &rest, &back));
            check_row(texts[i], rest.len == 0);
            if (text.len && text.at[text.len - 1] != '\n')
                buf_cut(&back, back.len - 2); /* the line end that was added */
            check_bytes(texts[i], buf_span(&back), text);
        }
    }
}

static const struct {
    const char *label;
    struct span text;
    const char *fact; /* NULL: it may go */
    bool eight, binary;
} checks[] = {
    { "good", SPAN_INIT("a\r\n\r\nb\r\n"), NULL, false, false },
    { "no line end at the end", SPAN_INIT("a"), NULL, false, false },
    { "bare LF", SPAN_INIT("a\nb"), "message:bare-line-end", false, false },
    { "bare CR", SPAN_INIT("a\rb"), "message:bare-line-end", false, false },
    { "CR CR LF", SPAN_INIT("a\r\r\n"), "message:bare-line-end", false, false },
    { "CR at the end", SPAN_INIT("a\r"), "message:bare-line-end", false, false },
    { "LF first", SPAN_INIT("\n"), "message:bare-line-end", false, false },
    { "NUL", SPAN_INIT("a\0b\r\n"), "message:nul", true, false },
    { "8 bits", SPAN_INIT("\xc3\xa9\r\n"), "eightbit:not-offered", false, false },
    { "8 bits, allowed", SPAN_INIT("\xc3\xa9\r\n"), NULL, true, false },
    { "binary", SPAN_INIT("a\0\r\n\n\r\xff"), NULL, false, true },
};

/* Of a long line every octet is looked at. */
static void test_checks_long_lines(void **state)
{
    static const char odd[] = { '\n', '\r', '\0', '\xe9' };

    (void)state;
    for (size_t i = 0; i < sizeof odd; i++)
        for (size_t at = 0; at < 2100; at += at % 1024 < 1020 ? 53 : 1) {
            struct smtp_data_check check = { 0 };
            HELD(buf) text = BUF(4096);

            for (size_t n = 0; n < 2100; n++)
                buf_add_char(&text, n == at ? odd[i] : 'x');
            buf_add(&text, "\r\n");
            check_row("odd", !smtp_data_check(&check, buf_span(&text), true, NULL));
            text.at[at] = 'x';
            check = (struct smtp_data_check){ 0 };
            check_row("even", smtp_data_check(&check, buf_span(&text), true, NULL));
        }
}

static void test_checks_at_any_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(checks); i++) {
        for (size_t cut = 0; cut <= checks[i].text.len; cut++) {
            struct smtp_data_check check = { .eight = checks[i].eight, .binary = checks[i].binary };
            struct err err = { 0 };
            bool good =
                smtp_data_check(&check, span_cut(checks[i].text, 0, cut), false, &err) &&
                smtp_data_check(&check, span_from(checks[i].text, cut), true, &err);
            check_row(checks[i].label, good == !checks[i].fact);
            check_row(checks[i].label, good || strcmp(err.fact, checks[i].fact) == 0);
        }
    }
}

static const struct {
    const char *label, *text;
    bool good, last;
    uint64_t size;
} chunks[] = {
    { "a chunk", "10", true, false, 10 },
    { "the last", "10 LAST", true, true, 10 },
    { "any case", "0 last", true, true, 0 },
    { "the limit", "1000", true, false, 1000 },
    { "above it", "1001", false, false, 0 },
    { "64 bits", "18446744073709551616", false, false, 0 },
    { "nothing", "", false, false, 0 },
    { "a sign", "+1", false, false, 0 },
    { "hex", "0x10", false, false, 0 },
    { "two blanks", "10  LAST", false, false, 0 },
    { "a blank behind", "10 LAST ", false, false, 0 },
    { "another word", "10 MORE", false, false, 0 },
    { "LAST without its blank", "10LAST", false, false, 0 },
};

static void test_bdat(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(chunks); i++) {
        uint64_t size = 0;
        bool last = false;
        bool good = smtp_bdat_read(span_of(chunks[i].text), 1000, &size, &last);
        check_row(chunks[i].label, good == chunks[i].good);
        check_row(chunks[i].label, size == chunks[i].size && last == chunks[i].last);
    }
    HELD(buf) out = BUF(100);
    smtp_bdat_write(&out, 12, false);
    smtp_bdat_write(&out, 0, true);
    check_bytes("written", buf_span(&out), SPAN("BDAT 12\r\nBDAT 0 LAST\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_at_any_cut),  cmocka_unit_test(test_reader_flags),
        cmocka_unit_test(test_long_lines),        cmocka_unit_test(test_writes_at_any_cut),
        cmocka_unit_test(test_checks_long_lines), cmocka_unit_test(test_checks_at_any_cut),
        cmocka_unit_test(test_bdat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
