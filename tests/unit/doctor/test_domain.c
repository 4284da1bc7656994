/* Would receivers believe it? SPF, DKIM and DMARC by a zone in a table. */
#include "support/check.h"

#include <stdio.h>

#include "doctor/domain.h"
#include "support/knowledge.h"

/* "NAME: TEXT; NAME: TEXT": the texts of one name; "NAME: !" fails. */
static bool texts_of(const char *zone, const char *name, struct resolve_texts *ret_texts, bool *ret_failed)
{
    struct span rest = span_of(zone), entry;

    *ret_texts = (struct resolve_texts){ 0 };
    *ret_failed = false;
    while (span_split(&rest, '|', &entry)) {
        entry = span_trim(entry);
        size_t colon = span_find_text(entry, ": ");
        if (colon == entry.len || !span_is(span_cut(entry, 0, colon), name))
            continue;
        struct span text = span_from(entry, colon + 2);
        *ret_failed |= span_is(text, "!");
        snprintf(ret_texts->at[ret_texts->count++], sizeof ret_texts->at[0], "%.*s", SPAN_ARG(text));
    }
    return ret_texts->count && !*ret_failed;
}

#define CHAIN(n, to) "| n" #n ".test: v=spf1 include:n" #to ".test -all"

static const struct {
    const char *label, *wanted, *zone;
    enum spf_state state;
    const char *why; /* part of it; NULL: none */
    unsigned asked;
} walks[] = {
    { "it names it", "spf.provider.test", "d.test: v=spf1 include:spf.provider.test ~all | spf.provider.test: v=spf1 ip4:192.0.2.0/24 -all",
      SPF_NAMES, NULL, 2 },
    { "in other letters, with a dot", "spf.provider.test",
      "d.test: V=SPF1 Include:SPF.Provider.TEST. -all | SPF.Provider.TEST.: v=spf1 -all | SPF.Provider.TEST: v=spf1 -all", SPF_NAMES, NULL, 2 },
    { "not", "spf.provider.test", "d.test: v=spf1 mx a:x.test ip4:192.0.2.1 -all", SPF_WITHOUT, NULL, 1 },
    { "by way of another", "spf.provider.test",
      "d.test: v=spf1 include:a.test -all | a.test: v=spf1 include:spf.provider.test | spf.provider.test: v=spf1 -all", SPF_NAMES, NULL, 3 },
    { "redirected", "spf.provider.test", "d.test: v=spf1 redirect=spf.provider.test | spf.provider.test: v=spf1 -all", SPF_NAMES, NULL, 2 },
    { "a redirect behind all is none", "spf.provider.test", "d.test: v=spf1 -all redirect=spf.provider.test", SPF_WITHOUT, NULL, 1 },
    { "anybody may", "spf.provider.test", "d.test: v=spf1 +all", SPF_NAMES, NULL, 1 },
    { "anybody may, elsewhere", "spf.provider.test", "d.test: v=spf1 include:a.test -all | a.test: v=spf1 all", SPF_WITHOUT, NULL, 2 },
    { "none", "spf.provider.test", "d.test: google-site-verification=x | d.test: v=spf10 x", SPF_MISSING, NULL, 1 },
    { "no text at all", "spf.provider.test", "", SPF_MISSING, NULL, 1 },
    { "two", "spf.provider.test", "d.test: v=spf1 -all | d.test: v=spf1 include:spf.provider.test -all", SPF_BROKEN, "two of them", 1 },
    { "a word that is none", "spf.provider.test", "d.test: v=spf1 include=spf.provider.test a mx ipv4:192.0.2.1 -all", SPF_BROKEN, "a word", 1 },
    { "an include of nothing", "spf.provider.test", "d.test: v=spf1 include: -all", SPF_BROKEN, "a word", 1 },
    { "an include without a record", "spf.provider.test", "d.test: v=spf1 include:gone.test include:spf.provider.test -all", SPF_BROKEN,
      "has none", 2 },
    { "eleven lookups", "x.test", "d.test: v=spf1 a mx ptr exists:a.test a:b a:c a:d a:e a:f a:g a:h -all", SPF_BROKEN, "ten lookups", 1 },
    { "ten", "x.test", "d.test: v=spf1 a mx ptr exists:a.test a:b a:c a:d a:e a:f a:g -all", SPF_WITHOUT, NULL, 1 },
    { "a chain without an end", "x.test",
      "d.test: v=spf1 include:n1.test" CHAIN(1, 2) CHAIN(2, 3) CHAIN(3, 4) CHAIN(4, 5) CHAIN(5, 6) CHAIN(6, 7) CHAIN(7, 8)
      CHAIN(8, 9) CHAIN(9, 10) CHAIN(10, 11) CHAIN(11, 12), SPF_BROKEN, "ten lookups", 11 },
    { "a circle", "x.test", "d.test: v=spf1 include:d.test -all", SPF_BROKEN, "ten lookups", 11 },
    { "a macro decides", "spf.provider.test", "d.test: v=spf1 include:%{ir}._spf.d.test -all", SPF_UNKNOWN, NULL, 1 },
    { "a macro, and the name, too", "spf.provider.test",
      "d.test: v=spf1 exists:%{i}.x.test include:spf.provider.test -all | spf.provider.test: v=spf1 -all", SPF_NAMES, NULL, 2 },
    { "nobody answers", "spf.provider.test", "d.test: !", SPF_UNKNOWN, NULL, 1 },
    { "nobody answers for the one below", "spf.provider.test", "d.test: v=spf1 include:spf.provider.test | spf.provider.test: !",
      SPF_UNKNOWN, NULL, 2 },
    { "of a provider whose names nobody knows", "", "d.test: v=spf1 include:a.test -all | a.test: v=spf1 -all", SPF_THERE, NULL, 2 },
    { "blanks", "spf.provider.test", "d.test: v=spf1   include:spf.provider.test    -all  | spf.provider.test: v=spf1", SPF_NAMES, NULL, 2 },
};

