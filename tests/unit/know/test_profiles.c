/* The profiles that are built in: sane, and found again by all that finds them. */
#include "support/check.h"

#include "base/str.h"
#include "know/cause.h"
#include "know/embedded.h"
#include "know/profile.h"
#include "support/alloc_fails.h"

static struct knowledge *know;

static int load(void **state)
{
    (void)state;
    struct err err = { 0 };
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);
    if (know_new(texts, count, &know, &err))
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int unload(void **state)
{
    (void)state;
    knowledge_free(know);
    return 0;
}

/* Letters in small, digits, hyphens, dots between; a place to fill in may stand for a label. */
static bool is_name(const char *name)
{
    size_t braces = 0;

    for (const char *c = name; *c; c++) {
        braces += *c == '{' || *c == '}';
        if ((*c < 'a' || *c > 'z') && !str_is_digit(*c) && *c != '-' && *c != '.' && *c != '{' &&
            *c != '}')
            return false;
    }
    size_t len = strlen(name);
    return len > 2 && braces % 2 == 0 && name[0] != '.' && name[len - 1] != '.' && name[0] != '-';
}

static void check_servers(const struct profile *profile)
{
    static const uint16_t ports[] = { 25, 465, 586, 587, 1025, 2465, 2525, 2587 };

    check_row(profile->id, profile->server_count > 0);
    for (size_t i = 0; i < profile->server_count; i++) {
        bool usual = false;
        for (size_t k = 0; k < COUNT(ports); k++)
            usual = usual || ports[k] == profile->servers[i].port;
        check_row(profile->id, usual && is_name(profile->servers[i].host));
    }
}

static void test_sane(void **state)
{
    (void)state;
    assert_true(know_profile_count(know) >= 199);
    for (size_t i = 0; i < know_profile_count(know); i++) {
        const struct profile *profile = know_profile_at(know, i);
        check_servers(profile);
        check_row(profile->id, profile->name[0] && know_profile(know, profile->id) == profile);
        check_row(profile->id, i == 0 || strcmp(know_profile_at(know, i - 1)->id, profile->id) < 0);
        for (size_t k = 0; k < profile->mx_suffixes.count; k++)
            check_row(profile->id, is_name(profile->mx_suffixes.at[k]));
        for (size_t k = 0; k < profile->legacy_hosts.count; k++)
            check_row(profile->id, is_name(profile->legacy_hosts.at[k]));
        for (size_t k = 0; k < profile->domain_patterns.count; k++) {
            struct span pattern = span_of(profile->domain_patterns.at[k]);
            check_row(pattern.at, span_starts(pattern, "*.") != span_ends_word(pattern, ".*"));
        }
        check_row(profile->id, profile->mechanisms.count > 0 || profile->password == PASSWORD_TAKEN);
        check_row(profile->id, profile->username != USERNAME_OTHER || profile->username_note);
        check_row(profile->id, !profile->http_api == !profile->http_api_host);
    }
}

/* Each domain is one provider's, and the index finds it in any case. */
static void test_domains(void **state)
{
    (void)state;
    size_t domains = 0;

    for (size_t i = 0; i < know_profile_count(know); i++) {
        const struct profile *profile = know_profile_at(know, i);
        for (size_t k = 0; k < profile->domains.count; k++, domains++) {
            char large[128];
            size_t len = strlen(profile->domains.at[k]);
            check_row(profile->domains.at[k], is_name(profile->domains.at[k]) && len < sizeof large);
            for (size_t c = 0; c <= len; c++)
                large[c] = profile->domains.at[k][c];
            large[0] = large[0] >= 'a' && large[0] <= 'z' ? (char)(large[0] - 32) : large[0];
            check_row(large, know_profile_of_domain(know, span_of(large)) == profile);
        }
    }
    assert_true(domains > 1000);
}

