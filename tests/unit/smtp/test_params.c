#include "support/check.h"

#include "mail/envelope.h"
#include "smtp/params.h"

static const struct smtp_extensions all = {
    .offered = SMTP_SIZE | SMTP_8BITMIME | SMTP_BINARYMIME | SMTP_SMTPUTF8 | SMTP_DSN | SMTP_AUTH,
    .size = 1000,
};
static const struct smtp_extensions none = { 0 };

/* What is read is written again: `back` is the one form of it; a number is the refusal. */
static const struct {
    const char *label, *text, *back;
    unsigned reply;
} mail_cases[] = {
    { "none", "", "", 0 },
    { "all", " SIZE=10 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=a+2Bb",
      " SIZE=10 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=a+2Bb", 0 },
    { "any case", "size=10 body=8bitmime ret=hdrs", " SIZE=10 BODY=8BITMIME RET=HDRS", 0 },
    { "7BIT is left unsaid", "BODY=7BIT", "", 0 },
    { "binary", "BODY=BINARYMIME", " BODY=BINARYMIME", 0 },
    { "AUTH is taken and dropped", "AUTH=<>", "", 0 },
    { "AUTH of somebody", "AUTH=me+40x.example", "", 0 },
    { "the size limit", "SIZE=1000", " SIZE=1000", 0 },
    { "above it", "SIZE=1001", NULL, 552 },
    { "unknown", "FOO=1", NULL, 555 },
    { "RCPT's at MAIL", "NOTIFY=NEVER", NULL, 555 },
    { "twice", "SIZE=1 SIZE=1", NULL, 501 },
    { "twice in another case", "SMTPUTF8 smtputf8", NULL, 501 },
    { "two blanks", "SIZE=1  SMTPUTF8", NULL, 555 },
    { "size without a value", "SIZE", NULL, 501 },
    { "size with an empty one", "SIZE=", NULL, 501 },
    { "size that is no number", "SIZE=1x", NULL, 501 },
    { "size above 64 bits", "SIZE=18446744073709551616", NULL, 501 },
    { "body of another kind", "BODY=9BIT", NULL, 501 },
    { "SMTPUTF8 with a value", "SMTPUTF8=yes", NULL, 501 },
    { "SMTPUTF8 with an empty one", "SMTPUTF8=", NULL, 501 },
    { "RET of another kind", "RET=HALF", NULL, 501 },
    { "ENVID empty", "ENVID=", NULL, 501 },
    { "ENVID hides a line end", "ENVID=a+0D+0ARSET", NULL, 501 },
    { "ENVID hides a NUL", "ENVID=a+00", NULL, 501 },
    { "ENVID with small hex", "ENVID=a+2b", NULL, 501 },
    { "ENVID cut short", "ENVID=a+2", NULL, 501 },
    { "AUTH empty", "AUTH=", NULL, 501 },
};

static void test_mail(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(mail_cases); i++) {
        OWN(envelope) envelope = envelope_new();
        HELD(buf) back = BUF(1024);
        struct smtp_wishes wishes;
        struct err err = { 0 };
        bool good = smtp_mail_params_read(span_of(mail_cases[i].text), &all, envelope, &wishes, &err);

        check_row(mail_cases[i].label, good == !mail_cases[i].reply);
        check_row(mail_cases[i].label, err.reply == mail_cases[i].reply);
        if (!good)
            continue;
        check_row(mail_cases[i].label, smtp_mail_params_write(envelope, &all, &back, &err));
        check_bytes(mail_cases[i].label, buf_span(&back), span_of(mail_cases[i].back));
    }
}

static const struct smtp_extensions later = {
    .offered = SMTP_FUTURERELEASE | SMTP_DELIVERBY | SMTP_MT_PRIORITY,
    .hold_max = 3600, .hold_until_max = 1798761599, .deliver_by_min = 60,
};

