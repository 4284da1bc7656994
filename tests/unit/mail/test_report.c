#include "support/check.h"

#include "mail/report.h"

#define ID "000102030405060708090a0b0c0d0e0f"

static const char *const steps[] = { "Ask whoever runs example.org whether the address is right." };
static const struct report_story unknown_user = {
    "There is no such recipient", "The server that is in charge of the address says that nobody has it.", steps, 1,
};

static struct report a_report(enum report_action action, const struct report_recipient *recipients, size_t count)
{
    struct report report = {
        .action = action,
        .host = "web1.example",
        .from = "me@live.com",
        .to = "me@live.com",
        .now = 1795341600,
        .arrived = 1795341000,
        .id = 17,
        .message_id = "<1@live.com>",
        .recipients = recipients,
        .count = count,
        .message = SPAN("Subject: hello\r\nTo: a@example.org\r\n"),
    };

    for (size_t i = 0; i < REPORT_RANDOM; i++)
        report.random[i] = (unsigned char)i;
    return report;
}

static void check_report(const char *label, const struct report *report, const char *const *wants)
{
    HELD(buf) out = BUF(1024 * 1024);

    report_write(report, &out);
    assert_false(out.full);
    for (; *wants; wants++)
        if (span_find_text(buf_span(&out), *wants) == out.len)
            fail_msg("case \"%s\": \"%s\" is not in:\n%s", label, *wants, buf_text(&out));
}

static void test_whole(void **state)
{
    static const struct report_recipient one = {
        .address = "a@example.org", .orcpt = "rfc822;b@example.net", .reply = 550, .enhanced = { 5, 1, 1 },
        .said = "no such user", .remote = "smtp.example.org", .tried = 1795341500, .story = &unknown_user,
    };
    struct report report = a_report(ACTION_FAILED, &one, 1);
    HELD(buf) out = BUF(100000);

    (void)state;
    report.envid = "e17";
    report_write(&report, &out);
    check_bytes("a failure", buf_span(&out), SPAN(
        "From: Mail delivery <me@live.com>\r\n"
        "To: me@live.com\r\n"
        "Subject: Not delivered: hello\r\n"
        "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
        "Message-ID: <" ID ".report@web1.example>\r\n"
        "In-Reply-To: <1@live.com>\r\n"
        "References: <1@live.com>\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status;\r\n"
        " boundary=\"" ID "\"\r\n"
        "\r\n--" ID "\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "Your message could not be delivered to these recipients. It will not be\r\n"
        "tried again.\r\n"
        "\r\n"
        "  a@example.org\r\n"
        "    550 5.1.1 no such user\r\n"
        "\r\n"
        "There is no such recipient\r\n"
        "The server that is in charge of the address says that nobody has it.\r\n"
        "  1. Ask whoever runs example.org whether the address is right.\r\n"
        "\r\n"
        "Its story, on web1.example: outpost queue show 17\r\n"
        "\r\n--" ID "\r\n"
        "Content-Type: message/delivery-status\r\n"
        "\r\n"
        "Original-Envelope-Id: e17\r\n"
        "Reporting-MTA: dns; web1.example\r\n"
        "Arrival-Date: Sun, 22 Nov 2026 09:50:00 +0000\r\n"
        "\r\n"
        "Original-Recipient: rfc822;b@example.net\r\n"
        "Final-Recipient: rfc822; a@example.org\r\n"
        "Action: failed\r\n"
        "Status: 5.1.1\r\n"
        "Remote-MTA: dns; smtp.example.org\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
        "Last-Attempt-Date: Sun, 22 Nov 2026 09:58:20 +0000\r\n"
        "\r\n--" ID "\r\n"
        "Content-Type: text/rfc822-headers\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "Subject: hello\r\n"
        "To: a@example.org\r\n"
        "\r\n--" ID "--\r\n"));
}

