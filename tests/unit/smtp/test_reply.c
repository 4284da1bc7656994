#include "support/check.h"

#include <stdio.h>

#include "base/str.h"
#include "smtp/reply.h"

static const struct {
    const char *label, *bytes;
    unsigned code;     /* 0: malformed */
    const char *status, *text, *words;
} cases[] = {
    { "one line", "250 ok\r\n", 250, "0.0.0", "ok", "ok" },
    { "no text", "250\r\n", 250, "0.0.0", "", "" },
    { "a space and no text", "250 \r\n", 250, "0.0.0", "", "" },
    { "bare LF", "250 ok\n", 250, "0.0.0", "ok", "ok" },
    { "three lines", "250-a\r\n250-\r\n250 c\r\n", 250, "0.0.0", "a\n\nc", "a c" },
    { "last line without text", "250-a\r\n250\r\n", 250, "0.0.0", "a\n", "a" },
    { "enhanced", "550 5.1.1 nobody\r\n", 550, "5.1.1", "5.1.1 nobody", "nobody" },
    { "enhanced at each line", "535-5.7.8 No. See\r\n535 5.7.8  http://x\r\n", 535, "5.7.8",
      "5.7.8 No. See\n5.7.8  http://x", "No. See http://x" },
    { "enhanced of another class is text", "550 4.1.1 x\r\n", 550, "0.0.0", "4.1.1 x", "4.1.1 x" },
    { "enhanced alone", "250 2.0.0\r\n", 250, "2.0.0", "2.0.0", "" },
    { "CR inside a line is text", "250 a\rb\r\n", 250, "0.0.0", "a\rb", "a\rb" },
    { "CR CR LF", "250 a\r\r\n", 250, "0.0.0", "a\r", "a" },
    { "NUL is text", "550 a\0b\r\n", 550, "0.0.0", "a\0b", "a\0b" },
    { "599", "599 x\r\n", 599, "0.0.0", "x", "x" },
    { "1xx", "150 x\r\n", 0, NULL, NULL, NULL },
    { "6xx", "650 x\r\n", 0, NULL, NULL, NULL },
    { "two digits", "25 x\r\n", 0, NULL, NULL, NULL },
    { "two digits alone", "25\r\n", 0, NULL, NULL, NULL },
    { "four digits", "2500 x\r\n", 0, NULL, NULL, NULL },
    { "no digits", "ok\r\n", 0, NULL, NULL, NULL },
    { "empty line", "\r\n", 0, NULL, NULL, NULL },
    { "LF first", "\n", 0, NULL, NULL, NULL },
    { "a blank first", " 250 x\r\n", 0, NULL, NULL, NULL },
    { "tab for a space", "250\tx\r\n", 0, NULL, NULL, NULL },
    { "other code in the second line", "250-a\r\n251 b\r\n", 0, NULL, NULL, NULL },
    { "CR inside the code", "2\r50 x\r\n", 0, NULL, NULL, NULL },
    { "CR behind the code", "250\rx\r\n", 0, NULL, NULL, NULL },
};

/* NUL can't stand in span_of(): the one case with it is as long as this. */
static struct span bytes_of(size_t i)
{
    if (strncmp(cases[i].label, "NUL", 3) == 0)
        return SPAN("550 a\0b\r\n");
    return span_of(cases[i].bytes);
}

static struct span text_of(size_t i)
{
    return strncmp(cases[i].label, "NUL", 3) == 0 ? SPAN("a\0b") : span_of(cases[i].text);
}

static void check_case(size_t i, size_t cut)
{
    struct smtp_reply_reader reader = SMTP_REPLY_READER;
    struct span all = bytes_of(i), part = span_cut(all, 0, cut);
    struct smtp_reply reply;
    struct err err = { 0 };
    HELD(buf) words = BUF(4096);
    char status[32];

    enum smtp_reading reading = smtp_reply_read(&reader, &part, &reply, &err);
    if (reading == SMTP_READING_MORE) {
        check_row(cases[i].label, smtp_reply_unfinished(&reader) == (cut > 0));
        part = span_from(all, cut);
        reading = smtp_reply_read(&reader, &part, &reply, &err);
    }
    if (!cases[i].code) {
        check_row(cases[i].label, reading == SMTP_READING_BAD);
        check_row(cases[i].label, err.kind == ERR_PROTOCOL);
        check_row(cases[i].label, strcmp(err.fact, "reply:malformed") == 0);
        part = SPAN("250 ok\r\n");
        check_row(cases[i].label, smtp_reply_read(&reader, &part, &reply, &err) == SMTP_READING_BAD);
        smtp_reply_reader_done(&reader);
        return;
    }
    check_row(cases[i].label, reading == SMTP_READING_REPLY);
    check_row(cases[i].label, !smtp_reply_unfinished(&reader));
    check_row(cases[i].label, reply.code == cases[i].code);
    snprintf(status, sizeof status, "%u.%u.%u", reply.enhanced[0], reply.enhanced[1],
             reply.enhanced[2]);
    check_row(cases[i].label, strcmp(status, cases[i].status) == 0);
    check_bytes(cases[i].label, reply.text, text_of(i));
    smtp_reply_words(&reply, &words);
    check_bytes(cases[i].label, buf_span(&words),
                cases[i].words == cases[i].text ? text_of(i) : span_of(cases[i].words));
    smtp_reply_reader_done(&reader);
}

