#include "support/check.h"

#include "mail/date.h"

static void test_dates(void **state)
{
    static const struct {
        const char *label;
        uint64_t seconds;
        int zone;
        const char *text;
    } cases[] = {
        { "the beginning", 0, 0, "Thu, 1 Jan 1970 00:00:00 +0000" },
        { "before the beginning", 0, -60, "Thu, 1 Jan 1970 00:00:00 +0000" },
        { "east", 1795389300, 60, "Mon, 23 Nov 2026 00:15:00 +0100" },
        { "west", 1795389300, -210, "Sun, 22 Nov 2026 19:45:00 -0330" },
        { "a leap day", 1709164800, 0, "Thu, 29 Feb 2024 00:00:00 +0000" },
        { "no leap day", 4107542400, 0, "Mon, 1 Mar 2100 00:00:00 +0000" },
        { "2000 had one", 951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000" },
        { "the last second of a year", 1798761599, 0, "Thu, 31 Dec 2026 23:59:59 +0000" },
        { "far out", UINT64_MAX, 100000, "Fri, 31 Dec 9999 23:58:59 +2359" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) out = BUF(40);
        date_add(&out, cases[i].seconds, cases[i].zone);
        check_bytes(cases[i].label, buf_span(&out), span_of(cases[i].text));
    }
}

static void test_rfc3339(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00Z" },
        { 1709164800, "2024-02-29T00:00:00Z" },
        { 1795389300, "2026-11-22T23:15:00Z" },
        { 1798761599, "2026-12-31T23:59:59Z" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) out = BUF(40);
        date_add_rfc3339(&out, cases[i].seconds);
        check_bytes(cases[i].text, buf_span(&out), span_of(cases[i].text));
    }
}

static void test_reading_rfc3339(void **state)
{
    static const struct {
        const char *text;
        uint64_t seconds;
        bool good;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0, true },
        { "2024-02-29T00:00:00Z", 1709164800, true },
        { "2026-11-22T23:15:00Z", 1795389300, true },
        { "2026-11-22t23:15:00z", 1795389300, true },
        { "2026-11-23T00:15:00+01:00", 1795389300, true },
        { "2026-11-22T19:45:00.125-03:30", 1795389300, true },
        { "2026-12-31T23:59:60Z", 1798761599, true },
        { "9999-12-31T23:59:59Z", 253402300799, true },
        { "9999-12-31T23:59:59-00:01", 0, false }, /* in the year 10000, by Greenwich */
        { "1970-01-01T00:00:00+00:01", 0, false },
        { "1969-12-31T23:59:59Z", 0, false },
        { "2023-02-29T00:00:00Z", 0, false },
        { "2026-13-01T00:00:00Z", 0, false },
        { "2026-00-01T00:00:00Z", 0, false },
        { "2026-01-32T00:00:00Z", 0, false },
        { "2026-01-01T24:00:00Z", 0, false },
        { "2026-01-01T00:60:00Z", 0, false },
        { "2026-01-01T00:00:61Z", 0, false },
        { "2026-01-01T00:00:00", 0, false },
        { "2026-01-01T00:00Z", 0, false },
        { "2026-01-01 00:00:00Z", 0, false },
        { "2026-1-1T00:00:00Z", 0, false },
        { "2026-01-01T00:00:00.Z", 0, false },
        { "2026-01-01T00:00:00+24:00", 0, false },
        { "2026-01-01T00:00:00Zx", 0, false },
        { "12026-01-01T00:00:00Z", 0, false },
        { "", 0, false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t seconds = 0;
        check_row(cases[i].text, date_read_rfc3339(span_of(cases[i].text), &seconds) == cases[i].good);
        check_row(cases[i].text, seconds == cases[i].seconds);
    }
}

static void test_reading_http(void **state)
{
    static const struct {
        const char *text;
        uint64_t seconds;
        bool good;
    } cases[] = {
        { "Thu, 01 Jan 1970 00:00:00 GMT", 0, true },
        { "Sun, 22 Nov 2026 23:15:00 GMT", 1795389300, true },
        { "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800, true },
        { "Fri, 31 Dec 9999 23:59:60 GMT", 253402300799, true },
        { "Wed, 29 Feb 2023 00:00:00 GMT", 0, false },
        { "Sun, 22 Nov 2026 23:15:00 +0000", 0, false },
        { "Sun, 22 Nov 2026 23:15 GMT", 0, false },
        { "Sun, 2 Nov 2026 23:15:00 GMT", 0, false },
        { "Sun, 22 nov 2026 23:15:00 GMT", 0, false },
        { "Sunday, 22-Nov-26 23:15:00 GMT", 0, false },
        { "Sun Nov 22 23:15:00 2026", 0, false },
        { "Sun, 22 Nov 1969 23:15:00 GMT", 0, false },
        { "Sun, 22 Nov 2026 23:15:00 GMT ", 0, false },
        { "", 0, false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t seconds = 0;
        check_row(cases[i].text, date_read_http(span_of(cases[i].text), &seconds) == cases[i].good);
        check_row(cases[i].text, seconds == cases[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_dates), cmocka_unit_test(test_rfc3339),
                                        cmocka_unit_test(test_reading_rfc3339), cmocka_unit_test(test_reading_http) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
