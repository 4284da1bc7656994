/* What a server says of itself, beside what is known of its provider. */
#include "support/check.h"

#include <stdio.h>

#include "doctor/greeting.h"
#include "support/knowledge.h"

#define ALL "SIZE 8BITMIME AUTH ENHANCEDSTATUSCODES PIPELINING CHUNKING SMTPUTF8"

static const struct {
    const char *label, *profile, *said, *clear, *inside; /* inside: NULL: TLS never came */
    const char *words;                                   /* of the notes */
} cases[] = {
    { "its own words", "gmail", "220 smtp.gmail.com ESMTP x - gsmtp", "SIZE 8BITMIME STARTTLS ENHANCEDSTATUSCODES PIPELINING "
      "CHUNKING SMTPUTF8", ALL, "" },
    { "its other name", "gmail", "220 mx.google.com ESMTP x - gsmtp", NULL, ALL, "" },
    { "Microsoft's inner names", "outlook.com", "220 LO4P123CA0220.outlook.office365.com Microsoft ESMTP MAIL Service ready",
      NULL, NULL, "" },
    { "somebody else's greeting", "gmail", "220 relay.isp.example ESMTP Postfix", NULL, NULL, "greeting-other" },
    { "a refusal is no greeting", "gmail", "554 go away", NULL, NULL, "" },
    { "less inside TLS", "gmail", "220 smtp.gmail.com ESMTP", NULL, "SIZE AUTH PIPELINING",
      "offers-less: The server does not offer what Gmail does (8BITMIME ENHANCEDSTATUSCODES CHUNKING SMTPUTF8)" },
    { "less before TLS", "gmail", "220 smtp.gmail.com ESMTP", "SIZE", ALL, "offers-less" },
    { "before TLS it is not asked for what comes inside", "gmail", "220 smtp.gmail.com ESMTP",
      "SIZE 8BITMIME STARTTLS ENHANCEDSTATUSCODES PIPELINING CHUNKING SMTPUTF8", NULL, "" },
    { "somebody of whom little is known", "gandi", "220 anything at all", "SIZE", "SIZE", "" },
    { "what Yahoo says today", "yahoo", "220 smtp.mail.yahoo.com ESMTP ready", NULL, "PIPELINING ENHANCEDSTATUSCODES 8BITMIME SIZE AUTH", "" },
    { "nobody", NULL, "220 anything at all", "SIZE", "SIZE", "" },
};

static void add(struct doctor_step *step, enum doctor_rung rung, const char *key, const char *value)
{
    *step = (struct doctor_step){ .rung = rung, .state = STEP_OK };
    if (!value)
        return;
    step->details[0].key = key;
    snprintf(step->details[0].value, sizeof step->details[0].value, "%s", value);
    step->detail_count = 1;
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct profile *profile = cases[i].profile ? know_profile(know, cases[i].profile) : NULL;
        struct doctor_step steps[4];
        size_t steps_count = 0;
        struct doctor_notes notes = { 0 };
        HELD(buf) words = BUF(2000);

        check_row(cases[i].label, !cases[i].profile || profile);
        add(&steps[steps_count++], RUNG_BANNER, "said", cases[i].said);
        if (cases[i].clear)
            add(&steps[steps_count++], RUNG_EHLO, "offers", cases[i].clear);
        if (cases[i].inside) {
            add(&steps[steps_count++], RUNG_TLS, NULL, NULL);
            add(&steps[steps_count++], RUNG_EHLO, "offers", cases[i].inside);
        }
        greeting_notes(profile, steps, steps_count, &notes);
        for (size_t n = 0; n < notes.count; n++)
            buf_addf(&words, "%s: %s", notes.at[n].word, notes.at[n].text);
        check_row(cases[i].label, span_starts(buf_span(&words), cases[i].words) && (*cases[i].words || !words.len));
    }
}

/* As each of them was seen to greet, at the least; and a stranger in its place. */
static void test_of_providers(void **state)
{
    static const struct {
        const char *profile, *said;
    } rows[] = {
        { "yahoo", "220 smtp.mail.yahoo.com ESMTP ready" },
        { "aol", "220 smtp.mail.yahoo.com ESMTP ready" },
        { "icloud", "220 iCloud SMTP - outbound.aa.icloud.com" },
        { "gmx", "220 gmx.net (mrgmx000) Nemesis ESMTP Service ready" },
        { "gmx", "220 gmx.com (mrgmx000) Nemesis ESMTP Service ready" },
        { "zoho", "220 mx.zohomail.com SMTP Server ready January 1, 2026 0:00:00 AM PST" },
        { "amazon-ses", "220 email-smtp.amazonaws.com ESMTP SimpleEmailService-d-AAAAAAAAA aaaaaaaaaaaa" },
        { "sendgrid", "220 SG ESMTP service ready at ismtpd0000p1aaa1.sendgrid.net" },
        { "mailgun", "220 Mailgun Influx ready" },
        { "yandex", "220 smtp0o.mail.yandex.net ESMTP (Want to use Yandex.Mail for your domain? Visit http://pdd.yandex.ru)" },
        { "yandex", "220 mail-nwsmtp-smtp-production-main-0.aaa.yp-c.yandex.net (Want to use Yandex.Mail)" },
        { "mail.ru", "220 smtp00.i.mail.ru ESMTP ready" },
        { "qq.com", "220 newxmesmtplogicsvrsza0-0.qq.com XMail Esmtp QQ Mail Server." },
        { "163.com", "220 163.com Anti-spam GT for Coremail System (163com[20200101])" },
        { "126.com", "220 126.com Anti-spam GT for Coremail System (126com[20200101])" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct profile *profile = know_profile(know, rows[i].profile);
        check_row(rows[i].said, profile && profile_greets(profile, span_of(rows[i].said)));
        check_row(rows[i].profile, !profile_greets(profile, SPAN("220 relay.isp.example ESMTP Postfix")));
        check_row(rows[i].profile, !profile_greets(profile, SPAN("220 ********")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_of_providers) };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