static void test_spf(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(walks); i++) {
        const char *names[] = { walks[i].wanted };
        const struct words wanted = { .at = names, .count = *walks[i].wanted ? 1 : 0 };
        struct spf_walk walk;
        struct resolve_texts texts;
        const char *name;
        unsigned asked = 0;
        bool failed;

        spf_begin(&walk, SPAN("d.test"), &wanted);
        while ((name = spf_next(&walk))) {
            bool any = texts_of(walks[i].zone, name, &texts, &failed);
            check_row(walks[i].label, ++asked <= SPF_LOOKUPS_MAX + 1);
            spf_answer(&walk, any ? &texts : NULL, failed);
        }
        if (walk.state != walks[i].state || asked != walks[i].asked)
            fail_msg("case \"%s\": %s after %u, %s", walks[i].label, spf_word(walk.state), asked, walk.why ? walk.why : "");
        check_row(walks[i].label, !walk.why == !walks[i].why && (!walk.why || strstr(walk.why, walks[i].why)));
    }

    struct resolve_texts many = { .count = RESOLVE_RECORDS_MAX };
    const struct words none = { 0 };
    struct spf_walk walk;
    spf_begin(&walk, SPAN("d.test"), &none);
    spf_answer(&walk, &many, false); /* some were left out */
    assert_true(walk.state == SPF_UNKNOWN && !spf_next(&walk));
}

static void test_policies(void **state)
{
    static const struct {
        const char *text, *other;
        bool inherited;
        enum dmarc_policy policy;
    } cases[] = {
        { "v=DMARC1; p=reject; rua=mailto:x@d.test", NULL, false, DMARC_REJECT },
        { "v=DMARC1;p=Quarantine", NULL, false, DMARC_QUARANTINE },
        { " v = DMARC1 ; p = none ; sp=reject", NULL, false, DMARC_NONE },
        { "v=DMARC1; p=none; sp=reject", NULL, true, DMARC_REJECT },
        { "v=DMARC1; p=reject", NULL, true, DMARC_REJECT },
        { "v=DMARC1; p=sometimes", NULL, false, DMARC_UNKNOWN },
        { "v=DMARC1", NULL, false, DMARC_UNKNOWN },
        { "p=reject; v=DMARC1", NULL, false, DMARC_MISSING },
        { "v=DMARC12; p=reject", NULL, false, DMARC_MISSING },
        { "v=DMARC1; p=none", "v=DMARC1; p=reject", false, DMARC_MISSING },
        { "hello", "v=DMARC1; p=reject", false, DMARC_REJECT },
        { "", NULL, false, DMARC_MISSING },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct resolve_texts texts = { .count = cases[i].other ? 2 : 1 };
        snprintf(texts.at[0], sizeof texts.at[0], "%s", cases[i].text);
        snprintf(texts.at[1], sizeof texts.at[1], "%s", cases[i].other ? cases[i].other : "");
        if (dmarc_read(&texts, cases[i].inherited) != cases[i].policy)
            fail_msg("\"%s\": %s", cases[i].text, dmarc_word(dmarc_read(&texts, cases[i].inherited)));
    }
}

