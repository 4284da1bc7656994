#include "support/check.h"

#include "mail/date.h"
#include "mail/mbox.h"

static void test_entries(void **state)
{
    static const struct {
        const char *label, *sender, *message, *entry;
    } rows[] = {
        { "CRLF becomes LF", "me@x.test", "Subject: hi\r\n\r\nhello\r\n",
          "From me@x.test Sun Mar  1 12:00:00 2026\nSubject: hi\n\nhello\n\n" },
        { "LF stays", "me@x.test", "Subject: hi\n\nhello\n",
          "From me@x.test Sun Mar  1 12:00:00 2026\nSubject: hi\n\nhello\n\n" },
        { "the last line gets its end", "me@x.test", "a\r\n\r\nb",
          "From me@x.test Sun Mar  1 12:00:00 2026\na\n\nb\n\n" },
        { "no line begins another entry", "me@x.test", "a\r\n\r\nFrom here on\r\n>From there\r\n>> From\r\nFromage\r\n",
          "From me@x.test Sun Mar  1 12:00:00 2026\na\n\n>From here on\n>>From there\n>> From\nFromage\n\n" },
        { "no sender", "", "a\r\n", "From MAILER-DAEMON Sun Mar  1 12:00:00 2026\na\n\n" },
        { "nothing at all", "me@x.test", "", "From me@x.test Sun Mar  1 12:00:00 2026\n\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        HELD(buf) out = BUF(1000);
        mbox_add(&out, rows[i].sender, 1772366400, span_of(rows[i].message));
        check_bytes(rows[i].label, buf_span(&out), span_of(rows[i].entry));
    }
}

static void test_date(void **state)
{
    (void)state;
    HELD(buf) out = BUF(100);

    date_add_asctime(&out, 0);
    check_bytes("the first second", buf_span(&out), SPAN("Thu Jan  1 00:00:00 1970"));
    buf_clear(&out);
    date_add_asctime(&out, UINT64_MAX);
    check_bytes("the last", buf_span(&out), SPAN("Thu Dec 30 23:59:59 9999"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