static void test_at_any_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t cut = 0; cut <= bytes_of(i).len; cut++)
            check_case(i, cut);
}

static void test_two_replies_at_once(void **state)
{
    (void)state;
    struct smtp_reply_reader reader = SMTP_REPLY_READER;
    struct span bytes = SPAN("250 a\r\n550-b\r\n550 c\r\n2");
    struct smtp_reply reply;

    assert_int_equal(smtp_reply_read(&reader, &bytes, &reply, NULL), SMTP_READING_REPLY);
    assert_int_equal(reply.code, 250);
    assert_int_equal(smtp_reply_read(&reader, &bytes, &reply, NULL), SMTP_READING_REPLY);
    assert_int_equal(reply.code, 550);
    check_bytes("second", reply.text, SPAN("b\nc"));
    assert_int_equal(smtp_reply_read(&reader, &bytes, &reply, NULL), SMTP_READING_MORE);
    assert_true(smtp_reply_unfinished(&reader));
    smtp_reply_reader_done(&reader);
}

/* Feeds `count` times `line`, then says what came of it. */
static enum smtp_reading flood(const char *line, unsigned count, const char *end,
                               struct smtp_reply *ret_reply, size_t *ret_kept)
{
    struct smtp_reply_reader reader = SMTP_REPLY_READER;
    enum smtp_reading reading = SMTP_READING_MORE;

    for (unsigned i = 0; i <= count && reading == SMTP_READING_MORE; i++) {
        struct span bytes = span_of(i < count ? line : end);
        reading = smtp_reply_read(&reader, &bytes, ret_reply, NULL);
    }
    *ret_kept = reader.text.len;
    smtp_reply_reader_done(&reader);
    return reading;
}

static void test_limits(void **state)
{
    (void)state;
    struct smtp_reply reply;
    size_t kept;

    assert_int_equal(flood("250-x\r\n", 99, "250 x\r\n", &reply, &kept), SMTP_READING_REPLY);
    assert_int_equal(flood("250-x\r\n", 100, "250 x\r\n", &reply, &kept), SMTP_READING_BAD);
    assert_int_equal(flood("250 ", 1, "", &reply, &kept), SMTP_READING_MORE);
    assert_int_equal(flood("250 xxxxxxxxx", 300, "\r\n", &reply, &kept), SMTP_READING_REPLY);
    assert_int_equal(kept, SMTP_REPLY_LINE_KEPT);
    assert_true(reply.cut);
    assert_int_equal(flood("334 xxxxxxxxx", 900, "\r\n", &reply, &kept), SMTP_READING_REPLY);
    assert_false(reply.cut);
    assert_int_equal(flood("334 xxxxxxxxx", 1000, "\r\n", &reply, &kept), SMTP_READING_REPLY);
    assert_true(reply.cut);
    assert_int_equal(kept, SMTP_CHALLENGE_KEPT);
    assert_int_equal(flood("250 xxxxxxxxx", 6000, "\r\n", &reply, &kept), SMTP_READING_BAD);
}

static void test_as_error(void **state)
{
    (void)state;
    struct smtp_reply_reader reader = SMTP_REPLY_READER;
    struct span bytes = SPAN("451 4.7.500 Server \x1b[2Jbusy\r\n");
    struct smtp_reply reply;
    struct err err = { 0 };

    assert_int_equal(smtp_reply_read(&reader, &bytes, &reply, NULL), SMTP_READING_REPLY);
    assert_false(smtp_reply_err(&reply, &err, "the server said no"));
    assert_int_equal(err.kind, ERR_LATER);
    assert_int_equal(err.reply, 451);
    assert_int_equal(err.enhanced[2], 500);
    assert_string_equal(err.text, "the server said no");
    assert_true(str_is_safe(span_of(err.said)));
    assert_non_null(strstr(err.said, "busy"));
    smtp_reply_reader_done(&reader);
}

static const struct {
    const char *label;
    uint16_t code;
    const char *enhanced, *text, *want;
} written[] = {
    { "plain", 250, NULL, "ok", "250 ok\r\n" },
    { "enhanced", 535, "5.7.8", "no", "535 5.7.8 no\r\n" },
    { "lines", 250, NULL, "a\nb\nc", "250-a\r\n250-b\r\n250 c\r\n" },
    { "lines with a code", 550, "5.1.1", "a\nb", "550-5.1.1 a\r\n550 5.1.1 b\r\n" },
    { "no text", 334, NULL, "", "334 \r\n" },
    { "no text, with a code", 250, "2.0.0", "", "250 2.0.0\r\n" },
    { "what could end the line", 501, NULL, "a\r250 b\x7f\x1b", "501 a?250 b??\r\n" },
    { "UTF-8 stays, rubbish goes", 501, NULL, "h\xc3\xa9 \xff", "501 h\xc3\xa9 ?\r\n" },
};

static void test_writing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(written); i++) {
        HELD(buf) out = BUF(1024);
        smtp_reply_write(&out, written[i].code, written[i].enhanced, written[i].text);
        check_bytes(written[i].label, buf_span(&out), span_of(written[i].want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_any_cut),  cmocka_unit_test(test_two_replies_at_once),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_as_error),
        cmocka_unit_test(test_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