static void test_keys(void **state)
{
    static const struct {
        const char *text;
        bool key;
    } cases[] = {
        { "v=DKIM1; k=rsa; p=MIIB", true }, { "p=MIIB", true }, { "v=DKIM1; k=rsa; p=", false },
        { "v=DKIM1; k=rsa", false },        { "np=x", false },  { "", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct resolve_texts texts = { .count = 1 };
        snprintf(texts.at[0], sizeof texts.at[0], "%s", cases[i].text);
        check_row(cases[i].text, dkim_is_key(&texts) == cases[i].key);
    }
}

static const struct {
    const char *label, *profile;
    enum spf_state spf;
    enum dkim_state dkim;
    enum dmarc_policy dmarc;
    enum domain_aligned aligned;
    const char *notes, *facts;
} judged[] = {
    { "all is well", "fastmail", SPF_NAMES, DKIM_FOUND, DMARC_REJECT, ALIGNED_YES, "", "" },
    { "SPF is enough", "fastmail", SPF_NAMES, DKIM_MISSING, DMARC_REJECT, ALIGNED_YES, "dkim-missing", "dkim:missing" },
    { "DKIM is enough", "fastmail", SPF_MISSING, DKIM_FOUND, DMARC_REJECT, ALIGNED_YES, "spf-missing", "spf:missing" },
    { "neither, and that is asked for", "fastmail", SPF_WITHOUT, DKIM_MISSING, DMARC_REJECT, ALIGNED_NO,
      "dmarc-unaligned spf-without-provider dkim-missing", "spf:without dkim:missing dmarc:unaligned" },
    { "neither, and nobody minds", "fastmail", SPF_BROKEN, DKIM_MISSING, DMARC_NONE, ALIGNED_NO, "spf-broken dkim-missing",
      "spf:broken dkim:missing" },
    { "its selectors are its own", "zoho", SPF_WITHOUT, DKIM_UNKNOWN, DMARC_REJECT, ALIGNED_UNKNOWN, "spf-without-provider",
      "spf:without" },
    { "a service has its own envelopes", "sendgrid", SPF_WITHOUT, DKIM_FOUND, DMARC_REJECT, ALIGNED_YES, "", "" },
    { "a service that does not sign", "sendgrid", SPF_NAMES, DKIM_MISSING, DMARC_QUARANTINE, ALIGNED_NO,
      "dmarc-unaligned dkim-missing", "dkim:missing dmarc:unaligned" },
    { "nobody's server", NULL, SPF_THERE, DKIM_UNKNOWN, DMARC_REJECT, ALIGNED_UNKNOWN, "", "" },
    { "nobody's server, and nothing published", NULL, SPF_MISSING, DKIM_UNKNOWN, DMARC_MISSING, ALIGNED_UNKNOWN, "spf-missing",
      "spf:missing" },
    { "nobody answered", "fastmail", SPF_UNKNOWN, DKIM_UNKNOWN, DMARC_UNKNOWN, ALIGNED_UNKNOWN, "", "" },
};

static void test_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(judged); i++) {
        const struct profile *profile = judged[i].profile ? know_profile(know, judged[i].profile) : NULL;
        const struct domain_seen seen = { "d.test", judged[i].spf, "it is", judged[i].dkim, "s1", judged[i].dmarc };
        struct doctor_notes notes = { 0 };
        const char *facts[DOMAIN_FACTS_MAX];
        char words[200] = "";

        assert_true(profile || !judged[i].profile);
        check_row(judged[i].label, domain_aligned(&seen, profile) == judged[i].aligned);
        domain_notes(&seen, profile, &notes);
        for (size_t k = 0; k < notes.count; k++) {
            snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", k ? " " : "", notes.at[k].word);
            check_row(judged[i].label, strstr(notes.at[k].text, "d.test") && strlen(notes.at[k].text) < NOTE_TEXT_MAX - 1);
        }
        check_bytes(judged[i].label, span_of(words), span_of(judged[i].notes));
        words[0] = '\0';
        for (size_t k = 0, count = domain_facts(&seen, profile, facts); k < count; k++)
            snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", k ? " " : "", facts[k]);
        check_bytes(judged[i].label, span_of(words), span_of(judged[i].facts));
    }
}

static void test_whose(void **state)
{
    static const struct {
        const char *address, *profile, *domain;
    } cases[] = {
        { "me@d.test", "fastmail", "d.test" },     { "me@d.test", NULL, "d.test" },
        { "me@fastmail.com", "fastmail", "" },     { "me@live.com", "outlook.com", "" },
        { "me@live.com", "microsoft365", "" },     { "me@gmail.com", "fastmail", "gmail.com" },
        { "me@gmail.com", NULL, "" },              { "me@x.onmicrosoft.com", "microsoft365", "" },
        { "\"a@b\"@d.test", "fastmail", "d.test" }, { "me@[192.0.2.1]", "fastmail", "" },
        { "me", "fastmail", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_bytes(cases[i].address,
                    domain_of_ones_own(know, cases[i].address, cases[i].profile ? know_profile(know, cases[i].profile) : NULL),
                    span_of(cases[i].domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spf),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_judged),
        cmocka_unit_test(test_whose),
    };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
