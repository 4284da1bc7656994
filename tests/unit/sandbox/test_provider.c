#include "support/check.h"

#include "know/embedded.h"
#include "sandbox/provider.h"

static struct knowledge *known(void)
{
    struct knowledge *know = NULL;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    assert_true(know_new(texts, count, &know, NULL));
    return know;
}

static const struct {
    const char *label, *text, *enhanced, *words;
    uint16_t code;
} replies[] = {
    { "with all", "535 5.7.8 Wrong [mx1.example]", "5.7.8", "Wrong", 535 },
    { "without an enhanced code", "535 Wrong", NULL, "Wrong", 535 },
    { "only a code", "450", NULL, "", 450 },
    { "a bracket inside", "550 5.1.1 [x] who", "5.1.1", "[x] who", 550 },
    { "good news", "250 2.0.0 ok", NULL, NULL, 0 },
    { "four digits", "5355 x", NULL, NULL, 0 },
    { "words", "smtplib.SMTPAuthenticationError", NULL, NULL, 0 },
    { "nothing", "", NULL, NULL, 0 },
};

static void test_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        struct pool pool = { NULL };
        struct provider_reply reply = provider_reply(&pool, span_of(replies[i].text));
        check_row(replies[i].label, reply.code == replies[i].code);
        check_bytes(replies[i].label, span_of(reply.enhanced), span_of(replies[i].enhanced));
        check_bytes(replies[i].label, span_of(reply.text), span_of(replies[i].words));
        pool_done(&pool);
    }
}

static const struct {
    const char *address, *enhanced;
    uint16_t code;
    bool drops;
} wishes[] = {
    { "user+451-4.7.500@x.org", "4.7.500", 451, false },
    { "user+550@x.org", NULL, 550, false },
    { "a+b+421@x.org", NULL, 421, false },
    { "user@x.org", NULL, 0, false },
    { "user+news@x.org", NULL, 0, false },
    { "user+250@x.org", NULL, 0, false },
    { "user+5501@x.org", NULL, 0, false },
    { "user+550-5.1@x.org", NULL, 0, false },
    { "user+550-5.1.1x@x.org", NULL, 0, false },
    { "user@x+550.org", NULL, 0, false },
    { "user+drop-after-dot@x.org", NULL, 0, true },
};

static void test_wishes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wishes); i++) {
        struct pool pool = { NULL };
        struct provider_reply reply = provider_wish(&pool, wishes[i].address);
        check_row(wishes[i].address, reply.code == wishes[i].code);
        check_bytes(wishes[i].address, span_of(reply.enhanced), span_of(wishes[i].enhanced));
        check_row(wishes[i].address, provider_wishes_drop(wishes[i].address) == wishes[i].drops);
        pool_done(&pool);
    }
}

static void test_outlook(void **state)
{
    (void)state;
    OWN(knowledge) know = known();
    struct provider provider;

    assert_true(provider_make(know, "outlook.com", &provider, NULL));
    assert_string_equal(provider.names[0], "smtp-mail.outlook.com");
    bool old = false;
    for (size_t i = 0; i < provider.name_count; i++)
        old |= strcmp(provider.names[i], "smtp.live.com") == 0;
    assert_true(old);
    assert_int_equal(provider.password_off.code, 535);
    assert_string_equal(provider.password_off.enhanced, "5.7.139");
    assert_string_equal(provider.password_off.text,
                        "Authentication unsuccessful, basic authentication is disabled.");
    assert_true(smtp_offers_mechanism(&provider.plan.secured, "LOGIN"));
    assert_true(smtp_offers_mechanism(&provider.plan.secured, "XOAUTH2"));
    assert_false(smtp_offers(&provider.plan.clear, SMTP_AUTH));
    assert_true(smtp_offers(&provider.plan.clear, SMTP_STARTTLS));
    assert_int_equal(provider.plan.secured.rcpt_max, 500);
    provider_done(&provider);
}

/* Whatever profile there is can be played. */
static void test_every_profile(void **state)
{
    (void)state;
    OWN(knowledge) know = known();
    struct err err = { 0 };

    for (size_t i = 0; i < know_profile_count(know); i++) {
        const char *id = know_profile_at(know, i)->id;
        struct provider provider;
        check_row(id, provider_make(know, id, &provider, &err));
        check_row(id, smtp_offers(&provider.plan.clear, SMTP_STARTTLS));
        provider_done(&provider);
    }
    struct provider none;
    assert_false(provider_make(know, "nobody.example", &none, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_wishes),
        cmocka_unit_test(test_outlook),
        cmocka_unit_test(test_every_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