static void test_oauth(void **state)
{
    (void)state;
    size_t with = 0;

    for (size_t i = 0; i < know_profile_count(know); i++) {
        const struct profile_oauth *oauth = &know_profile_at(know, i)->oauth;
        const char *urls[] = { oauth->authorize, oauth->token, oauth->device,
                               oauth->metadata,  oauth->issuer, oauth->revoke };
        if (!oauth->token)
            continue;
        with++;
        check_row(know_profile_at(know, i)->id, oauth->scope && oauth->redirect && oauth->grants);
        check_row(know_profile_at(know, i)->id, !(oauth->grants & GRANT_DEVICE) || oauth->device);
        check_row(know_profile_at(know, i)->id, !(oauth->grants & GRANT_CODE) || oauth->authorize);
        check_row(know_profile_at(know, i)->id, !oauth->client_id);
        for (size_t k = 0; k < COUNT(urls); k++)
            check_row(know_profile_at(know, i)->id, !urls[k] || span_starts(span_of(urls[k]), "https://"));
    }
    assert_true(with >= 17);
}

static const struct {
    const char *label, *domain, *id;
} domains[] = {
    { "exactly",           "live.com",             "outlook.com"  },
    { "large letters",     "Live.COM",             "outlook.com"  },
    { "with its dot",      "live.com.",            "outlook.com"  },
    { "by pattern",        "hotmail.com.pe",       "outlook.com"  },
    { "exact first",       "yahoo.co.jp",          "yahoo.co.jp"  },
    { "Yahoo elsewhere",   "yahoo.com.sg",         "yahoo"        },
    { "a tenant's own",    "x.onmicrosoft.com",    "microsoft365" },
    { "not at the end",    "live.com.example.org", NULL           },
    { "somebody's subdomain", "live.example.org",  NULL           },
    { "a country's",       "live.tv",              "outlook.com"  },
    { "no ending at all",  "live.",                NULL           },
    { "only the end",      "notlive.com",          NULL           },
    { "nobody's",          "example.org",          NULL           },
    { "nothing",           "",                     NULL           },
};

static void test_of_domain(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(domains); i++) {
        const struct profile *profile = know_profile_of_domain(know, span_of(domains[i].domain));
        check_bytes(domains[i].label, span_of(profile ? profile->id : ""), span_of(domains[i].id));
    }
}

static const struct {
    const char *label, *host, *id;
} mxs[] = {
    { "consumer Outlook",   "live-com.olc.protection.outlook.com",     "outlook.com"      },
    { "Microsoft 365",      "example-com.mail.protection.outlook.com", "microsoft365"     },
    { "with its dot",       "aspmx.l.google.com.",                     "google-workspace" },
    { "the longest suffix", "gmail-smtp-in.l.google.com",              "gmail"            },
    { "large letters",      "IN1-SMTP.MESSAGINGENGINE.COM",            "fastmail"         },
    { "not a whole label",  "notmessagingengine.com",                  NULL               },
    { "nobody's",           "mx.example.org",                          NULL               },
};

static void test_of_mx(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(mxs); i++) {
        const struct profile *profile = know_profile_of_mx(know, span_of(mxs[i].host));
        check_bytes(mxs[i].label, span_of(profile ? profile->id : ""), span_of(mxs[i].id));
    }
}

static const struct {
    const char *label, *host, *id;
} hosts[] = {
    { "its own",               "smtp-mail.outlook.com",               "outlook.com"  },
    { "named first elsewhere", "smtp.office365.com",                  "microsoft365" },
    { "of two, the larger",    "smtp.mail.yahoo.com",                 "yahoo"        },
    { "one of old",            "smtp.live.com",                       "outlook.com"  },
    { "with a region",         "email-smtp.eu-west-1.amazonaws.com",  "amazon-ses"   },
    { "too short for one",     "email-smtp.amazonaws.com",            NULL           },
    { "nobody's",              "mail.example.org",                    NULL           },
};

static void test_of_host(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(hosts); i++) {
        const struct profile *profile = know_profile_of_host(know, span_of(hosts[i].host));
        check_bytes(hosts[i].label, span_of(profile ? profile->id : ""), span_of(hosts[i].id));
    }
    assert_true(profile_is_legacy_host(know_profile(know, "outlook.com"), SPAN("SMTP.live.com")));
    assert_false(profile_is_legacy_host(know_profile(know, "outlook.com"), SPAN("live.com")));
}

