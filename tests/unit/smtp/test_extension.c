#include "support/check.h"

#include "smtp/extension.h"

static const struct {
    const char *label, *text;
    unsigned offered;
    uint64_t size;
    const char *written;
} cases[] = {
    { "nothing but a name", "mail.example.net Hello", 0, 0, "" },
    { "empty", "", 0, 0, "" },
    { "Microsoft 365",
      "AM0PR.outlook.office365.com Hello [192.0.2.1]\nSIZE 157286400\nPIPELINING\nDSN\n"
      "ENHANCEDSTATUSCODES\nAUTH LOGIN XOAUTH2\n8BITMIME\nBINARYMIME\nCHUNKING\nSMTPUTF8",
      SMTP_PIPELINING | SMTP_SIZE | SMTP_8BITMIME | SMTP_SMTPUTF8 | SMTP_BINARYMIME |
          SMTP_CHUNKING | SMTP_DSN | SMTP_ENHANCEDSTATUSCODES | SMTP_AUTH,
      157286400,
      "\nPIPELINING\nSIZE 157286400\n8BITMIME\nSMTPUTF8\nBINARYMIME\nCHUNKING\nDSN\n"
      "ENHANCEDSTATUSCODES\nAUTH LOGIN XOAUTH2" },
    { "Yahoo's blank in 8BITMIME", "x\n8 BITMIME", SMTP_8BITMIME, 0, "\n8BITMIME" },
    { "any case", "x\npipelining\nauth plain Login", SMTP_PIPELINING | SMTP_AUTH, 0,
      "\nPIPELINING\nAUTH PLAIN LOGIN" },
    { "AUTH= beside AUTH, mechanisms once", "x\nAUTH PLAIN LOGIN\nAUTH=PLAIN LOGIN", SMTP_AUTH, 0,
      "\nAUTH PLAIN LOGIN" },
    { "AUTH without a mechanism", "x\nAUTH", SMTP_AUTH, 0, "\nAUTH" },
    { "a name of 21 letters is no mechanism", "x\nAUTH ABCDEFGHIJKLMNOPQRSTU PLAIN", SMTP_AUTH, 0,
      "\nAUTH PLAIN" },
    { "the name is no keyword", "PIPELINING\nDSN", SMTP_DSN, 0, "\nDSN" },
    { "words nobody knows", "x\nTURN\nXFORWARD NAME ADDR\nPIPELININGS\nDS", 0, 0, "" },
    { "SIZE without a number", "x\nSIZE", SMTP_SIZE, 0, "\nSIZE" },
    { "SIZE below zero", "x\nSIZE -1", SMTP_SIZE, 0, "\nSIZE" },
    { "SIZE above 64 bits", "x\nSIZE 18446744073709551616", SMTP_SIZE, 0, "\nSIZE" },
    { "the last SIZE counts", "x\nSIZE 1\nSIZE 2", SMTP_SIZE, 2, "\nSIZE 2" },
    { "LIMITS", "x\nLIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1", SMTP_LIMITS, 0,
      "\nLIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1" },
    { "limits that are none", "x\nLIMITS RCPTMAX=0 MAILMAX=1000000 OTHER=3", SMTP_LIMITS, 0,
      "\nLIMITS" },
    { "later", "x\nFUTURERELEASE 3600 2026-12-31T23:59:59Z\nDELIVERBY 60\nMT-PRIORITY MIXER",
      SMTP_FUTURERELEASE | SMTP_DELIVERBY | SMTP_MT_PRIORITY, 0,
      "\nFUTURERELEASE 3600 2026-12-31T23:59:59Z\nDELIVERBY 60\nMT-PRIORITY" },
    { "later, without numbers", "x\nFUTURERELEASE x y\nDELIVERBY", SMTP_FUTURERELEASE | SMTP_DELIVERBY, 0,
      "\nFUTURERELEASE\nDELIVERBY" },
    { "for whom it speaks", "x\nXCLIENT NAME ADDR", SMTP_XCLIENT, 0,
      "\nXCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT" },
    { "blanks around", "x\n  DSN \t", SMTP_DSN, 0, "\nDSN" },
};

static void test_reads_and_writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct smtp_extensions extensions;
        HELD(buf) out = BUF(4096);

        smtp_extensions_read(span_of(cases[i].text), &extensions);
        check_row(cases[i].label, extensions.offered == cases[i].offered);
        check_row(cases[i].label, extensions.size == cases[i].size);
        smtp_extensions_write(&extensions, &out);
        check_bytes(cases[i].label, buf_span(&out), span_of(cases[i].written));
    }
}

static void test_mechanisms(void **state)
{
    (void)state;
    struct smtp_extensions extensions;

    smtp_extensions_read(SPAN("x\nAUTH SCRAM-SHA-256-PLUS plain"), &extensions);
    assert_true(smtp_offers_mechanism(&extensions, "PLAIN"));
    assert_true(smtp_offers_mechanism(&extensions, "scram-sha-256-plus"));
    assert_false(smtp_offers_mechanism(&extensions, "SCRAM-SHA-256"));
    assert_false(smtp_offers_mechanism(&extensions, ""));
}

static void test_bounds(void **state)
{
    (void)state;
    struct smtp_extensions extensions;
    HELD(buf) text = BUF(1 << 16);

    buf_add(&text, "x");
    for (unsigned i = 0; i < SMTP_KEYWORDS_MAX; i++)
        buf_addf(&text, "\nAUTH M%u", i);
    buf_add(&text, "\nDSN");
    smtp_extensions_read(buf_span(&text), &extensions);
    assert_int_equal(extensions.mechanism_count, SMTP_MECHANISMS_MAX);
    assert_false(smtp_offers(&extensions, SMTP_DSN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_and_writes),
        cmocka_unit_test(test_mechanisms),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