static const struct {
    const char *label, *text;
    bool good;
    struct smtp_wishes wishes;
} wish_cases[] = {
    { "nothing", "", true, { 0 } },
    { "hold for", "HOLDFOR=3600", true, { .hold_for = 3600 } },
    { "hold for too long", "HOLDFOR=3601", false, { 0 } },
    { "hold for nothing", "HOLDFOR=0", false, { 0 } },
    { "hold for less than nothing", "HOLDFOR=-1", false, { 0 } },
    { "hold until", "HOLDUNTIL=2026-12-31T23:59:59Z", true, { .hold_until = 1798761599 } },
    { "hold until a second later", "HOLDUNTIL=2027-01-01T00:00:00Z", false, { 0 } },
    { "hold until some day", "HOLDUNTIL=tomorrow", false, { 0 } },
    { "hold until the beginning", "HOLDUNTIL=1970-01-01T00:00:00Z", true, { .hold_until = 1 } },
    { "both", "HOLDFOR=60 HOLDUNTIL=2026-12-31T23:59:59Z", false, { 0 } },
    { "both, the other way round", "HOLDUNTIL=2026-12-31T23:59:59Z HOLDFOR=60", false, { 0 } },
    { "by", "BY=120;R", true, { .has_by = true, .by_time = 120, .by_returns = true } },
    { "by, small letters, traced", "by=+120;nt", true, { .has_by = true, .by_time = 120, .by_trace = true } },
    { "by the past, told of", "BY=-120;N", true, { .has_by = true, .by_time = -120 } },
    { "by the past, returned", "BY=-120;R", false, { 0 } },
    { "by now, returned", "BY=0;R", false, { 0 } },
    { "by less than can be promised", "BY=59;R", false, { 0 } },
    { "by less, told of", "BY=59;N", true, { .has_by = true, .by_time = 59 } },
    { "by the longest", "BY=999999999;R", true, { .has_by = true, .by_time = 999999999, .by_returns = true } },
    { "by ten digits", "BY=0000000120;R", false, { 0 } },
    { "by what", "BY=120", false, { 0 } },
    { "by another word", "BY=120;X", false, { 0 } },
    { "by too much", "BY=120;RTT", false, { 0 } },
    { "by two signs", "BY=-+1;N", false, { 0 } },
    { "by nothing", "BY=;N", false, { 0 } },
    { "first", "MT-PRIORITY=9", true, { .priority = 9 } },
    { "last", "MT-PRIORITY=-9", true, { .priority = -9 } },
    { "as usual", "MT-PRIORITY=0", true, { 0 } },
    { "minus nothing", "MT-PRIORITY=-0", false, { 0 } },
    { "too high", "MT-PRIORITY=10", false, { 0 } },
    { "two digits", "MT-PRIORITY=03", false, { 0 } },
    { "a plus", "MT-PRIORITY=+3", false, { 0 } },
    { "no priority", "MT-PRIORITY=", false, { 0 } },
};

static void test_wishes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wish_cases); i++) {
        OWN(envelope) envelope = envelope_new();
        struct smtp_wishes wishes;
        struct err err = { 0 };

        assert_true(envelope_set_sender(envelope, SPAN("a@x.org"), &err));
        bool good = smtp_mail_params_read(span_of(wish_cases[i].text), &later, envelope, &wishes, &err);
        check_row(wish_cases[i].label, good == wish_cases[i].good);
        check_row(wish_cases[i].label, good || err.reply == 501);
        if (good)
            check_row(wish_cases[i].label, wishes.hold_for == wish_cases[i].wishes.hold_for &&
                                               wishes.hold_until == wish_cases[i].wishes.hold_until &&
                                               wishes.has_by == wish_cases[i].wishes.has_by &&
                                               wishes.by_time == wish_cases[i].wishes.by_time &&
                                               wishes.by_returns == wish_cases[i].wishes.by_returns &&
                                               wishes.by_trace == wish_cases[i].wishes.by_trace &&
                                               wishes.priority == wish_cases[i].wishes.priority);
        assert_false(smtp_mail_params_read(SPAN("HOLDFOR=1"), &all, envelope, &wishes, &err));
        assert_int_equal(err.reply, 555);
    }
    OWN(envelope) report = envelope_new();
    struct smtp_wishes wishes;
    struct err err = { 0 };
    assert_false(smtp_mail_params_read(SPAN("HOLDFOR=60"), &later, report, &wishes, &err));
    assert_int_equal(err.reply, 501);
}