static void test_fields(void **state)
{
    static const struct {
        const char *label;
        enum report_action action;
        struct report_recipient recipient;
        const char *wants[6];
    } rows[] = {
        { "delayed", ACTION_DELAYED,
          { .address = "a@x.test", .reply = 450, .said = "later", .until = 1795341600 },
          { "Action: delayed\r\nStatus: 4.0.0\r\n", "Will-Retry-Until: Sun, 22 Nov 2026 10:00:00 +0000\r\n",
            "you need not send it again", "given up at Sun, 22 Nov 2026", "Subject: Not delivered yet: hello" } },
        { "tomorrow, in words of a failure", ACTION_DELAYED,
          { .address = "a@x.test", .reply = 550, .enhanced = { 5, 4, 5 }, .said = "limit" },
          { "Status: 4.4.5\r\n", "smtp; 550 5.4.5 limit" } },
        { "nobody knows", ACTION_DELAYED, { .address = "a@x.test", .unsure = true },
          { "Status: 4.4.2\r\n", "It is not sent again by itself.", "outpost queue release 17",
            "Subject: Delivered or not, nobody knows: hello" } },
        { "given up while greylisted", ACTION_FAILED,
          { .address = "a@x.test", .reply = 450, .enhanced = { 4, 2, 0 }, .said = "greylisted" },
          { "Action: failed\r\nStatus: 4.2.0\r\n" } },
        { "a reason of our own", ACTION_FAILED, { .address = "a@x.test", .said = "it is too large" },
          { "Status: 5.0.0\r\n", "Diagnostic-Code: x-outpost; it is too large\r\n", "\r\n    it is too large\r\n" } },
        { "nothing known", ACTION_FAILED, { .address = "a@x.test" },
          { "Final-Recipient: rfc822; a@x.test\r\nAction: failed\r\nStatus: 5.0.0\r\n\r\n--" } },
        { "handed over", ACTION_RELAYED,
          { .address = "a@x.test", .reply = 250, .enhanced = { 2, 1, 5 }, .said = "ok", .remote = "mx.x.test" },
          { "Action: relayed\r\nStatus: 2.1.5\r\nRemote-MTA: dns; mx.x.test\r\nDiagnostic-Code: smtp; 250 2.1.5 ok",
            "to a server that does\r\n", "Subject: Handed over: hello" } },
        { "handed over, in few words", ACTION_RELAYED, { .address = "a@x.test", .reply = 250 },
          { "Status: 2.0.0\r\nDiagnostic-Code: smtp; 250" } },
        { "other letters", ACTION_FAILED, { .address = "m\xc3\xbcller+1@x.test", .orcpt = "utf-8;m\\x{FC}ller@x.test" },
          { "Original-Recipient: utf-8;m\\x{FC}ller@x.test\r\n",
            "Final-Recipient: utf-8; m\\x{FC}ller\\x{2B}1@x.test\r\n", "\r\n  m\xc3\xbcller+1@x.test\r\n",
            "charset=utf-8\r\nContent-Transfer-Encoding: 8bit" } },
        { "a server of other letters", ACTION_FAILED,
          { .address = "a@x.test", .reply = 550, .said = "unbekannt: \xc3\xbc \xe2\x82\xac \xf0\x9f\x93\xa7" },
          { "Diagnostic-Code: smtp; 550 unbekannt: \\x{FC} \\x{20AC} \\x{1F4E7}\r\n" } },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct report report = a_report(rows[i].action, &rows[i].recipient, 1);
        check_report(rows[i].label, &report, rows[i].wants);
    }
}

static void test_what_comes_back(void **state)
{
    static const struct {
        const char *label;
        struct span message;
        bool whole, smtputf8;
        const char *wants[3];
    } rows[] = {
        { "the whole", SPAN_INIT("Subject: x\r\n\r\nhello\r\n"), true, false,
          { "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSubject: x\r\n\r\nhello\r\n\r\n--" } },
        { "8-bit text", SPAN_INIT("Subject: x\r\n\r\nh\xc3\xa9\r\n"), true, false,
          { "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" } },
        { "no end of line", SPAN_INIT("Subject: x\r\n\r\nhello"), true, false, { "\r\nhello\r\n\r\n--" } },
        { "addresses of other letters", SPAN_INIT("To: \xc3\xbc@x.test\r\n"), false, true,
          { "Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
            "Subject: Not delivered\r\n" } },
        { "the same, whole", SPAN_INIT("To: \xc3\xbc@x.test\r\n\r\n"), true, true, { "Content-Type: message/global\r\n" } },
        { "nothing", SPAN_INIT(""), false, false, { "Content-Type: text/rfc822-headers\r\n" } },
        { "a subject in other letters", SPAN_INIT("Subject: =?utf-8?q?=C3=BC?=\r\n"), false, false,
          { "Subject: Not delivered: =?utf-8?" } },
    };
    static const struct report_recipient one = { .address = "a@x.test" };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct report report = a_report(ACTION_FAILED, &one, 1);
        report.message = rows[i].message;
        report.whole = rows[i].whole;
        report.smtputf8 = rows[i].smtputf8;
        check_report(rows[i].label, &report, rows[i].wants);
    }
}