static void test_outlook(void **state)
{
    (void)state;
    const struct profile *profile = know_profile(know, "outlook.com");

    assert_non_null(profile);
    assert_string_equal(profile->servers[0].host, "smtp-mail.outlook.com");
    assert_int_equal(profile->servers[0].port, 587);
    assert_int_equal(profile->servers[0].security, SECURITY_STARTTLS);
    assert_int_equal(profile->password, PASSWORD_OFF);
    assert_string_equal(profile->password_since, "2024-09-16");
    assert_int_equal(profile->limits.messages_per_minute, 30);
    assert_int_equal(profile->limits.connections, 3);
    assert_int_equal(profile->capabilities.pipeline, PIPELINE_COMMANDS);
    assert_int_equal(profile->capabilities.sender_check, SENDER_CHECK_END);
    assert_true(profile->capabilities.long_initial_response);
    assert_false(profile->capabilities.error_challenge);
    assert_true(words_have(profile->mechanisms, "xoauth2"));
    assert_string_equal(profile->oauth.tenant, "consumers");
    assert_int_equal(profile->oauth.grants, GRANT_CODE | GRANT_DEVICE);
    assert_int_equal(profile->oauth.refresh_lifetime_ms, 90ULL * 24 * 3600 * 1000);
    assert_true(profile->oauth.one_resource && profile->oauth.rotates && profile->oauth.pkce);
}

static void test_fill(void **state)
{
    (void)state;
    HELD(buf) out = BUF(200);

    assert_true(profile_fill(&out, "https://a/{tenant}/b", "consumers"));
    assert_string_equal(buf_text(&out), "https://a/consumers/b");
    buf_clear(&out);
    assert_true(profile_fill(&out, "https://a/b", NULL));
    assert_string_equal(buf_text(&out), "https://a/b");
    assert_false(profile_fill(&out, "https://a/{tenant}/b", NULL));
    assert_false(profile_fill(&out, "https://a/{tenant}/b", ""));
    assert_false(profile_fill(&out, "https://a/{tenant}/b", "x/../y"));
    assert_string_equal(buf_text(&out), "https://a/b");
}

static void test_words(void **state)
{
    (void)state;
    enum security security = SECURITY_NONE;

    assert_true(security_from_word(SPAN("StartTLS"), &security) && security == SECURITY_STARTTLS);
    assert_false(security_from_word(SPAN("ssl"), &security));
    assert_string_equal(security_word(SECURITY_TLS), "tls");
    assert_string_equal(profile_kind_word(PROFILE_BRIDGE), "bridge");
}

static void test_fixes(void **state)
{
    (void)state;
    const struct cause *cause = know_cause(know, "account_locked");
    const char *steps[20], *one[1];

    assert_non_null(cause);
    assert_null(know_cause(know, "no_such_cause"));
    size_t all = cause_fixes(know, cause, NULL, false, steps, COUNT(steps));
    const char *first = steps[0];
    assert_true(all > 0);
    assert_true(cause_fixes(know, cause, "outlook.com", false, steps, COUNT(steps)) > 0);
    assert_string_not_equal(steps[0], first);
    assert_true(cause_fixes(know, cause, "microsoft365", false, steps, COUNT(steps)) > 0);
    assert_string_not_equal(steps[0], first); /* its family's */
    assert_int_equal(cause_fixes(know, cause, "laposte.net", false, steps, COUNT(steps)), all);
    assert_string_equal(steps[0], first);
    assert_int_equal(cause_fixes(know, cause, NULL, false, one, 1), 1);
    assert_int_equal(cause_fixes(know, cause, NULL, true, steps, COUNT(steps)), all); /* no other words for others' programs */
    assert_ptr_equal(cause->elsewhere_title, cause->title);

    cause = know_cause(know, "config_invalid");
    all = cause_fixes(know, cause, NULL, false, steps, COUNT(steps));
    first = steps[0];
    assert_true(cause_fixes(know, cause, "gmail", true, steps, COUNT(steps)) > 0);
    assert_string_not_equal(steps[0], first);
    assert_string_not_equal(cause->elsewhere_meaning, cause->meaning);
}