static const struct {
    const char *label, *text;
    unsigned notify, reply;
    const char *orcpt;
} rcpt_cases[] = {
    { "none", "", 0, 0, "" },
    { "all", " NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+2Bb@x.org",
      NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, 0, "rfc822;a+b@x.org" },
    { "never", "notify=never", NOTIFY_NEVER, 0, "" },
    { "never with another", "NOTIFY=NEVER,DELAY", 0, 501, NULL },
    { "a word twice", "NOTIFY=DELAY,DELAY", 0, 501, NULL },
    { "no word", "NOTIFY=", 0, 501, NULL },
    { "a comma too many", "NOTIFY=DELAY,", 0, 501, NULL },
    { "a comma too many in front", "NOTIFY=,DELAY", 0, 501, NULL },
    { "another word", "NOTIFY=ALWAYS", 0, 501, NULL },
    { "ORCPT without a type", "ORCPT=me@x.org", 0, 501, NULL },
    { "ORCPT with an empty type", "ORCPT=;me@x.org", 0, 501, NULL },
    { "ORCPT with a type alone", "ORCPT=rfc822;", 0, 501, NULL },
    { "ORCPT hides a line end", "ORCPT=rfc822;a+0Ab", 0, 501, NULL },
    { "twice", "NOTIFY=DELAY NOTIFY=DELAY", 0, 501, NULL },
    { "MAIL's at RCPT", "SIZE=1", 0, 555, NULL },
};

static void test_rcpt(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rcpt_cases); i++) {
        HELD(buf) orcpt = BUF(ENVELOPE_ORCPT_MAX);
        unsigned notify = 0;
        struct err err = { 0 };
        bool good = smtp_rcpt_params_read(span_of(rcpt_cases[i].text), &all, &notify, &orcpt, &err);

        check_row(rcpt_cases[i].label, good == !rcpt_cases[i].reply);
        check_row(rcpt_cases[i].label, err.reply == rcpt_cases[i].reply);
        check_row(rcpt_cases[i].label, notify == rcpt_cases[i].notify);
        if (good)
            check_bytes(rcpt_cases[i].label, buf_span(&orcpt), span_of(rcpt_cases[i].orcpt));
    }
}

static void test_only_what_is_offered(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_new();
    HELD(buf) out = BUF(1024), orcpt = BUF(100);
    struct smtp_wishes wishes;
    struct err err = { 0 };
    unsigned notify;

    assert_false(smtp_mail_params_read(SPAN("SIZE=1"), &none, envelope, &wishes, &err));
    assert_int_equal(err.reply, 555);
    assert_false(smtp_rcpt_params_read(SPAN("NOTIFY=DELAY"), &none, &notify, &orcpt, &err));
    assert_int_equal(err.reply, 555);

    envelope->size = 5;
    envelope->ret = RET_FULL;
    assert_true(envelope_set_envid(envelope, SPAN("x"), &err));
    assert_true(envelope_add_dsn(envelope, SPAN("a@example.org"), NOTIFY_DELAY,
                                 SPAN("rfc822;a@example.org"), &err));
    assert_true(smtp_mail_params_write(envelope, &none, &out, &err));
    assert_true(smtp_rcpt_params_write(&envelope->recipients[0], &none, &out, &err));
    check_bytes("nothing is offered", buf_span(&out), SPAN(""));
    assert_true(smtp_rcpt_params_write(&envelope->recipients[0], &all, &out, &err));
    check_bytes("all is", buf_span(&out), SPAN(" NOTIFY=DELAY ORCPT=rfc822;a@example.org"));
}

static const struct {
    const char *label;
    struct span plain;
    const char *xtext;
} xtexts[] = {
    { "empty", SPAN_INIT(""), "" },
    { "plain", SPAN_INIT("a@b.c"), "a@b.c" },
    { "plus and equals", SPAN_INIT("a+b=c"), "a+2Bb+3Dc" },
    { "a blank", SPAN_INIT("a b"), "a+20b" },
    { "8 bits", SPAN_INIT("\xc3\xa9"), "+C3+A9" },
};

static void test_xtext(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(xtexts); i++) {
        HELD(buf) out = BUF(100), back = BUF(100);
        smtp_xtext_write(&out, xtexts[i].plain);
        check_bytes(xtexts[i].label, buf_span(&out), span_of(xtexts[i].xtext));
        check_row(xtexts[i].label, smtp_xtext_read(&back, buf_span(&out)));
        check_bytes(xtexts[i].label, buf_span(&back), xtexts[i].plain);
    }
    HELD(buf) small = BUF(3);
    assert_true(smtp_xtext_read(&small, SPAN("ab")));
    assert_false(smtp_xtext_read(&small, SPAN("cd")));
    check_bytes("what was there stays", buf_span(&small), SPAN("ab"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail),
        cmocka_unit_test(test_rcpt),
        cmocka_unit_test(test_only_what_is_offered),
        cmocka_unit_test(test_xtext),
        cmocka_unit_test(test_wishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