static void test_header_of(void **state)
{
    static const struct {
        const char *label;
        struct span message, header;
    } rows[] = {
        { "a message", SPAN_INIT("A: b\r\nC: d\r\n\r\nbody"), SPAN_INIT("A: b\r\nC: d\r\n") },
        { "no body", SPAN_INIT("A: b\r\n"), SPAN_INIT("A: b\r\n") },
        { "cut in a line", SPAN_INIT("A: b\r\nC: d"), SPAN_INIT("A: b\r\n") },
        { "no header", SPAN_INIT("\r\nbody\r\n\r\nmore"), SPAN_INIT("") },
        { "nothing", SPAN_INIT(""), SPAN_INIT("") },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_bytes(rows[i].label, report_header_of(rows[i].message), rows[i].header);
}

/* Recipients of one cause stand together, and of many some are named. */
static void test_many(void **state)
{
    static const struct report_story other = { "Another reason", "It has no steps.", NULL, 0 };
    static const char *const wants[] = {
        "\r\n  a@x.test\r\n    550 no\r\n  a@x.test\r\n", "and 250 more, which the second part names",
        "\r\nAnother reason\r\nIt has no steps.\r\n", NULL,
    };
    static struct report_recipient many[600];
    HELD(buf) out = BUF(1024 * 1024);
    size_t fields = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (struct report_recipient){ .address = "a@x.test", .reply = 550, .said = "no",
                                             .story = i % 2 ? &unknown_user : &other };
    const struct report report = a_report(ACTION_FAILED, many, COUNT(many));
    check_report("many", &report, wants);
    report_write(&report, &out);
    for (struct span rest = buf_span(&out); span_find_text(rest, "Final-Recipient:") < rest.len; fields++)
        rest = span_from(rest, span_find_text(rest, "Final-Recipient:") + 1);
    assert_int_equal(fields, COUNT(many));
}

static void test_commands_stay_whole(void **state)
{
    static const char *const step[] = { "Look whether it is so, and then, when you have seen it: outpost setup ADDRESS --server HOST:465" };
    static const struct report_story story = { "A reason", "It is so.", step, 1 };
    static const struct report_recipient one = { .address = "a@x.test", .story = &story };
    static const char *const wants[] = { "seen it:\r\n     outpost setup ADDRESS --server HOST:465\r\n", NULL };

    (void)state;
    const struct report report = a_report(ACTION_FAILED, &one, 1);
    check_report("a command", &report, wants);
}

/* What others say never becomes a line of its own, a part or a control character. */
static void test_hostile(void **state)
{
#define EVIL "x\r\nBcc: evil@x.test\r\n\r\n--" ID "\r\nContent-Type: text/html\r\n\r\n\x1b[2J\x07\x7f\x80\xff\xe2\x80\xae"
    const struct report_recipient rows[] = {
        { .address = "a@x.test", .reply = 550, .said = EVIL },
        { .address = "a@x.test", .said = EVIL },
        { .address = "\"a b\r\nBcc: evil\"@x.test", .orcpt = "rfc822;" EVIL },
        { .address = EVIL, .remote = EVIL },
    };
    struct report report = a_report(ACTION_FAILED, rows, COUNT(rows));
    HELD(buf) out = BUF(1024 * 1024);
    struct span line;
    size_t boundaries = 0;

    (void)state;
    report.envid = EVIL;
    report.message_id = "<" EVIL ">";
    report.message = SPAN("Subject: =?utf-8?q?x=0D=0ABcc:_evil=40x.test=00=1B?=\r\n");
    report_write(&report, &out);
    assert_false(out.full);
    for (struct span rest = buf_span(&out); span_split(&rest, '\n', &line);) {
        check_row("ends in CRLF", line.len && line.at[line.len - 1] == '\r');
        line.len--;
        check_row("not too long", line.len <= 998);
        check_row("no line of theirs", !span_starts(line, "Bcc:") && !span_starts(line, "Content-Type: text/html"));
        for (size_t i = 0; i < line.len; i++)
            check_row("no control character", (unsigned char)line.at[i] >= ' ' && line.at[i] != 0x7f);
        boundaries += span_starts(line, "--" ID);
    }
    assert_int_equal(boundaries, 4);
    assert_true(span_find_text(buf_span(&out), "In-Reply-To") == out.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),   cmocka_unit_test(test_fields),    cmocka_unit_test(test_what_comes_back),
        cmocka_unit_test(test_header_of), cmocka_unit_test(test_many), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_commands_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