/* One name at a time: what is known of it must not hang on another's being asked for. */
static struct knowledge *few(const char *name)
{
    struct err err = { 0 };
    struct knowledge *ret = NULL;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);
    const struct span names[] = { span_of(name), SPAN_NONE };

    check_row(name, know_new_few(texts, count, know_embedded_index(), names, COUNT(names), &ret, &err));
    return ret;
}

static void check_same(const char *name, const struct profile *one, const struct profile *other)
{
    check_row(name, !one == !other);
    if (!one)
        return;
    check_row(name, strcmp(one->id, other->id) == 0);
    check_row(name, one->server_count == other->server_count);
    check_row(name, one->domains.count == other->domains.count);
    check_row(name, one->password == other->password);
    check_row(name, one->limits.message_size == other->limits.message_size);
    check_row(name, one->capabilities.ehlo.count == other->capabilities.ehlo.count);
    check_row(name, one->oauth.grants == other->oauth.grants);
}

static void check_few(const char *name)
{
    OWN(knowledge) light = few(name);

    check_same(name, know_profile(know, name), know_profile(light, name));
    check_same(name, know_profile_of_domain(know, span_of(name)), know_profile_of_domain(light, span_of(name)));
    check_same(name, know_profile_of_host(know, span_of(name)), know_profile_of_host(light, span_of(name)));
}

static void check_few_of(const struct profile *profile)
{
    check_few(profile->id);
    for (size_t i = 0; i < profile->domains.count && i < 3; i++)
        check_few(profile->domains.at[i]);
    for (size_t i = 0; i < profile->legacy_hosts.count; i++)
        check_few(profile->legacy_hosts.at[i]);
    for (size_t i = 0; i < profile->server_count; i++) {
        HELD(buf) host = BUF(256);
        assert_true(profile_fill(&host, profile->servers[i].host, "eu-west-1"));
        check_few(buf_text(&host));
    }
}

/* Who knows by which names it will ask gets the same answers from a few files. */
static void test_few(void **state)
{
    (void)state;
    OWN(knowledge) none = few("");

    for (size_t i = 0; i < know_profile_count(know); i++)
        check_few_of(know_profile_at(know, i));
    for (size_t i = 0; i < COUNT(domains); i++)
        check_few(domains[i].domain);
    for (size_t i = 0; i < COUNT(hosts); i++)
        check_few(hosts[i].host);
    check_few("SMTP.Live.COM");
    assert_int_equal(know_profile_count(none), 0); /* else nothing is won */
    assert_null(know_cause(none, "account_locked"));
}

static void test_few_without_memory(void **state)
{
    (void)state;
    static const struct span names[] = { SPAN_INIT("live.com"), SPAN_INIT("mail.example.org") };
    size_t before = alloc_alive(), count;
    const struct knowledge_text *texts = know_embedded(&count);

    for (unsigned n = 1;; n++) {
        struct knowledge *made = NULL;
        struct err err = { 0 };
        alloc_fail_at(n);
        bool ok = know_new_few(texts, count, know_embedded_index(), names, COUNT(names), &made, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(ok != failed);
        assert_true(ok || err.kind == ERR_MEMORY);
        knowledge_free(made);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sane),    cmocka_unit_test(test_domains),
        cmocka_unit_test(test_oauth),   cmocka_unit_test(test_of_domain),
        cmocka_unit_test(test_of_mx),   cmocka_unit_test(test_of_host),
        cmocka_unit_test(test_outlook), cmocka_unit_test(test_fill),
        cmocka_unit_test(test_words),   cmocka_unit_test(test_fixes),
        cmocka_unit_test(test_few),     cmocka_unit_test(test_few_without_memory),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
