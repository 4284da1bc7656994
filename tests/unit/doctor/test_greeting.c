/* What a server says of itself, beside what is known of its provider. */
#include "support/check.h"

#include <stdio.h>

#include "doctor/greeting.h"
#include "know/embedded.h"
#include "know/knowledge.h"

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
    const struct knowledge_text *texts;
    struct knowledge *know;
    struct err err;
    size_t count;

    (void)state;
    texts = know_embedded(&count);
    assert_true(know_new(texts, count, &know, &err));
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
    knowledge_free(know);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
